"""Operators that no rule knows cost something, whatever they read and make, and wherever."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import model, node, out, read

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.reading.lowering import lower

WEIGHTS = {"w": (8, 8, 3, 3), "k": (4,)}
SHAPE = [1, 8, 16, 16]


def conv(source: str, result: str) -> Any:
    return node("Conv", f"{source} w", result, pads=[1, 1, 1, 1])


def odd(inputs: list[str], outputs: list[str]) -> Any:
    return helper.make_node("Odd", inputs, outputs, domain="strange", name="odd")


@pytest.mark.parametrize("place", ["begin", "middle", "end"])
@pytest.mark.parametrize("results", [1, 2, 3])
@pytest.mark.parametrize("inputs", [0, 1, 2, 3])
def test_an_operator_that_nobody_knows_is_never_free(inputs: int, results: int, place: str) -> None:
    """Also one that reads nothing: no engine can work out beforehand what it gives."""
    source = "x" if place == "begin" else "c"
    given = [source, "", "k"][:inputs] if inputs != 2 else [source, "k"]
    made = [f"o{i}" for i in range(results)]
    nodes = [] if place == "begin" else [conv("x", "c")]
    nodes += [odd(given, made), node("Relu", "o0", "y") if place == "end" else conv("o0", "y")]
    graph = read(
        model(nodes, {"x": SHAPE}, ["y"], WEIGHTS, domains=["strange"],
              value_info=dict.fromkeys(made, SHAPE))
    )  # fmt: skip
    network = lower(graph)
    assert out(graph) == tuple(SHAPE)
    assert [layer.op for layer in network.layers].count("unknown") == 1
    assert not network.whole


def test_what_such_an_operator_makes_of_weights_is_made_each_time() -> None:
    """A quantisation of one's own: no builder knows how to undo it beforehand."""
    nodes = [odd(["w"], ["v"]), node("Conv", "x v", "y", pads=[1, 1, 1, 1])]
    built = model(
        nodes, {"x": SHAPE}, ["y"], WEIGHTS, domains=["strange"], value_info={"v": [8, 8, 3, 3]}
    )
    network = lower(read(built))
    assert {"unknown", "convolution"} <= {layer.op for layer in network.layers}
    assert network.macs == 8 * 8 * 9 * 256
    assert not network.whole


def test_an_assumed_shape_that_does_not_fit_is_asked_for_and_no_fault_of_the_file() -> None:
    """The filters behind it say its channels alone; the model may well be right."""
    nodes = [
        odd(["x"], ["o"]), node("Conv", "o s", "c"), node("Conv", "x l", "d"),
        node("Add", "c d", "y"),
    ]  # fmt: skip
    weights = {"s": (4, 8, 1, 1), "l": (4, 8, 3, 3)}
    built = model(nodes, {"x": SHAPE}, ["y"], weights, domains=["strange"])
    with pytest.raises(Unsupported, match=r"strange.Odd makes, is said by nothing.*`shapes` o="):
        read(built)
    assert out(read(built, o=(1, 8, 14, 14))) == (1, 4, 14, 14)


def test_scales_that_were_quantised_with_the_rest_are_read() -> None:
    """As quantisers write them that take every constant for an activation: 2 is 128 of 1/64."""
    nodes = [
        node("QuantizeLinear", "s step nought", "q"),
        node("DequantizeLinear", "q step nought", "d"),
        node("Resize", "x - d", "y"),
    ]  # fmt: skip
    weights = {"s": np.array([1, 1, 2, 2], np.float32), "step": np.float32(1 / 64),
               "nought": np.array(0, np.uint8)}  # fmt: skip
    graph = read(model(nodes, {"x": SHAPE}, ["y"], weights, opset=13))
    assert out(graph) == (1, 8, 32, 32)
    assert not graph.warnings


def test_what_follows_an_unknown_operator_says_its_shape_where_the_file_declares_that() -> None:
    """A convolution that moves by one makes 8x8 of 8x8 alone, whatever came before."""
    nodes = [conv("x", "c"), odd(["c"], ["o"]), conv("o", "y")]
    built = model(nodes, {"x": SHAPE}, ["y"], WEIGHTS, domains=["strange"])
    declared = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 8, 8])
    built.graph.output[0].CopyFrom(declared)
    graph = read(built)
    assert graph.tensors["o"].shape == (1, 8, 8, 8)
    assert not graph.warnings
    assert lower(graph).macs == 8 * 8 * 9 * (256 + 64)


