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
    rules = {"ReduceMean": _follow, "Reshape": _grouped}
    for _, node in facts.nodes:
        rule = rules.get(node.op)
        chain = rule(node, facts) if rule is not None else None
        if chain is not None:
            found[chain[-1].name] = chain
    return found


def _grouped(reshape: Node, facts: Facts) -> list[Node] | None:
    """Return a group normalisation as the tracing exporter writes it for older operator sets.

    The channels of each group are laid in a row and normalised as instances, then laid back and
    scaled channel by channel: what newer exporters write as one `GroupNormalization`.
    """
    instance = _only_reader(reshape, facts, "InstanceNormalization")
    back = None if instance is None else _only_reader(instance, facts, "Reshape")
    if instance is None or back is None:
        return None
    if facts.shape(back.outputs[0]) != facts.shape(reshape.inputs[0]):
        return None
    return _with_tail([reshape, instance, back], facts)


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
    return _with_tail(chain, facts)


def _with_tail(chain: list[Node], facts: Facts) -> list[Node]:
    """Return a chain with the factor and the summand of each channel behind it."""
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
