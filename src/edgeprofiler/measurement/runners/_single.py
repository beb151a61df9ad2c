"""A layer alone as a graph, so that a runtime can run nothing but it."""

from __future__ import annotations

import math
from dataclasses import replace

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import AttributeValue, Graph
from edgeprofiler.core.network import Layer
from edgeprofiler.reading.graphs.build import GraphBuilder

_NODES = {
    "convolution": "Conv", "transposed_convolution": "ConvTranspose", "gemm": "Gemm",
    "max_pool": "MaxPool", "average_pool": "AveragePool", "global_pool": "GlobalAveragePool",
    "softmax": "Softmax", "pointwise": "Relu",
}  # fmt: skip


def single_layer_graph(layer: Layer) -> Graph:
    """Return a graph that computes `layer` and nothing else.

    A fused activation is a `Relu` behind a convolution or a dense layer; a pointwise layer is
    a `Relu` of one input or an `Add` of two.

    Raises:
        Unsupported: the layer's operation or shapes do not say what to compute.
    """
    op = _NODES.get(layer.op)
    if op is None or not layer.input_shapes or not layer.output_shapes:
        raise Unsupported(f"{layer.name}: a {layer.op} layer cannot be built alone")
    source, result = layer.input_shapes[0], layer.output_shapes[0]
    g = GraphBuilder(layer.name)
    attributes: dict[str, AttributeValue] = {}
    if op == "Gemm":
        x = g.input((source[0], math.prod(source[1:])))
        inputs = [x, g.constant("weight", (result[-1], g.channels(x))),
                  g.constant("bias", result[-1:])]  # fmt: skip
        attributes = {"transB": 1}
    else:
        inputs = [g.input(source)]
    if op in ("Conv", "ConvTranspose", "MaxPool", "AveragePool"):
        attributes = _window(layer)
    if op in ("Conv", "ConvTranspose"):
        pair = (result[1], source[1]) if op == "Conv" else (source[1], result[1])
        weight = (pair[0], pair[1] // layer.groups, *layer.kernel)
        inputs += [g.constant("weight", weight), g.constant("bias", (result[1],))]
        attributes |= {"group": layer.groups,
                       "dilations": layer.dilation or (1,) * len(layer.kernel)}  # fmt: skip
    if op == "Relu" and len(layer.input_shapes) > 1:
        op = "Add"
        inputs.append(g.input(layer.input_shapes[1], "second"))
    try:
        y = g.node(op, tuple(inputs), layer.name, attributes)
    except InvalidInput as error:
        raise Unsupported(f"{layer.name}: it cannot be built alone ({error})") from None
    if layer.fused_ops and op in ("Conv", "Gemm"):
        y = g.relu(y, name=f"{layer.name}/activation")
    graph = g.graph(y)
    dtype = layer.dtype if layer.dtype in ("fp32", "fp16") else "fp32"
    tensors = {name: replace(tensor, dtype=dtype) for name, tensor in graph.tensors.items()}
    return replace(graph, tensors=tensors)


def _window(layer: Layer) -> dict[str, AttributeValue]:
    if not layer.kernel:
        raise Unsupported(f"{layer.name}: its window is unknown, so it cannot be built alone")
    return {
        "kernel_shape": layer.kernel,
        "strides": layer.stride or (1,) * len(layer.kernel),
        "pads": (*layer.padding_before, *layer.padding_after) or (0,) * 2 * len(layer.kernel),
    }
