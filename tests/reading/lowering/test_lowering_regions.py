"""Products of activations, and what runs beside them, by version of TensorRT."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network
from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.lowering import JETSON_ORIN, BuildTarget, lower
from edgeprofiler.reading.read import read

TOKENS, HEADS, VALUES = 400, 2, 64
NANO = BuildTarget("Nano", tf32_ratio=0.0, tensorrt=(8, 2), tensor_cores=False)


def attention(key_width: int, *, rows: bool = False) -> Graph:
    """Return attention whose queries, keys and values are cut from one convolution.

    Args:
        key_width: of queries and keys; values have `VALUES`.
        rows: whether tokens are rows, as in vision transformers; else columns, as in YOLO.
    """
    build = GraphBuilder("attention")
    widths = (key_width, key_width, VALUES)
    x = build.conv(build.input((1, 64, 20, 20)), HEADS * sum(widths), 1, name="qkv")
    whole = build.reshape(x, (1, HEADS, sum(widths), TOKENS), name="heads")

    def cut(name: str, start: int, stop: int) -> str:
        bounds = (build.number(f"{name}.{i}", (v,)) for i, v in enumerate((start, stop, 2)))
        return build.node("Slice", (whole, *bounds), name)

    query, key = cut("query", 0, key_width), cut("key", key_width, 2 * key_width)
    value = cut("value", 2 * key_width, sum(widths))
    turned = build.permute(query, (0, 1, 3, 2), name="turn")
    scores = build.node("MatMul", (turned, key), "scores")
    weights = build.softmax(build.mul(scores, build.number("root", (0.18,)), name="scale"))
    if rows:
        values = build.permute(value, (0, 1, 3, 2), name="values")
        mixed = build.permute(build.node("MatMul", (weights, values), "mixed"), (0, 1, 3, 2))
    else:
        back = build.permute(weights, (0, 1, 3, 2), name="back")
        mixed = build.node("MatMul", (value, back), "mixed")
    flat = build.reshape(mixed, (1, HEADS * VALUES, 20, 20), name="flat")
    return build.graph(build.conv(flat, 64, 1, name="proj"))


def kernels(network: Network) -> list[str]:
    inner = [layer.op for layer in network.layers if layer.op != "reformat"]
    return inner[1:-1]


def test_transposes_and_the_scale_run_inside_the_kernels_beside_them() -> None:
    network = lower(attention(32))
    assert kernels(network) == ["copy", "matmul", "softmax", "matmul"]
    scores = next(layer for layer in network.layers if layer.op == "matmul")
    assert scores.macs == HEADS * TOKENS * TOKENS * 32


def test_before_the_generator_each_moves_and_computes_on_its_own() -> None:
    old = replace(JETSON_ORIN, tensorrt=(8, 2))
    apart = kernels(lower(attention(32), target=old))
    assert apart.count("copy") == 5, "three parts and two transposes"


@pytest.mark.parametrize(("version", "fused"), [((8, 5), False), ((8, 6), True)])
def test_attention_of_equal_widths_is_one_kernel_from_tensorrt_8_6_on(
    version: tuple[int, int], fused: bool
) -> None:
    target = replace(JETSON_ORIN, tensorrt=version)
    network = lower(attention(VALUES, rows=True), target=target)
    assert kernels(network).count("matmul") == (1 if fused else 2)
    assert kernels(network).count("softmax") == (0 if fused else 1)
    macs = sum(layer.macs or 0 for layer in network.layers if layer.op == "matmul")
    assert macs == 2 * HEADS * TOKENS * TOKENS * VALUES, "both products are counted"


def test_every_node_of_a_region_is_in_one_layer_or_explained() -> None:
    graph = attention(VALUES, rows=True)
    named = [name for layer in lower(graph).layers for name in layer.nodes]
    assert len(named) == len(set(named))
    assert {"scores", "softmax", "mixed"} <= set(named)


def test_products_of_activations_stay_in_floating_point_in_int8_engines() -> None:
    types = {layer.dtype for layer in lower(attention(32), "int8").layers if layer.op == "matmul"}
    assert types == {"fp16"}


def test_without_tensor_cores_concatenations_are_written_in_place() -> None:
    build = GraphBuilder("dense")
    x = build.conv(build.input((1, 8, 16, 16)), 8, 3, name="stem")
    for step in range(3):
        x = build.concat(x, build.conv(x, 8, 3, name=f"conv{step}"), name=f"cat{step}")
    graph = build.graph(build.conv(x, 8, 1, name="last"))
    assert kernels(lower(graph, target=NANO)).count("concat") == 0
    assert kernels(lower(graph)).count("concat") > 0


def test_without_tensor_cores_fp16_stays_in_rows() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 8, 16, 16)), 8, 3, name="stem")
    x = build.channel_shuffle(x, 2)
    graph = build.graph(build.conv(x, 8, 1, name="last"))
    reformats = [layer for layer in lower(graph, target=NANO).layers if layer.op == "reformat"]
    assert len(reformats) == 2, "the FP32 input and output alone"


@pytest.mark.parametrize("board", ["jetson-nano", "jetson-tx2"])
def test_a_board_without_int8_keeps_fp16_and_says_so(board: str) -> None:
    """Compute capabilities 5.3 and 6.2 multiply INT8 no faster: the builder has no kernels."""
    asked = read("zoo:resnet18", precision="int8", device=board)
    assert asked.layers == read("zoo:resnet18", precision="fp16", device=board).layers
    assert asked.precision == "fp16"
    assert any("keeps FP16" in warning for warning in asked.warnings)


def test_a_first_layer_that_writes_fp32_in_an_int8_engine_is_named() -> None:
    old, new = (
        read("zoo:lenet", precision="int8", device=name)
        for name in ("jetson-agx-xavier", "jetson-orin-nano")
    )
    assert any("writes FP32" in warning for warning in old.warnings)
    assert not any("writes FP32" in warning for warning in new.warnings)
