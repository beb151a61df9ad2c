"""A layer alone as a graph, so that a runtime can run nothing but it."""

from __future__ import annotations

from typing import Any

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.core.network import Layer, Shape

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
    dtype = layer.dtype if layer.dtype in ("fp32", "fp16") else "fp32"
    tensors = [Tensor("input", source, dtype), Tensor("output", result, dtype)]
    inputs = ["input"]
    attributes: dict[str, Any] = {}
    if op in ("Conv", "ConvTranspose"):
        weight, attributes = _convolution(layer, source, result, op)
        tensors += [Tensor("weight", weight, dtype, constant=True),
                    Tensor("bias", (result[1],), dtype, constant=True)]  # fmt: skip
        inputs += ["weight", "bias"]
    elif op == "Gemm":
        features = result[-1]
        tensors += [Tensor("weight", (features, _inner(source)), dtype, constant=True),
                    Tensor("bias", (features,), dtype, constant=True)]  # fmt: skip
        if len(source) != 2:
            tensors[0] = Tensor("input", (source[0], _inner(source)), dtype)
            tensors[1] = Tensor("output", (source[0], features), dtype)
        inputs += ["weight", "bias"]
        attributes = {"transB": 1}
    elif op in ("MaxPool", "AveragePool"):
        attributes = _window(layer)
    elif op == "Relu" and len(layer.input_shapes) > 1:
        op = "Add"
        tensors.append(Tensor("second", layer.input_shapes[1], dtype))
        inputs.append("second")
    nodes = [Node(layer.name, op, tuple(inputs), ("output",), attributes)]
    if layer.fused_ops and op in ("Conv", "Gemm"):
        tensors.append(Tensor("raw", tensors[1].shape, dtype))
        nodes = [
            Node(layer.name, op, tuple(inputs), ("raw",), attributes),
            Node(f"{layer.name}/activation", "Relu", ("raw",), ("output",)),
        ]
    supplied = tuple(t.name for t in tensors if t.name in ("input", "second"))
    return Graph(layer.name, tuple(nodes), {t.name: t for t in tensors}, supplied, ("output",))


def _inner(shape: Shape) -> int:
    size = 1
    for length in shape[1:]:
        size *= length
    return size


def _window(layer: Layer) -> dict[str, Any]:
    if not layer.kernel:
        raise Unsupported(f"{layer.name}: its window is unknown, so it cannot be built alone")
    return {
        "kernel_shape": layer.kernel,
        "strides": layer.stride or (1,) * len(layer.kernel),
        "pads": (*layer.padding_before, *layer.padding_after) or (0,) * 2 * len(layer.kernel),
    }


def _convolution(
    layer: Layer, source: Shape, result: Shape, op: str
) -> tuple[Shape, dict[str, Any]]:
    attributes = _window(layer)
    attributes["group"] = layer.groups
    attributes["dilations"] = layer.dilation or (1,) * len(layer.kernel)
    if op == "Conv":
        weight = (result[1], source[1] // layer.groups, *layer.kernel)
    else:
        weight = (source[1], result[1] // layer.groups, *layer.kernel)
    return weight, attributes
