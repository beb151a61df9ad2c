"""From executed kernels to layers."""

from __future__ import annotations

import pytest

from edgeprofiler.measurement.runners._onnx_kernels import Kernel, layer_of


def kernel(op: str, inputs, outputs, weights=(), **attributes) -> Kernel:
    return Kernel(
        "k", op, tuple(inputs), tuple(outputs), tuple(weights),
        ("fp32",) * len(inputs), ("fp32",) * len(outputs), attributes,
    )  # fmt: skip


def test_a_fused_convolution_counts_its_work_and_names_its_activation():
    weights = ((64, 3, 7, 7), (64,))
    layer = layer_of(
        kernel(
            "FusedConv", [(1, 3, 224, 224), *weights], [(1, 64, 112, 112)], weights,
            kernel_shape=(7, 7), strides=(2, 2), pads=(3, 3, 3, 3), group=1, activation="Relu",
        )
    )  # fmt: skip
    assert (layer.kind, layer.op) == ("convolutional", "convolution")
    assert layer.macs == 64 * 112 * 112 * 7 * 7 * 3
    assert layer.weight_bytes == 4 * (64 * 3 * 49 + 64)
    assert layer.fused_ops == ("Relu",)
    assert layer.input_shapes == ((1, 3, 224, 224),)
    assert (layer.padding_before, layer.padding_after) == ((3, 3), (3, 3))


def test_a_convolution_of_single_points_is_dense():
    weights = ((1000, 512, 1, 1),)
    layer = layer_of(kernel("Conv", [(1, 512, 1, 1), *weights], [(1, 1000, 1, 1)], weights))
    assert (layer.kind, layer.kernel, layer.macs) == ("dense", (1, 1), 512_000)


@pytest.mark.parametrize(
    ("op", "turned", "first"), [("Gemm", 0, (2, 256)), ("FusedGemm", 1, (256, 2))]
)
def test_a_dense_layer_multiplies_its_shared_dimension(op: str, turned: int, first: tuple):
    layer = layer_of(kernel(op, [first, (10, 256)], [(2, 10)], [(10, 256)], transA=turned))
    assert (layer.kind, layer.op, layer.macs) == ("dense", "gemm", 2 * 10 * 256)


def test_a_product_of_two_activations_has_no_weights():
    layer = layer_of(kernel("MatMul", [(1, 8, 4), (1, 4, 8)], [(1, 8, 8)]))
    assert (layer.op, layer.macs, layer.weight_bytes) == ("matmul", 8 * 8 * 4, 0)


def test_a_mean_over_all_positions_is_a_global_pooling_and_other_reductions_are_not():
    assert layer_of(kernel("ReduceMean", [(1, 8, 7, 7)], [(1, 8, 1, 1)])).kind == "pooling"
    assert layer_of(kernel("ReduceMean", [(1, 8, 16)], [(1, 8, 1)])).op == "reduce"
    assert layer_of(kernel("ReduceSum", [(1, 8, 7, 7)], [(1, 8, 1, 1)])).op == "reduce"
    assert layer_of(kernel("GlobalAveragePool", [(1, 8, 7, 7)], [(1, 8, 1, 1)])).kind == "pooling"


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("Add", "pointwise"), ("Concat", "concat"), ("Transpose", "copy"), ("Cast", "reformat"),
        ("Reshape", "noop"), ("Softmax", "softmax"), ("LRN", "normalization"), ("TopK", "topk"),
        ("Resize", "resize"), ("MaxPool", "max_pool"), ("ConvTranspose", "transposed_convolution"),
        ("StrangersOp", "unknown"),
    ],
)  # fmt: skip
def test_every_kernel_has_an_operation_and_a_strangers_is_unknown(op: str, expected: str):
    layer = layer_of(kernel(op, [(1, 8, 4, 4), (8, 8, 2, 2)], [(1, 8, 4, 4)], [(8, 8, 2, 2)]))
    assert layer.op == expected
    assert layer.engine_type == op
