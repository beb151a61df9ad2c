"""Multiply-accumulates of a graph, counted before it is lowered."""

from __future__ import annotations

import math

from edgeprofiler.graph.graph import Graph, Node


def node_macs(graph: Graph, node: Node) -> int:
    """Return the multiply-accumulates of one node; 0 for what is no convolution or product."""
    if node.op not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    first = graph.tensors[node.inputs[0]].shape
    second = graph.tensors[node.inputs[1]].shape
    result = graph.tensors[node.outputs[0]].shape
    if node.op == "Conv":
        return math.prod(result) * math.prod(second[1:])
    if node.op == "ConvTranspose":
        return math.prod(first) * math.prod(second[1:])
    shared = first[0] if node.op == "Gemm" and node.integer("transA") else first[-1]
    return math.prod(result) * shared


def graph_macs(graph: Graph) -> int:
    """Return the multiply-accumulates of all convolutions and matrix products of a graph."""
    return sum(node_macs(graph, node) for node in graph.nodes)