@pytest.mark.parametrize(("after", "weight", "made", "found"), [
    (node("MatMul", "o m", "y"), (30, 10), [1, 50, 10], (1, 50, 30)),
    (node("Gemm", "o m", "y"), (30, 10), [2, 10], (2, 30)),
    (node("Gemm", "o m", "y", transB=1), (10, 30), [2, 10], (2, 30)),
    (node("Conv", "o m", "y", dilations=[2, 2]), (4, 3, 3, 3), [1, 4, 12, 12], (1, 3, 16, 16)),
    (node("Conv", "o m", "y", auto_pad="SAME_UPPER"), (4, 3, 3, 3), [1, 4, 9, 9], (1, 3, 9, 9)),
])  # fmt: skip
def test_products_and_windows_say_what_they_were_made_of(
    after: Any, weight: tuple[int, ...], made: list[int], found: tuple[int, ...]
) -> None:
    nodes = [conv("x", "c"), odd(["c"], ["o"]), after]
    built = model(nodes, {"x": SHAPE}, ["y"], {**WEIGHTS, "m": weight}, domains=["strange"])
    declared = helper.make_tensor_value_info("y", TensorProto.FLOAT, made)
    built.graph.output[0].CopyFrom(declared)
    assert read(built).tensors["o"].shape == found


@pytest.mark.parametrize("wrong", [
    {"dilations": [1]}, {"dilations": 2}, {"dilations": [1.5, 1.5]}, {"pads": 3},
    {"pads": ["a"] * 4},
])  # fmt: skip
def test_a_window_whose_attributes_are_wrong_is_refused_behind_what_nobody_knows(
    wrong: dict[str, Any],
) -> None:
    nodes = [odd(["x"], ["o"]), node("Conv", "o w", "y", **wrong)]
    built = model(nodes, {"x": SHAPE}, ["y"], WEIGHTS, domains=["strange"])
    built.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 8, 14, 14))
    )
    with pytest.raises(Unsupported, match=next(iter(wrong))):
        read(built)


def test_a_length_that_is_its_inputs_follows_it_to_other_sizes() -> None:
    nodes = [conv("x", "c"), odd(["c"], ["o"]), conv("o", "y")]
    built = model(nodes, {"x": SHAPE}, ["y"], WEIGHTS, domains=["strange"])
    built.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, SHAPE))
    assert out(read(built, x=(1, 8, 32, 32))) == (1, 8, 32, 32)


def test_a_state_that_an_unknown_operator_makes_is_as_before_the_run() -> None:
    inside = helper.make_graph(
        [conv("before", "c"), odd(["c"], ["after"]), node("Identity", "on", "still")], "body",
        [helper.make_tensor_value_info(name, kind, None) for name, kind in
         (("i", TensorProto.INT64), ("on", TensorProto.BOOL), ("before", TensorProto.FLOAT))],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, None),
         helper.make_tensor_value_info("after", TensorProto.FLOAT, None)],
    )  # fmt: skip
    weights = {**WEIGHTS, "count": np.array(3), "goes": np.array(True)}
    nodes = [node("Loop", "count goes x", "y", body=inside)]
    graph = read(model(nodes, {"x": SHAPE}, ["y"], weights, domains=["strange"]))
    network = lower(graph)
    assert network.macs == 3 * 8 * 8 * 9 * 256
    assert not network.whole
    assert any("as before the run of its loop" in warning for warning in graph.warnings)


@pytest.mark.parametrize("between", [
    node("BatchNormalization", "o k k k k", "n"), node("InstanceNormalization", "o k k", "n"),
    node("LayerNormalization", "o k", "n"), node("GroupNormalization", "o k k", "n", num_groups=2),
    node("Relu", "o", "n"),
])  # fmt: skip
def test_filters_behind_a_normalisation_say_the_channels_before_it(between: Any) -> None:
    nodes = [conv("x", "c"), odd(["c"], ["o"]), between,
             node("Conv", "n four", "y", pads=[1, 1, 1, 1])]  # fmt: skip
    width = 16 if between.op_type == "LayerNormalization" else 4
    weights = {**WEIGHTS, "k": (width,), "four": (8, 4, 3, 3)}
    graph = read(model(nodes, {"x": SHAPE}, ["y"], weights, domains=["strange"], opset=21))
    assert graph.tensors["o"].shape == (1, 4, 16, 16)
