"""From an executed ONNX kernel (its operator, attributes and shapes) to a `Layer`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgeprofiler.core.network import Kind, Layer, Shape, elements, make_layer
from edgeprofiler.reading.lowering import vocabulary as v
from edgeprofiler.reading.operators import macs
from edgeprofiler.reading.operators.selection import SHAPE_READS

_CONVOLUTIONS = macs.CONVOLUTIONS | {"FusedConv", "NhwcFusedConv", "NhwcConv"}
_GEMMS = macs.GEMMS | {"FusedGemm"}
_OTHER_OPS = {
    "global_pool": v.GLOBAL_POOLS,
    "softmax": v.SOFTMAXES,
    "normalization": v.NORMALIZATIONS,
    "resize": v.RESIZES,
    "concat": v.CONCATS,
    "copy": v.COPIES | v.SLICES | {"Transpose", "Constant", "ConstantOfShape", "MemcpyToHost",
                                   "MemcpyFromHost"},
    "reformat": {"Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "ReorderInput",
                 "ReorderOutput", "DynamicQuantizeLinear"},
    "topk": v.TOPKS,
    "noop": v.RESHAPES | SHAPE_READS | {"Identity", "Dropout"},
    "pointwise": v.POINTWISE | {"BiasGelu", "Range"},
}  # fmt: skip
"""What ONNX Runtime calls its kernels, beside the operators of ONNX."""
_OP_OF = {name: op for op, names in _OTHER_OPS.items() for name in names}


@dataclass(frozen=True)
class Kernel:
    """What ran, with the shapes that it really had."""

    name: str
    op: str
    input_shapes: tuple[Shape, ...]
    """All inputs in order, weights too."""
    output_shapes: tuple[Shape, ...]
    weight_shapes: tuple[Shape, ...] = ()
    """Shapes of those inputs that are constants."""
    input_dtypes: tuple[str, ...] = ()
    output_dtypes: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


def layer_of(kernel: Kernel) -> Layer:
    """Return the kernel as a layer; an operator that no rule knows is `unknown`."""
    op, kind = _op_and_kind(kernel)
    activations = _activations(kernel)
    dtype = next((d for d in kernel.input_dtypes if d.startswith(("fp", "bf"))), "")
    dtype = dtype or next(iter(kernel.output_dtypes), "fp32")
    spatial = max(len(activations[0]) - 2, 0) if activations else 0
    windowed = op in ("convolution", "transposed_convolution", "max_pool", "average_pool")
    pads = _ints(kernel, "pads", (0,) * 2 * spatial) if windowed else ()
    macs = _macs(kernel, op)
    fused = kernel.attributes.get("activation")
    return make_layer(
        name=kernel.name,
        kind=kind,
        op=op,
        input_shapes=activations,
        output_shapes=kernel.output_shapes,
        dtype=dtype,
        weight_elements=sum(elements(shape) for shape in kernel.weight_shapes),
        fused_ops=(str(fused),) if fused else (),
        macs=macs,
        output_dtypes=kernel.output_dtypes,
        kernel=_window(kernel) if windowed else (),
        stride=_ints(kernel, "strides", (1,) * spatial) if windowed else (),
        padding_before=pads[:spatial],
        padding_after=pads[spatial:],
        dilation=_ints(kernel, "dilations", (1,) * spatial) if windowed else (),
        groups=int(kernel.attributes.get("group", 1)),
        engine_type=kernel.op,
        nodes=(kernel.name,),
    )


def _op_and_kind(kernel: Kernel) -> tuple[str, Kind]:
    if kernel.op in _CONVOLUTIONS | v.TRANSPOSED:
        op = "transposed_convolution" if kernel.op == "ConvTranspose" else "convolution"
        places = [shape[2:] for shape in (*kernel.input_shapes[:1], *kernel.output_shapes[:1])]
        point = all(math.prod(place) == 1 for place in places)
        return op, "dense" if point else "convolutional"
    if kernel.op in _GEMMS:
        return "gemm", "dense"
    if kernel.op in v.MATMULS:
        return "matmul", "dense"
    if kernel.op in v.MAX_POOLS | v.AVERAGE_POOLS:
        return ("max_pool" if kernel.op == "MaxPool" else "average_pool"), "pooling"
    if kernel.op.startswith("Reduce"):
        means = kernel.op in ("ReduceMean", "ReduceMax")
        shape = kernel.input_shapes[0] if kernel.input_shapes else ()
        kept = math.prod(shape[:2])
        result = elements(kernel.output_shapes[0]) if kernel.output_shapes else 0
        if means and len(shape) == 4 and result == kept:
            return "global_pool", "pooling"
        return "reduce", "other"
    op = _OP_OF.get(kernel.op, "unknown")
    return op, "pooling" if op == "global_pool" else "other"


def _activations(kernel: Kernel) -> tuple[Shape, ...]:
    left = list(kernel.weight_shapes)
    found = []
    for shape in reversed(kernel.input_shapes):  # constants come last in ONNX's operators
        if shape in left:
            left.remove(shape)
        else:
            found.append(shape)
    return tuple(reversed(found)) or kernel.input_shapes[:1]


def _window(kernel: Kernel) -> Shape:
    given = _ints(kernel, "kernel_shape", ())
    if given or kernel.op not in _CONVOLUTIONS | v.TRANSPOSED:
        return given
    return kernel.input_shapes[1][2:] if len(kernel.input_shapes) > 1 else ()


def _macs(kernel: Kernel, op: str) -> int | None:
    if op not in ("gemm", "matmul"):
        return None
    if len(kernel.input_shapes) < 2 or not kernel.output_shapes or not kernel.input_shapes[0]:
        return None
    left = kernel.input_shapes[0]
    turned = kernel.attributes.get("transA", 0)
    shared = left[-2] if turned and len(left) > 1 else left[-1]
    return elements(kernel.output_shapes[0]) * shared


def _ints(kernel: Kernel, name: str, default: Sequence[int]) -> Shape:
    value = kernel.attributes.get(name)
    return tuple(int(v) for v in value) if value else tuple(default)
