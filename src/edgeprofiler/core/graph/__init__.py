"""A model's operators, tensors and edges before lowering."""

from edgeprofiler.core.graph.build import GraphBuilder
from edgeprofiler.core.graph.change import with_batch, with_constant_shapes, with_input_shapes
from edgeprofiler.core.graph.graph import AttributeValue, Graph, Node, Shape, Tensor
from edgeprofiler.core.graph.macs import graph_macs, node_macs
from edgeprofiler.core.graph.shapes import can_infer, infer_shapes

__all__ = [
    "AttributeValue",
    "Graph",
    "GraphBuilder",
    "Node",
    "Shape",
    "Tensor",
    "can_infer",
    "graph_macs",
    "infer_shapes",
    "node_macs",
    "with_batch",
    "with_constant_shapes",
    "with_input_shapes",
]
