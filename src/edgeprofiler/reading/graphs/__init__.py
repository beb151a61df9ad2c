"""Graphs written down by hand, and graphs changed: other sizes, another batch, smaller weights."""

from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.graphs.change import (
    named_shapes,
    resized,
    with_batch,
    with_constant_shapes,
    with_input_shapes,
    with_nodes,
)

__all__ = [
    "GraphBuilder",
    "named_shapes",
    "resized",
    "with_batch",
    "with_constant_shapes",
    "with_input_shapes",
    "with_nodes",
]
