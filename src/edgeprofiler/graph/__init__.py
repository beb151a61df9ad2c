"""A model's operators, tensors and edges before lowering."""

from edgeprofiler.graph.graph import AttributeValue, Graph, Node, Shape, Tensor

__all__ = ["AttributeValue", "Graph", "Node", "Shape", "Tensor"]
