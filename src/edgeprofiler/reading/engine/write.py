"""A network as an engine description, so that what we lower looks like what TensorRT builds."""

from __future__ import annotations

from typing import Any

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Layer, Network, Shape, elements
from edgeprofiler.core.network_document import LAYER_FIELDS, network_to_document
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.core.values import Value
from edgeprofiler.reading.engine.document import STATED
from edgeprofiler.reading.engine.parse import read_layer
from edgeprofiler.reading.engine.raw import RawLayer

_OPERATION = {
    "convolution": "Convolution",
    "transposed_convolution": "Deconvolution",
    "gemm": "FullyConnected",
    "matmul": "MatrixMultiply",
    "max_pool": "Pooling",
    "average_pool": "Pooling",
    "global_pool": "Pooling",
    "pointwise": "PointWise",
    "softmax": "SoftMax",
    "normalization": "Normalization",
    "reduce": "Reduce",
    "resize": "Resize",
    "concat": "Concatenation",
    "copy": "Slice",
    "reformat": "Reformat",
    "topk": "TopK",
    "plugin": "PluginV2",
}
_ENGINE_TYPE = {"noop": "NoOp", "generated": "Myelin"}
_WEIGHTED = ("Convolution", "Deconvolution", "FullyConnected")
_FORMAT = {"fp32": "Row major linear FP32", "fp16": "Row major linear FP16 format"}
_TYPE = {"fp32": "Float", "fp16": "Half", "int8": "Int8", "bf16": "BFloat16"}


def engine_document(network: Network) -> dict[str, Any]:
    """Return `network` in the form of an engine description.

    Layers carry TensorRT's own fields; a fact that those cannot express, or that reading them
    back would not give again, stands under `EdgeProfiler`. `network_from_engine` of the result
    has equal layers.
    """
    entries = [_entry(layer) for layer in network.layers]
    first = entries[0]["Inputs"][:1] if entries else []
    last = entries[-1]["Outputs"][:1] if entries else []
    return {
        "Layers": entries,
        "Bindings": [tensor["Name"] for tensor in (*first, *last)],
        STATED: network_to_document(network),
    }


def _entry(layer: Layer) -> dict[str, Any]:
    entry = _native(layer)
    try:
        read = _read_alone(entry)
    except InvalidInput:  # TensorRT's fields cannot hold this layer: state all of it
        entry = {key: entry[key] for key in ("Name", "Inputs", "Outputs")}
        entry["LayerType"] = "Unknown"
        read = _read_alone(entry)
    differ = (name for name in LAYER_FIELDS if getattr(layer, name) != getattr(read, name))
    stated = attributes(layer, *differ)
    return {**entry, STATED: stated} if stated else entry


def _read_alone(entry: dict[str, Any]) -> Layer:
    return read_layer(RawLayer(Value(entry, "")))


def _native(layer: Layer) -> dict[str, Any]:
    operation = _OPERATION.get(layer.op)
    entry: dict[str, Any] = {
        "Name": layer.name,
        "LayerType": layer.engine_type or _ENGINE_TYPE.get(layer.op) or operation or "Unknown",
        "Inputs": _tensors(layer, "input", layer.input_shapes, layer.input_dtypes),
        "Outputs": _tensors(layer, "output", layer.output_shapes, layer.output_dtypes),
        "Metadata": "\x1f".join(f"[Node: {node}]" for node in layer.nodes),
    }
    if operation is not None:
        entry["ParameterType"] = operation
    if operation in ("Convolution", "Deconvolution"):
        entry |= {"Kernel": [*layer.kernel], **_window(layer), "Groups": layer.groups}
        entry["OutMaps"] = _channels(layer.output_shapes)
    if operation == "Pooling":
        kind = "MAX" if layer.op == "max_pool" else "AVERAGE"
        entry |= {"PoolingType": kind, "WindowSize": [*layer.kernel], **_window(layer)}
    if operation in _WEIGHTED:
        entry |= _weights(layer)
    return entry


def _window(layer: Layer) -> dict[str, Any]:
    return {
        "PrePadding": [*layer.padding_before],
        "PostPadding": [*layer.padding_after],
        "Stride": [*layer.stride],
        "Dilation": [*layer.dilation],
    }


def _weights(layer: Layer) -> dict[str, Any]:
    """Return weights and biases as counts, as far as the layer's MACs and bytes tell them."""
    outputs = elements(layer.output_shapes[0]) if layer.output_shapes else 0
    total = int((layer.weight_bytes or 0) / dtype_bytes(layer.dtype))
    weights = (layer.macs or 0) * _channels(layer.output_shapes) // outputs if outputs else total
    weights = min(weights, total)
    kind = _TYPE.get(layer.dtype, layer.dtype)
    return {
        "Weights": {"Type": kind, "Count": weights},
        "Bias": {"Type": kind, "Count": total - weights},
    }


def _channels(shapes: tuple[Shape, ...]) -> int:
    return shapes[0][1] if shapes and len(shapes[0]) > 1 else 0


def _tensors(
    layer: Layer, role: str, shapes: tuple[Shape, ...], dtypes: tuple[str, ...]
) -> list[dict[str, Any]]:
    types = [*dtypes, *[layer.dtype] * len(shapes)]
    return [
        {
            "Name": f"{layer.name}:{role}{index}",
            "Location": "Device",
            "Dimensions": [*shape],
            "Format/Datatype": _FORMAT.get(dtype, dtype),
        }
        for index, (shape, dtype) in enumerate(zip(shapes, types, strict=False))
    ]
