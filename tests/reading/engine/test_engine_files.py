"""Real engine descriptions of three boards, TensorRT 8 and 10, three ways of building."""

import json
from pathlib import Path

import pytest

from edgeprofiler.core.network import Network, Source
from edgeprofiler.reading.engine import engine_document, network_from_engine

_GIGA_MACS = {"resnet18": 1.814, "vgg16": 15.470, "mobilenet_v2": 0.3008, "alexnet": 0.7142}
_WEIGHTS = {"resnet18": 11.69e6, "vgg16": 138.36e6, "mobilenet_v2": 3.50e6, "alexnet": 61.10e6}
_FILES = [
    "a100_resnet18_fp16_trtexec",
    "a100_resnet18_fp32_trtexec",
    "a100_resnet18_qat_trtexec",
    "orin-nano_mobilenet_v2_fp16_torch-trt",
    "orin-nano_resnet18_fp16_torch-trt",
    "orin-nano_vgg16_fp16_torch-trt",
    "rtx3060m_alexnet_fp16_onnx-trt",
    "rtx3060m_alexnet_fp16_torch-trt",
    "rtx3060m_alexnet_fp16_trtexec",
    "rtx3060m_mobilenet_v2_fp16_onnx-trt",
    "rtx3060m_mobilenet_v2_fp16_torch-trt",
    "rtx3060m_mobilenet_v2_fp16_trtexec",
    "rtx3060m_resnet18_fp16_onnx-trt",
    "rtx3060m_resnet18_fp16_torch-trt",
    "rtx3060m_resnet18_fp16_trtexec",
]

pytestmark = pytest.mark.shared


def read(shared: Path, name: str) -> Network:
    path = shared / "inputs" / "engine_info" / f"{name}.json"
    return network_from_engine(json.loads(path.read_text()), Source(str(path), "tensorrt"))


def test_all_files_are_listed_here(shared: Path) -> None:
    found = {path.stem for path in (shared / "inputs" / "engine_info").glob("*.json")}
    assert found == set(_FILES)


@pytest.mark.parametrize("name", _FILES)
def test_macs_and_weights_are_those_of_the_network(shared: Path, name: str) -> None:
    """However an engine is built, it multiplies as often as the published network."""
    network = read(shared, name)
    model = next(model for model in _GIGA_MACS if model in name)
    assert network.macs / network.batch == pytest.approx(_GIGA_MACS[model] * 1e9, rel=0.005)
    bytes_each = {"fp16": 2, "fp32": 4, "int8": 1}[network.precision]
    weights = sum(layer.weight_bytes or 0 for layer in network.layers) / bytes_each
    assert weights == pytest.approx(_WEIGHTS[model], rel=0.02)


@pytest.mark.parametrize("name", _FILES)
def test_every_layer_is_covered_and_none_is_dropped(shared: Path, name: str) -> None:
    path = shared / "inputs" / "engine_info" / f"{name}.json"
    network = read(shared, name)
    assert len(network) == len(json.loads(path.read_text())["Layers"])
    assert network.columns.covered.all()
    assert network.warnings == ()
    assert all(layer.bytes_moved for layer in network.layers if layer.op != "noop")
    assert all(layer.bytes_moved == 0 for layer in network.layers if layer.op == "noop")


@pytest.mark.parametrize("name", _FILES)
def test_writing_and_reading_gives_the_same_network(shared: Path, name: str) -> None:
    network = read(shared, name)
    text = json.dumps(engine_document(network))
    assert network_from_engine(json.loads(text), network.source) == network


def kinds(network: Network) -> dict[str, int]:
    found = [layer.kind for layer in network.layers]
    return {kind: found.count(kind) for kind in ("convolutional", "pooling", "dense")}


@pytest.mark.parametrize("name", [n for n in _FILES if "mobilenet" in n])
def test_kinds_do_not_depend_on_tactics(shared: Path, name: str) -> None:
    """MobileNetV2 has 52 convolutions and one fully connected layer in every build of it."""
    assert kinds(read(shared, name)) == {"convolutional": 52, "pooling": 1, "dense": 1}


def test_a_one_by_one_convolution_stays_a_convolution_when_it_runs_as_gemm(shared: Path) -> None:
    layers = read(shared, "orin-nano_mobilenet_v2_fp16_torch-trt").layers
    gemms = [layer for layer in layers if layer.engine_type == "CaskGemmConvolution"]
    assert {layer.kind for layer in gemms} == {"convolutional"}
    assert {layer.kernel for layer in gemms} == {(1, 1)}


def test_depthwise_convolutions_are_told_by_their_groups(shared: Path) -> None:
    network = read(shared, "orin-nano_mobilenet_v2_fp16_torch-trt")
    assert sum(layer.depthwise for layer in network.layers) == 17


def test_pooling_windows_come_from_window_size(shared: Path) -> None:
    layers = read(shared, "orin-nano_vgg16_fp16_torch-trt").layers
    pools = [layer for layer in layers if layer.kind == "pooling"]
    assert {(layer.op, layer.kernel, layer.stride) for layer in pools} == {
        ("max_pool", (2, 2), (2, 2))
    }


def test_a_pooling_over_the_whole_image_is_global(shared: Path) -> None:
    network = read(shared, "a100_resnet18_fp16_trtexec")
    pools = {layer.name: (layer.op, layer.kernel) for layer in network.layers
             if layer.kind == "pooling"}  # fmt: skip
    assert pools == {
        "MaxPool_2": ("max_pool", (3, 3)),
        "GlobalAveragePool_46": ("global_pool", (7, 7)),
    }


def test_the_fully_connected_layer_is_found_in_a_generated_kernel(shared: Path) -> None:
    """Myelin runs ResNet-18's classifier as `kgen` MulSumAdd, with weights as inputs."""
    layer = read(shared, "rtx3060m_resnet18_fp16_trtexec").layers[-1]
    assert (layer.engine_type, layer.kind, layer.op) == ("kgen", "dense", "gemm")
    assert layer.macs == 512 * 1000
    assert layer.weight_bytes == 2 * (512 * 1000 + 1000)
    assert layer.input_shapes == ((1, 512),)
    assert layer.nodes == ("/fc/Gemm",)


def test_residual_sums_and_activations_are_fused(shared: Path) -> None:
    for name in (n for n in _FILES if "resnet18" in n):
        fused = [layer.fused_ops for layer in read(shared, name).layers]
        assert (fused.count(("Add", "Relu")), fused.count(("Relu",))) == (8, 9)


def test_batch_and_precision_are_those_of_the_engine(shared: Path) -> None:
    qat = read(shared, "a100_resnet18_qat_trtexec")
    assert (qat.batch, qat.precision, qat.name) == (32, "int8", "a100_resnet18_qat_trtexec")
    orin = read(shared, "orin-nano_vgg16_fp16_torch-trt")
    assert (orin.batch, orin.precision) == (1, "fp16")
