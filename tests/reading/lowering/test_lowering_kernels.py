"""Data types and layouts that depend on what an engine is built on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Layer
from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.lowering import (
    A100_TENSORRT_8,
    GEFORCE_AMPERE,
    JETSON_ORIN,
    BuildTarget,
    lower,
)

NO_TF32 = BuildTarget("Xavier", tf32_ratio=0.0)


def chain(kernel: int, channels: int = 16, stride: int = 1) -> Graph:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, channels, 32, 32)), 16, 1, name="stem")
    return build.graph(build.conv(x, 16, kernel, stride=stride, name="conv"))


def layers(graph: Graph, target: BuildTarget, precision: str = "fp32") -> dict[str, Layer]:
    return {la.name: la for la in lower(graph, precision, target=target).layers}


def reformats(found: dict[str, Layer]) -> int:
    return sum(la.op == "reformat" for la in found.values())


@pytest.mark.parametrize("target", [JETSON_ORIN, A100_TENSORRT_8])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_tf32_wins_where_its_peak_is_far_above(target: BuildTarget, kernel: int) -> None:
    assert layers(chain(kernel), target)["conv"].dtype == "tf32"


def test_winograd_wins_where_the_peaks_are_equal() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 16, 32, 32)), 16, 1, name="stem")
    x = build.conv(x, 16, 3, name="plain")
    graph = build.graph(build.conv(x, 16, 3, stride=2, name="strided"))
    tensors = {n: replace(graph.tensors[n], dtype="fp16") for n in (*graph.inputs, *graph.outputs)}
    found = layers(replace(graph, tensors={**graph.tensors, **tensors}), GEFORCE_AMPERE)
    assert found["stem"].dtype == "tf32", "its input is converted anyway"
    assert found["plain"].dtype == "fp32"
    assert found["strided"].dtype == "fp32", "its input lies in rows"
    assert reformats(found) == 3, "the input, into rows for Winograd, and the FP16 output"


def test_without_tf32_all_is_fp32_in_rows() -> None:
    found = layers(chain(5), NO_TF32)
    assert {found["stem"].dtype, found["conv"].dtype} == {"fp32"}
    assert reformats(found) == 0


def test_a_fully_connected_layer_of_one_image_is_no_work_for_tensor_cores() -> None:
    for batch, dtype in ((1, "fp32"), (2, "tf32")):
        build = GraphBuilder("net")
        x = build.input((batch, 64))
        assert layers(build.graph(build.linear(x, 10, name="fc")), JETSON_ORIN)["fc"].dtype == dtype


def test_tensorrt_8_runs_a_first_layer_of_three_channels_in_rows() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 3, 32, 32)), 16, 3, name="first")
    x = build.max_pool(x, 2, name="pool")
    graph = build.graph(build.conv(x, 16, 3, name="second"))
    found = layers(graph, A100_TENSORRT_8)
    assert list(found)[:2] == ["first", "pool"]
    assert found["first"].dtype == found["pool"].dtype == "fp32"
    assert found["second"].dtype == "tf32"
    assert next(iter(layers(graph, JETSON_ORIN))).startswith("Reformatting")


def with_int8_weights(graph: Graph) -> Graph:
    """The graph with its weights as a file keeps them that come through a DequantizeLinear."""
    stored = {n.inputs[1] for n in graph.nodes if n.op in ("Conv", "Gemm")}
    tensors = {n: replace(t, dtype="int8") if n in stored else t for n, t in graph.tensors.items()}
    return replace(graph, tensors=tensors)


def quantised(build: GraphBuilder, x: str, name: str) -> str:
    one = build.number(f"{name}.scale", (1.0,))
    return build.node(
        "DequantizeLinear", (build.node("QuantizeLinear", (x, one), f"q.{name}"), one), f"dq.{name}"
    )


def test_tensorrt_8_writes_fp32_from_a_quantised_first_layer_and_converts_behind_the_pool() -> None:
    build = GraphBuilder("net")
    x = build.conv(quantised(build, build.input((1, 3, 32, 32)), "a"), 16, 3, name="first")
    x = build.max_pool(x, 2, name="pool")
    y = build.conv(quantised(build, x, "b"), 16, 3, name="second")
    graph = with_int8_weights(build.graph(build.add(y, x, name="sum")))
    found = layers(graph, A100_TENSORRT_8, "fp16")
    assert found["first"].output_dtypes == found["pool"].output_dtypes == ("fp32",)
    assert found["q.b"].input_dtypes == ("fp16",), "the sum wants the pool's result in FP16"
    assert found["second + sum"].input_dtypes == ("int8", "fp16")
    assert layers(graph, JETSON_ORIN, "fp16")["first"].output_dtypes == ("fp16",)


def test_an_int8_layer_writes_the_networks_output_itself() -> None:
    build = GraphBuilder("net")
    x = build.input((1, 64))
    graph = build.graph(build.linear(quantised(build, x, "a"), 10, name="fc"))
    found = layers(with_int8_weights(graph), JETSON_ORIN)
    assert list(found) == ["q.a", "fc"]
    assert found["fc"].output_dtypes == ("fp32",)


def test_an_fp16_pooling_regroups_what_an_int8_convolution_wrote() -> None:
    build = GraphBuilder("net")
    x = build.conv(quantised(build, build.input((1, 16, 8, 8)), "a"), 16, 3, name="conv")
    graph = build.graph(build.flatten(build.global_avg_pool(x, name="pool")))
    network = lower(with_int8_weights(graph))
    assert [la.op for la in network.layers][:4] == [
        "reformat", "convolution", "reformat", "global_pool",
    ]  # fmt: skip


def test_quantisers_of_one_tensor_with_one_scale_are_one_layer() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 16, 8, 8)), 16, 3, name="conv")
    left = build.conv(quantised(build, x, "left"), 16, 3, name="one")
    right = build.conv(quantised(build, x, "right"), 16, 1, name="two")
    graph = with_int8_weights(build.graph(build.add(left, right, name="sum")))
    found = layers(graph, JETSON_ORIN, "fp16")
    assert [n for n in found if n.startswith("q.")] == ["q.left"]
    assert found["conv"].output_dtypes == ("fp16",)
    assert {la.dtype for n, la in found.items() if n.startswith(("one", "two"))} == {"int8"}


def test_sums_without_activation_stay_apart_in_newer_torch_tensorrt() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 16, 8, 8)), 16, 1, name="stem")
    x = build.add(build.conv(x, 16, 3, name="a"), x, name="linear")
    x = build.relu(build.add(build.conv(x, 16, 3, name="b"), x, name="sum"), name="relu")
    graph = build.graph(x)
    for target, joined in ((GEFORCE_AMPERE, False), (JETSON_ORIN, True)):
        network = lower(graph, builder="torch-tensorrt", target=target)
        found = [la.name for la in network.layers]
        assert ("a + linear" in found) is joined
        assert "b + sum + relu" in found


def test_a_calibrated_stem_runs_its_pooling_inside() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 3, 64, 64)), 16, 7, stride=2, name="stem")
    x = build.max_pool(build.relu(x, name="relu"), 3, stride=2, padding=1, name="pool")
    graph = build.graph(build.conv(x, 16, 3, name="next"))
    fused = layers(graph, JETSON_ORIN, "int8")["stem + relu + pool"]
    apart = layers(graph, JETSON_ORIN, "fp16")["stem + relu"]
    assert fused.output_shapes == ((1, 16, 16, 16),)
    assert fused.macs == apart.macs == 32 * 32 * 16 * 3 * 49
    assert fused.fused_ops == ("Relu", "MaxPool")
    assert fused.padding_before == apart.padding_before
    assert "pool" in layers(graph, A100_TENSORRT_8, "int8")


def test_a_stem_whose_result_others_read_keeps_its_pooling_apart() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 3, 64, 64)), 16, 7, stride=2, name="stem")
    graph = build.graph(build.max_pool(x, 3, stride=2, padding=1, name="pool"), x)
    assert {"stem", "pool"} <= set(layers(graph, JETSON_ORIN, "int8"))


def test_a_pooling_between_quantisers_works_on_int8() -> None:
    build = GraphBuilder("net")
    x = build.conv(quantised(build, build.input((1, 16, 8, 8)), "a"), 16, 3, name="conv")
    x = build.max_pool(quantised(build, x, "b"), 2, name="pool")
    graph = build.graph(build.conv(quantised(build, x, "c"), 16, 3, name="next"))
    found = layers(with_int8_weights(graph), JETSON_ORIN)
    assert list(found) == ["q.a", "conv", "pool", "next"]
    assert found["pool"].input_dtypes == found["pool"].output_dtypes == ("int8",)


@pytest.mark.parametrize(("after", "reformats_expected"), [(1.0, 1), (2.0, 2)])
def test_a_view_between_quantisers_is_requantised_only_for_another_scale(
    after: float, reformats_expected: int
) -> None:
    build = GraphBuilder("net")
    x = build.flatten(quantised(build, build.input((2, 36, 1, 1)), "a"))
    other = build.number("other", (after,))
    low = build.node("QuantizeLinear", (x, other), "q.b")
    x = build.node("DequantizeLinear", (low, other), "dq.b")
    graph = with_int8_weights(build.graph(build.linear(x, 10, name="fc")))
    found = layers(graph, JETSON_ORIN)
    assert reformats(found) == reformats_expected
    assert found["fc"].input_dtypes == ("int8",)


def detector() -> Graph:
    """A quantised backbone, and a head that its maker left in floats."""
    build = GraphBuilder("detector")
    x = build.conv(quantised(build, build.input((1, 16, 32, 32)), "a"), 32, 3, name="backbone.0")
    x = build.conv(quantised(build, build.relu(x), "b"), 32, 3, name="backbone.1")
    x = build.conv(quantised(build, build.relu(x), "c"), 32, 3, name="head.0")
    graph = build.graph(build.conv(build.relu(x), 8, 1, name="head.1"))
    stored = {f"backbone.{i}.weight" for i in (0, 1)}
    tensors = {n: replace(t, dtype="int8") if n in stored else t for n, t in graph.tensors.items()}
    return replace(graph, tensors=tensors)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_what_a_quantised_model_leaves_in_floats_stays_so_at_every_precision(
    precision: str,
) -> None:
    """INT8 needs both factors dequantised: the head's first input is, its weights are not."""
    network = lower(detector(), precision)
    types = {la.nodes[0]: la.dtype for la in network.layers if la.macs}
    plain = {"fp32": "tf32"}.get(precision, "fp16")
    assert types == {
        "backbone.0": "int8", "backbone.1": "int8", "head.0": plain, "head.1": plain,
    }  # fmt: skip
    assert network.precision == "int8"
    assert not any("calibrated" in warning for warning in network.warnings)


