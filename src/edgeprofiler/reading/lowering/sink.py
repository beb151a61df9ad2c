"""Reshapes of a product's result, moved behind the point-wise operators that follow it.

A reshape leaves the bytes where they are, so that point-wise operators behind it run in the
product's kernel as they would before it. ONNX Runtime's optimiser writes every fully connected
layer of more than two dimensions so ("MatMulAddFusion").
"""

from __future__ import annotations

from dataclasses import replace

from edgeprofiler.core.graph import Graph, Node, Shape, Tensor
from edgeprofiler.core.network import elements
from edgeprofiler.reading.lowering.vocabulary import POINTWISE, RESHAPES
from edgeprofiler.reading.operators.macs import GEMMS, MATMULS

_PRODUCTS = GEMMS | MATMULS
_MOST_NODES = 64
"""Most operators that a reshape is moved behind; no network comes near."""


def sunk(graph: Graph) -> Graph:
    """Return the graph with reshapes of products behind the point-wise operators after them."""
    moved: dict[int, list[Node]] = {}
    tensors: dict[str, Tensor] = {}
    for node in graph.nodes:
        source = graph.producers.get(node.inputs[0]) if node.inputs else None
        if node.op not in RESHAPES or source is None or source.op not in _PRODUCTS:
            continue
        region = _region(graph, node)
        if region is None:
            continue
        nodes, exit_name = region
        moved |= _rewritten(graph, node, nodes, exit_name, tensors)
    if not moved:
        return graph
    kept = [new for node in graph.nodes for new in moved.get(id(node), [node])]
    return replace(graph, nodes=tuple(kept), tensors={**graph.tensors, **tensors})


def _region(graph: Graph, reshape: Node) -> tuple[list[Node], str] | None:
    """Return the point-wise nodes behind a reshape that one tensor leaves, and that tensor."""
    start = reshape.outputs[0]
    before, after = (graph.tensors[name].shape for name in (reshape.inputs[0], start))
    if before[-1:] != after[-1:] or len(graph.consumers.get(reshape.inputs[0], ())) > 1:
        return None
    inside, found = {start}, list[Node]()
    waiting = list(graph.consumers.get(start, ()))
    while waiting and len(found) < _MOST_NODES:
        node = waiting.pop(0)
        if node in found or not _fits(graph, node, inside, after):
            continue
        found.append(node)
        inside.add(node.outputs[0])
        waiting += graph.consumers.get(node.outputs[0], ())
    known = {id(node) for node in found}
    leaving = [
        name
        for name in (start, *(node.outputs[0] for node in found))
        if name in graph.outputs
        or any(id(reader) not in known for reader in graph.consumers.get(name, ()))
    ]
    return (found, leaving[0]) if found and len(leaving) == 1 and leaving[0] != start else None


def _fits(graph: Graph, node: Node, inside: set[str], shape: Shape) -> bool:
    if node.op not in POINTWISE or any(node.outputs[1:]):
        return False
    if graph.tensors[node.outputs[0]].shape != shape:
        return False
    for name in filter(None, node.inputs):
        tensor = graph.tensors[name]
        if name in inside:
            continue
        if not tensor.constant or elements(tensor.shape) not in (1, shape[-1]):
            return False
    return True


def _rewritten(
    graph: Graph, reshape: Node, nodes: list[Node], leaving: str, tensors: dict[str, Tensor]
) -> dict[int, list[Node]]:
    """Return what stands in place of each node: the same on the product's own shape."""
    source = reshape.inputs[0]
    shape = graph.tensors[source].shape
    names = {reshape.outputs[0]: source}
    for node in nodes:
        result = node.outputs[0]
        names[result] = f"{result}/unshaped"
        tensors[names[result]] = replace(
            graph.tensors[result], name=names[result], shape=shape, value=None
        )
    moved: dict[int, list[Node]] = {id(reshape): []}
    for node in nodes:
        inputs = tuple(names.get(name, name) for name in node.inputs)
        outputs = (names[node.outputs[0]],)
        moved[id(node)] = [replace(node, inputs=inputs, outputs=outputs)]
    last = next(node for node in nodes if node.outputs[0] == leaving)
    moved[id(last)].append(
        replace(reshape, inputs=(names[leaving], *reshape.inputs[1:]), outputs=(leaving,))
    )
    return moved
