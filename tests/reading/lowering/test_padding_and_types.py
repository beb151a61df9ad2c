"""Padding that stays a layer, and types of results."""

from __future__ import annotations

from dataclasses import replace

from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.lowering import lower


def test_reflecting_or_non_zero_padding_stays_a_layer() -> None:
    for attributes, value in (({"mode": "reflect"}, 0.0), ({}, 1.0)):
        build = GraphBuilder("net")
        x = build.input((1, 3, 30, 30))
        pads = build.number("pads", (0, 0, 1, 1, 0, 0, 1, 1))
        padded = build.node("Pad", (x, pads, build.number("fill", (value,))), "pad", attributes)
        network = lower(build.graph(build.conv(padded, 8, 3, name="conv", padding=0)))
        assert "pad" in [layer.name for layer in network.layers]


def test_a_result_that_is_quantised_only_is_written_in_int8() -> None:
    build = GraphBuilder("net")
    one = build.number("one", (1.0,))
    x = build.conv(build.input((1, 16, 8, 8)), 16, 3, name="first")
    low = build.node("DequantizeLinear", (build.node("QuantizeLinear", (x, one), "q"), one), "dq")
    y = build.conv(low, 16, 3, name="second")
    graph = build.graph(build.conv(y, 16, 3, name="third"))
    weight = replace(graph.tensors["second.weight"], dtype="int8")
    network = lower(replace(graph, tensors={**graph.tensors, weight.name: weight}))
    types = {la.name: (la.dtype, la.output_dtypes) for la in network.layers}
    assert types["first"] == ("fp16", ("int8",))
    assert types["second"] == ("int8", ("fp16",))
    assert "q" not in types
