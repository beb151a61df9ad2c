"""Graphs written down by hand, and graphs changed: other sizes, another batch, smaller weights."""

from edgeprofiler.reading.graphs.build import GraphBuilder, forget_parts, part
from edgeprofiler.reading.graphs.change import (
    named_shapes,
    resized,
    shapes_of_inputs,
    with_batch,
    with_constant_shapes,
    with_input_shapes,
    with_nodes,
)
from edgeprofiler.reading.graphs.trips import with_trips

__all__ = [
    "GraphBuilder",
    "forget_parts",
    "named_shapes",
    "part",
    "resized",
    "shapes_of_inputs",
    "with_batch",
    "with_constant_shapes",
    "with_input_shapes",
    "with_nodes",
    "with_trips",
]
