"""Kernels and paddings from attributes and shapes."""

from __future__ import annotations

import pytest

from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.core.graph.build import GraphBuilder
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.lowering.windows import paddings, window_padding


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [("SAME_UPPER", (0, 0), (1, 1)), ("SAME_LOWER", (1, 1), (0, 0)), ("VALID", (0, 0), (0, 0))],
)
def test_auto_pad_asks_for_what_the_output_needs(
    mode: str, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    node = Node("c", "Conv", ("x", "w"), ("y",), {"auto_pad": mode, "strides": (2, 2)})
    assert window_padding(node, (1, 3, 224, 224), (1, 8, 112, 112), (3, 3)) == (before, after)


def test_a_pad_whose_numbers_are_not_known_is_told_by_its_growth() -> None:
    tensors = {"x": Tensor("x", (1, 3, 30, 30)), "y": Tensor("y", (1, 3, 33, 32))}
    node = Node("p", "Pad", ("x", "unknown"), ("y",))
    graph = Graph("net", (node,), tensors, ("x",), ("y",))
    assert paddings(node, graph) == ((0, 0, 1, 1), (0, 0, 2, 1))


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
    network = lower(build.graph(build.conv(y, 16, 3, name="third")))
    types = {la.name: (la.dtype, la.output_dtypes) for la in network.layers}
    assert types["first"] == ("fp16", ("int8",))
    assert types["second"] == ("int8", ("fp16",))
    assert "q" not in types
