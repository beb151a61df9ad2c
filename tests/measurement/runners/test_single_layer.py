"""A layer alone as a graph."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.network import Layer, make_layer
from edgeprofiler.measurement.runners._onnx_model import inputs_of, model_of
from edgeprofiler.measurement.runners._single import single_layer_graph

pytest.importorskip("onnx")


def layer(op: str, kind: str, inputs, outputs, **facts) -> Layer:
    return make_layer(
        name="alone", kind=kind, op=op, input_shapes=inputs, output_shapes=outputs,
        dtype=facts.pop("dtype", "fp32"), **facts,
    )  # fmt: skip


CONVOLUTION = {
    "kernel": (3, 3), "stride": (2, 2), "padding_before": (1, 1), "padding_after": (1, 1),
    "dilation": (1, 1),
}  # fmt: skip

LAYERS = [
    layer("convolution", "convolutional", [(2, 4, 8, 8)], [(2, 6, 4, 4)], groups=2, **CONVOLUTION),
    layer("convolution", "convolutional", [(2, 4, 8, 8)], [(2, 6, 4, 4)],
          fused_ops=("Relu",), **CONVOLUTION),
    layer("gemm", "dense", [(3, 16)], [(3, 5)], macs=240),
    layer("gemm", "dense", [(3, 4, 2, 2)], [(3, 5)], macs=240, fused_ops=("Relu",)),
    layer("max_pool", "pooling", [(1, 4, 8, 8)], [(1, 4, 4, 4)], **CONVOLUTION),
    layer("average_pool", "pooling", [(1, 4, 8, 8)], [(1, 4, 4, 4)], **CONVOLUTION),
    layer("global_pool", "pooling", [(1, 4, 8, 8)], [(1, 4, 1, 1)]),
    layer("pointwise", "other", [(1, 4, 8, 8)], [(1, 4, 8, 8)]),
    layer("pointwise", "other", [(1, 4, 8, 8), (1, 4, 8, 8)], [(1, 4, 8, 8)]),
    layer("softmax", "other", [(1, 10)], [(1, 10)]),
]  # fmt: skip


@pytest.mark.parametrize("alone", LAYERS, ids=lambda x: f"{x.op}-{len(x.input_shapes)}")
def test_a_layer_alone_gives_the_shape_that_it_gives_in_its_network(alone: Layer):
    from onnx.reference import ReferenceEvaluator

    graph = single_layer_graph(alone)
    result = ReferenceEvaluator(model_of(graph)).run(None, inputs_of(graph))[0]
    assert np.prod(result.shape) == np.prod(alone.output_shapes[0])


def test_a_layer_whose_work_is_unknown_cannot_be_built_alone():
    for op, facts in (("plugin", {}), ("concat", {}), ("max_pool", {})):
        with pytest.raises(Unsupported, match="alone"):
            single_layer_graph(layer(op, "other", [(1, 2)], [(1, 2)], **facts))
