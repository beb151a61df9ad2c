"""Models as ONNX Runtime writes them, at each level of its optimiser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import model, ops, out, read

from edgeprofiler.core.graph import Graph
from edgeprofiler.measurement.runners._onnx_model import model_of
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.zoo import zoo_graph

LEVELS = ("BASIC", "EXTENDED", "ALL")


def optimised(source: Path, level: str) -> Graph:
    """Return a model as the optimiser rewrites it on this processor."""
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.graph_optimization_level = getattr(
        runtime.GraphOptimizationLevel, f"ORT_ENABLE_{level}"
    )
    options.optimized_model_filepath = str(source.with_suffix(f".{level}.onnx"))
    options.log_severity_level = 3
    runtime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    return OnnxFrontEnd().read(options.optimized_model_filepath, ReadOptions())


def work(graph: Graph) -> Any:
    """What a graph costs: layers, multiply-accumulates, bytes."""
    layers = lower(graph, "fp16").layers
    macs, moved = (sum(getattr(la, name) or 0 for la in layers) for name in ("macs", "bytes_moved"))
    return len(layers), macs, moved


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "name", ["lenet", "mobilenet_v3_small", "shufflenet_v2_x0_5", "mixnet_s", "densenet121"]
)
def test_an_optimised_model_costs_what_it_did_before(tmp_path: Path, name: str, level: str) -> None:
    """Fused operators are written out, and channels that were padded to blocks taken off again."""
    graph = zoo_graph(name)
    path = tmp_path / "model.onnx"
    onnx.save(model_of(graph), path)
    changed = optimised(path, level)
    assert graph_macs(changed) == graph_macs(graph)
    assert work(changed) == work(graph)


def _fused(op: str, inputs: list[str], domain: str = "com.microsoft", **attributes: Any) -> Any:
    return helper.make_node(op, inputs, ["y"], name="it", domain=domain, **attributes)


def _read(built: Any, shape: list[int], **weights: Any) -> Graph:
    domain = built.domain
    return read(model([built], {"x": shape}, ["y"], weights, domains=[domain]))


def test_channels_last_operators_have_their_channels_last() -> None:
    """As the layout transformer writes them for accelerators."""
    internal = "com.ms.internal.nhwc"
    conv = _fused("Conv", ["x", "w"], internal, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    graph = _read(conv, [1, 64, 64, 16], w=(32, 16, 3, 3))
    assert out(graph) == (1, 64, 64, 32)
    assert graph_macs(graph) == 64 * 64 * 32 * 16 * 9
    assert [la.op for la in lower(graph, "fp32").layers] == ["convolution"]
    pool = _fused("MaxPool", ["x"], internal, kernel_shape=[2, 2], strides=[2, 2])
    assert out(_read(pool, [1, 64, 64, 16])) == (1, 32, 32, 16)
    scales = np.array([1, 2, 2, 1], np.float32)
    resize = _fused("Resize", ["x", "", "s"], internal)
    assert out(_read(resize, [1, 64, 64, 16], s=scales)) == (1, 128, 128, 16)


@pytest.mark.parametrize("weights", [(8, 16, 3, 3), (8, 3, 3, 16)])
def test_channels_last_filters_may_be_either_way_round(weights: tuple[int, ...]) -> None:
    graph = _read(_fused("NhwcConv", ["x", "w"]), [1, 9, 9, 16], w=weights)
    assert out(graph) == (1, 7, 7, 8)
    assert graph_macs(graph) == 49 * 8 * 16 * 9


def test_a_fused_product_moves_its_batch_before_it_multiplies() -> None:
    both = {"transB": 1, "transBatchA": 1, "transBatchB": 1}
    built = model(
        [_fused("FusedMatMul", ["a", "b"], **both)],
        {"a": [196, 1, 3, 64], "b": [196, 1, 3, 64]}, ["y"], domains=["com.microsoft"],
    )  # fmt: skip
    graph = read(built)
    assert out(graph) == (1, 3, 196, 196)
    assert graph_macs(graph) == 3 * 196 * 196 * 64


FUSED = [
    ("FusedConv", ["x", "w"], {"activation": "Clip", "activation_params": [0.0, 6.0]},
     ["Conv", "Clip"]),
    ("FusedConv", ["x", "w", "", "z"], {"activation": "Relu"}, ["Conv", "Add", "Relu"]),
    ("FusedConv", ["x", "w"], {}, ["Conv"]),
    ("NhwcFusedConv", ["x", "w", "", "z"], {"activation": "Relu"},
     ["Transpose", "Conv", "Add", "Relu", "Transpose"]),
    ("QuickGelu", ["x"], {"alpha": 1.0}, ["Sigmoid", "Mul"]),
    ("QuickGelu", ["x"], {}, ["Mul", "Sigmoid", "Mul"]),
    ("BiasGelu", ["x", "v"], {}, ["Add", "Gelu"]),
    ("FastGelu", ["x"], {}, ["Gelu"]),
    ("BiasAdd", ["x", "v", "x"], {}, ["Add", "Add"]),
    ("SkipLayerNormalization", ["x", "x", "v", "v", "v"], {}, ["Add", "Add", "LayerNormalization"]),
    ("SkipSimplifiedLayerNormalization", ["x", "x", "v"], {}, ["Add", "RMSNormalization"]),
    ("SimplifiedLayerNormalization", ["x", "v"], {}, ["RMSNormalization"]),
    ("MatMulNBits", ["x", "p", "s"], {"K": 4, "N": 10}, ["MatMul"]),
    ("DynamicQuantizeMatMul", ["x", "q", "s", "", "b"], {},
     ["DynamicQuantizeLinear", "MatMulInteger", "Cast", "Add"]),
    ("FusedMatMul", ["x", "x"], {"transB": 1}, ["FusedMatMul"]),
]  # fmt: skip


@pytest.mark.parametrize(("op", "inputs", "attributes", "expected"), FUSED)
def test_fused_operators_are_written_out(
    op: str, inputs: list[str], attributes: dict[str, Any], expected: list[str]
) -> None:
    graph = _read(
        _fused(op, inputs, **attributes), [1, 4, 4, 4],
        w=(4, 4, 1, 1), z=(1, 4, 4, 4), v=(4,), p=np.zeros((10, 1, 2), np.uint8), s=(10,),
        q=np.zeros((4, 10), np.int8), b=(10,),
    )  # fmt: skip
    assert ops(graph) == expected
    assert lower(graph, "fp16").columns.covered.all()


def test_an_operator_that_only_shares_its_name_with_onnxs_is_not_taken_for_it() -> None:
    """`com.microsoft` has a `Rfft`, an `Attention`, ... of its own."""
    built = model(
        [_fused("Softmax", ["x"])], {"x": [1, 4]}, ["y"], domains=["com.microsoft"],
        value_info={"y": [1, 4]},
    )  # fmt: skip
    assert ops(read(built)) == ["com.microsoft.Softmax"]


def test_deformable_convolutions_of_mmdeploy_are_convolutions() -> None:
    """Two spellings; 48 filters of 96 channels and 3x3."""
    weights = {"o": (1, 18, 5, 5), "m": (1, 9, 5, 5), "w": (48, 96, 3, 3), "b": (48,)}
    said = {"stride": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1}
    for op, inputs in (
        ("MMCVModulatedDeformConv2d", ["x", "o", "m", "w", "b"]),
        ("MMCVDeformConv2d", ["x", "o", "w"]),
    ):
        graph = _read(_fused(op, inputs, "mmdeploy", **said), [1, 96, 5, 5], **weights)
        assert out(graph) == (1, 48, 5, 5)
        assert graph_macs(graph) == 25 * 48 * 96 * 9
