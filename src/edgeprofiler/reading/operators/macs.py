"""Multiply-accumulates of operators, counted before a graph is lowered."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from edgeprofiler.core.graph import Graph, Node, Shape, Tensor
from edgeprofiler.reading.operators.attention import heads_of
from edgeprofiler.reading.operators.einsum import einsum_macs
from edgeprofiler.reading.operators.products import turned
from edgeprofiler.reading.operators.recurrent import GATES, recurrence_of
from edgeprofiler.reading.operators.rules import RULES

CONVOLUTIONS = frozenset({"Conv", "QLinearConv", "ConvInteger", "DeformConv"})
GEMMS = frozenset({"Gemm", "QGemm"})
MATMULS = frozenset({"MatMul", "MatMulInteger", "QLinearMatMul", "FusedMatMul"})
_WEIGHTS_AT = {"QLinearConv": 3}
_WITHOUT = frozenset({
    "AffineGrid", "CenterCropPad", "Col2Im", "Det", "MaxUnpool", "Multinomial",
})  # fmt: skip
"""Operators without a shape rule of ours that multiply nothing."""


def node_macs(graph: Graph, node: Node) -> int | None:
    """Return the multiply-accumulates of one run of a node.

    0 for what multiplies nothing or element by element only; `None` where they cannot be counted.
    """
    rule = _RULES.get(node.op)
    if rule is not None:
        return rule(graph, node)
    return 0 if node.op in RULES or node.op in _WITHOUT else None


def graph_macs(graph: Graph) -> int:
    """Return the multiply-accumulates of one inference, of those nodes whose can be counted."""
    counts = ((node_macs(graph, node) or 0) * (graph.times(node) or 0) for node in graph.nodes)
    return sum(counts)


def work(nodes: Sequence[Node], tensors: Mapping[str, Tensor]) -> tuple[bool, int, int]:
    """Return how much nodes do in one inference, to tell which of several do most.

    First whether one of them is there whose work cannot be counted, which may be any; then how
    much they multiply, and how many elements they make.
    """
    graph = Graph("", tuple(nodes), tensors, (), ())
    made = sum(
        (graph.times(node) or 0) * math.prod(tensors[name].shape)
        for node in nodes
        for name in node.outputs
        if name in tensors
    )
    uncounted = any(graph.times(node) and node_macs(graph, node) is None for node in nodes)
    return uncounted, graph_macs(graph), made


def _convolution(graph: Graph, node: Node) -> int:
    weight = graph.tensors[node.inputs[_WEIGHTS_AT.get(node.op, 1)]].shape
    counted = node.inputs[0] if node.op == "ConvTranspose" else node.outputs[0]
    return math.prod(graph.tensors[counted].shape) * math.prod(weight[1:])


def _product(graph: Graph, node: Node) -> int:
    return math.prod(graph.tensors[node.outputs[0]].shape) * _depth(graph, node)


def _attention(graph: Graph, node: Node) -> int:
    heads = (node.integer(f"{kind}_num_heads") for kind in ("q", "kv"))
    return heads_of(_shapes(graph, node), *heads).macs


def _recurrent(graph: Graph, node: Node) -> int:
    return recurrence_of(node.op, _shapes(graph, node), node.attributes).macs


def _shapes(graph: Graph, node: Node) -> list[Shape | None]:
    return [graph.tensors[name].shape if name else None for name in node.inputs]


def _depth(graph: Graph, node: Node) -> int:
    """The length of the dimension that a product sums over."""
    first = graph.tensors[node.inputs[0]].shape
    if node.op == "FusedMatMul":
        first = turned(first, transpose=node.integer("transA"), batch=node.integer("transBatchA"))
    elif node.op in GEMMS and node.integer("transA"):
        first = first[::-1]
    return first[-1]


def _einsum(graph: Graph, node: Node) -> int | None:
    shapes = [graph.tensors[name].shape for name in node.inputs if name]
    return einsum_macs(str(node.attributes.get("equation", "")), shapes)


_RULES: Mapping[str, Callable[[Graph, Node], int | None]] = {
    **dict.fromkeys((*CONVOLUTIONS, "ConvTranspose"), _convolution),
    **dict.fromkeys(GEMMS | MATMULS, _product),
    **dict.fromkeys(GATES, _recurrent),
    "Einsum": _einsum, "Attention": _attention,
}  # fmt: skip
