"""Chains of plain operators that TensorRT recognises as one operation."""

from __future__ import annotations

from edgeprofiler.core.graph import Node
from edgeprofiler.reading.lowering.facts import Facts

_TAIL = ("Mul", "Add")


def normalization_nodes(facts: Facts) -> dict[str, list[Node]]:
    """Return layer normalisations written out, by the name of their last node.

    `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)`, with or without a scale and a shift
    after it, is one generated kernel (the catalog's 'Reduce' and normalisation patterns; TensorRT
    10 lists it as one kgen layer: '...MeanSubMulMeanAddSqrtDivMul...' in NVIDIA/TensorRT issue
    4397).
    """
    found: dict[str, list[Node]] = {}
    for _, node in facts.nodes:
        if node.op == "ReduceMean":
            chain = _follow(node, facts)
            if chain is not None:
                found[chain[-1].name] = chain
    return found


def _follow(mean: Node, facts: Facts) -> list[Node] | None:
    difference = _only_reader(mean, facts, "Sub")
    if difference is None or facts.real(difference.inputs[0]) != facts.real(mean.inputs[0]):
        return None
    readers = facts.readers.get(difference.outputs[0], [])
    square = next((n for n in readers if n.op in ("Pow", "Mul")), None)
    quotient = next((n for n in readers if n.op == "Div"), None)
    if square is None or quotient is None or len(readers) != 2:
        return None
    chain = [mean, difference, square]
    for op in ("ReduceMean", "Add", "Sqrt", "Div"):
        following = _only_reader(chain[-1], facts, op)
        if following is None:
            return None
        chain.append(following)
    if chain[-1] is not quotient:
        return None
    for op in _TAIL:
        following = _only_reader(chain[-1], facts, op)
        if following is None or len(facts.dynamic(following)) != 1:
            break
        chain.append(following)
    return chain


def _only_reader(node: Node, facts: Facts, op: str) -> Node | None:
    result = node.outputs[0]
    if not facts.sole_reader(result):
        return None
    reader = facts.readers[result][0]
    return reader if reader.op == op else None
