"""Multiply-accumulates of a graph, counted before it is lowered."""

from __future__ import annotations

import math

from edgeprofiler.core.graph.graph import Graph, Node

_SECOND_OPERAND = {
    "Conv": 1, "ConvInteger": 1, "QLinearConv": 3, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1,
    "MatMulInteger": 1, "QLinearMatMul": 3,
}  # fmt: skip
"""Place of the weights, or of the second factor, among a node's inputs."""


def node_macs(graph: Graph, node: Node) -> int:
    """Return the multiply-accumulates of one node; 0 for what is no convolution or product."""
    place = _SECOND_OPERAND.get(node.op)
    if place is None:
        return 0
    first = graph.tensors[node.inputs[0]].shape
    second = graph.tensors[node.inputs[place]].shape
    result = graph.tensors[node.outputs[0]].shape
    if node.op in ("Conv", "ConvInteger", "QLinearConv"):
        return math.prod(result) * math.prod(second[1:])
    if node.op == "ConvTranspose":
        return math.prod(first) * math.prod(second[1:])
    shared = first[0] if node.op == "Gemm" and node.integer("transA") else first[-1]
    return math.prod(result) * shared


def graph_macs(graph: Graph) -> int:
    """Return the multiply-accumulates of all convolutions and matrix products of a graph."""
    return sum(node_macs(graph, node) for node in graph.nodes)
