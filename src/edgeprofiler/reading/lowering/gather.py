"""From a graph to the facts about it: which nodes work, and what they read."""

from __future__ import annotations

from collections.abc import Iterable

from edgeprofiler.core.graph import Graph, Node
from edgeprofiler.reading.lowering.facts import FLOATS, Facts
from edgeprofiler.reading.lowering.quantizers import Quantizers
from edgeprofiler.reading.lowering.vocabulary import ALIASES
from edgeprofiler.reading.operators.effect import changes_nothing
from edgeprofiler.reading.operators.macs import CONVOLUTIONS
from edgeprofiler.reading.operators.rules import RULES
from edgeprofiler.reading.operators.selection import RANDOM, SHAPE_READS
from edgeprofiler.reading.operators.windows import pad_amounts


def gather_facts(graph: Graph) -> Facts:
    """Return what the lowering needs to know of `graph`."""
    facts = Facts(graph)
    live = _live(graph, facts)
    facts.static = {name for name, tensor in graph.tensors.items() if tensor.constant}
    facts.static.update(name for n in graph.nodes for name in n.inputs if _loose(graph, name))
    working: list[tuple[int, Node]] = []
    carries: list[tuple[int, Node]] = []
    for place, node in live:
        if node.op == "State":
            facts.states.update(node.outputs)
            facts.no_work[node.name] = "state"
        elif _is_static(node, facts):
            facts.static.update(name for name in node.outputs if name)
            facts.no_work[node.name] = "constant"
        elif _is_alias(node, facts):
            facts.alias[node.outputs[0]] = node.inputs[0]
            facts.no_work[node.name] = "view"
            if node.op == "Carry":
                carries.append((place, node))
        else:
            working.append((place, node))
    _read(facts, [*working, *carries])
    quantizers = Quantizers(facts)
    for place, node in working:
        if node.op == "QuantizeLinear" and (reason := quantizers.reason(node)):
            facts.no_work[node.name] = reason
        elif node.op == "Pad" and _joins_convolutions(node, facts):
            facts.no_work[node.name] = "padding inside the convolution"
            facts.padded[node.outputs[0]] = node
        else:
            facts.nodes.append((place, node))
    quantizers.forget_repeated()
    facts.outputs = {facts.real(name) for name in graph.outputs}
    return facts


def _loose(graph: Graph, name: str) -> bool:
    """A tensor that nobody computes and no caller supplies is a weight, marked so or not."""
    return bool(name) and name not in graph.producers and name not in graph.inputs


def _live(graph: Graph, facts: Facts) -> list[tuple[int, Node]]:
    needed = set(graph.outputs)
    live: list[tuple[int, Node]] = []
    for place in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[place]
        if any(name in needed for name in node.outputs):
            needed.update(node.inputs)
            live.append((place, node))
        else:
            facts.no_work[node.name] = "dead"
    live.reverse()
    return live


def _is_static(node: Node, facts: Facts) -> bool:
    if node.op in SHAPE_READS:
        return True
    if node.op in RANDOM:
        return False
    if "." in node.op or (node.op not in RULES and not any(node.inputs)):
        return False  # nobody can work out beforehand what no rule knows, even of weights alone
    return all(name in facts.static for name in node.inputs if name)


def _is_alias(node: Node, facts: Facts) -> bool:
    """Whether a node's first output is its first input under another name."""
    if not node.inputs or not node.inputs[0] or node.inputs[0] in facts.static:
        return False
    if not node.outputs or not node.outputs[0]:
        return False
    source, result = facts.tensor(node.inputs[0]), facts.tensor(node.outputs[0])
    if node.op in ("Cast", "CastLike"):
        return source.dtype in FLOATS and result.dtype in FLOATS
    if node.op == "DequantizeLinear":
        facts.quantized.add(facts.real(node.inputs[0]))
        return True
    return node.op in ALIASES or changes_nothing(facts.graph, node)


def _read(facts: Facts, nodes: Iterable[tuple[int, Node]]) -> None:
    for _, node in nodes:
        for name in facts.dynamic(node):
            facts.readers.setdefault(name, []).append(node)
    facts.outputs = {facts.real(name) for name in facts.graph.outputs}


def _joins_convolutions(node: Node, facts: Facts) -> bool:
    result = node.outputs[0]
    readers = facts.readers.get(result, [])
    if result in facts.outputs or not readers or str(node.attributes.get("mode", "")) == "reflect":
        return False
    if any(r.op not in CONVOLUTIONS or facts.real(r.inputs[0]) != result for r in readers):
        return False
    value = node.attributes.get("value", 0)
    if len(node.inputs) > 2 and node.inputs[2]:
        constant = facts.graph.tensors.get(node.inputs[2])
        value = constant.value[0] if constant is not None and constant.value else 0
    before, after = pad_amounts(facts.graph, node)
    return (
        not value and min((*before, *after), default=0) >= 0 and not any((*before[:2], *after[:2]))
    )