def test_a_product_of_floats_reads_a_quantised_tensor_through_a_layer() -> None:
    found = lower(detector(), "fp16").layers
    before = next(i for i, la in enumerate(found) if la.nodes[:1] == ("head.0",))
    widened = found[before - 1]
    assert (widened.op, widened.input_dtypes, widened.output_dtypes) == (
        "reformat", ("int8",), ("fp16",),
    )  # fmt: skip


def test_int8_is_kept_only_where_it_is_faster() -> None:
    """Without INT8 units an engine that may use INT8 is the FP16 engine."""
    without = BuildTarget("old", tf32_ratio=0.0, int8=False)
    graph = chain(3)
    allowed, plain = lower(graph, "int8", target=without), lower(graph, "fp16", target=without)
    assert allowed.layers == plain.layers
    assert "no faster than FP16" in allowed.warnings[0]


def test_operators_on_integers_say_that_tensorrt_does_not_take_them() -> None:
    build = GraphBuilder("net")
    x, one = build.input((1, 8, 8, 8)), build.number("one", (1.0,))
    inputs = (x, one, one, build.constant("w", (4, 8, 3, 3)), one, one, one, one)
    network = lower(build.graph(build.node("QLinearConv", inputs, "conv")))
    assert "does not take QLinearConv" in network.warnings[0]
