"""Convolutions of an engine, whatever runner or tactic they got."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from edgeprofiler.core.network import Layer, Shape, elements
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.reading.engine import operations
from edgeprofiler.reading.engine.raw import Constant, RawLayer


class _Geometry(NamedTuple):
    source: Shape
    result: Shape
    kernel: Shape | None
    groups: int
    transposed: bool

    @property
    def weights(self) -> int | None:
        """Number of weights that the shapes ask for."""
        if self.kernel is None:
            return None
        return self.source[1] * self.result[1] * math.prod(self.kernel) // self.groups

    def macs(self, result: Shape) -> int | None:
        """Multiply-accumulates that give `result`, which differs where a pooling is fused."""
        if self.kernel is None:
            return None
        outer, inner = (self.source, result) if self.transposed else (result, self.source)
        return elements(outer) * math.prod(self.kernel) * inner[1] // self.groups


def read_convolution(raw: RawLayer, op: str) -> Layer:
    """Return the layer of a convolution; one between single positions is `dense`.

    Raises:
        InvalidInput: it has no dimensions, or its groups do not divide its channels.
    """
    weights, bias = raw.constant("Weights"), raw.constant("Bias")
    geometry = _geometry(raw, weights, transposed=op == "transposed_convolution")
    dtype = _compute_dtype(raw, weights.dtype if weights is not None else None)
    if weights is not None:
        weight_bytes: int | None = weights.bytes_as(dtype) + raw.constant_bytes
    elif raw.constants:
        weight_bytes = raw.constant_bytes
    elif len(raw.inputs) > 1 and raw.flag("HasDynamicFilter"):
        weight_bytes = 0  # counted as an input
    else:
        count = geometry.weights
        weight_bytes = None if count is None else raw.constant_bytes + _bytes(count, dtype)
    if weight_bytes is not None and bias is not None:
        weight_bytes += bias.bytes_as(dtype)
    source, result = geometry.source, geometry.result
    dense = elements(source[2:]) == elements(result[2:]) == 1
    pools = "convactpool" in (raw.engine_type.lower(), raw.operation.lower())
    fused = _fused(raw, result)
    layer = raw.build(
        "dense" if dense else "convolutional",
        "gemm" if dense else op,
        weight_bytes=0 if weight_bytes is None else weight_bytes,
        macs=geometry.macs(_before_pooling(raw, geometry) if pools else result),
        input_shapes=(source, *raw.input_shapes[1:]),
        output_shapes=(result, *raw.output_shapes[1:]),
        dtype=dtype,
        kernel=geometry.kernel or (),
        groups=geometry.groups,
        fused_ops=(*fused, "Pool") if pools else fused,
        moves=raw.moves(),
    )
    if geometry.kernel is None:  # `make_layer` cannot know that the kernel is not 1x1
        layer = replace(layer, macs=None, flops=None)
    return layer if weight_bytes is not None else replace(layer, weight_bytes=None)


def _geometry(raw: RawLayer, weights: Constant | None, *, transposed: bool) -> _Geometry:
    if not raw.input_shapes or not raw.output_shapes:
        raise raw.fail("is a convolution without input or output dimensions")
    source, result = raw.input_shapes[0], raw.output_shapes[0]
    kernel: Shape | None = raw.numbers("Kernel") or None
    maps = raw.number("OutMaps")
    if kernel is not None and len(source) == len(result) == len(kernel) + 1 and maps == result[0]:
        source, result = (1, *source), (1, *result)  # built with an implicit batch
    if len(source) < 2 or len(result) < 2:
        raise raw.fail("is a convolution whose tensors have fewer than two dimensions")
    groups = raw.number("Groups")
    if groups is None:
        groups = _groups(raw, weights, source, result, kernel)
    if groups < 1 or source[1] % groups or result[1] % groups:
        raise raw.fail(
            f"has {groups} Groups, which do not divide its {source[1]} and {result[1]} channels"
        )
    if kernel is None:
        filters = source[1] * result[1] // groups
        count = weights.elements if weights is not None else _largest_constant(raw)
        kernel = _kernel(count, filters, len(source) - 2)
    return _Geometry(source, result, kernel, groups, transposed)


def _groups(
    raw: RawLayer, weights: Constant | None, source: Shape, result: Shape, kernel: Shape | None
) -> int:
    if "depthwise" in raw.engine_type.lower():
        return max(source[1], 1)
    if weights is None or kernel is None:
        return 1
    groups, rest = divmod(source[1] * result[1] * math.prod(kernel), weights.elements)
    return groups if groups >= 1 and rest == 0 else 1


def _kernel(count: int, filters: int, rank: int) -> Shape | None:
    """Return a square kernel that gives `count` weights; `None` where none does."""
    if rank < 1 or filters < 1 or count < filters or count % filters:
        return None
    side = round((count // filters) ** (1 / rank))
    return (side,) * rank if side**rank * filters == count else None


def _largest_constant(raw: RawLayer) -> int:
    return max((tensor.size for tensor in raw.constants), default=0)


def _compute_dtype(raw: RawLayer, weights: str | None) -> str:
    dtype = weights or (raw.inputs[0].dtype if raw.inputs else None) or raw.dtype
    return "tf32" if dtype == "fp32" and "tf32" in raw.text("TacticName") else dtype


def _bytes(count: int, dtype: str) -> int:
    return math.ceil(count * dtype_bytes(dtype))


def _fused(raw: RawLayer, result: Shape) -> tuple[str, ...]:
    stated = raw.flag("HasResidual")
    residual = stated if stated is not None else result in raw.input_shapes[1:]
    function = operations.activation(raw.text("Activation"))
    if function is None and raw.flag("HasReLU"):
        function = "Relu"
    names = operations.named(raw.name) or operations.expressions(raw.texts("Operations"))
    return operations.with_fields(names, bool(residual), function)


def _before_pooling(raw: RawLayer, geometry: _Geometry) -> Shape:
    """Return the convolution's own output, which a fused pooling makes smaller."""
    spatial = geometry.source[2:]
    if geometry.kernel is None or len(geometry.kernel) != len(spatial):
        return geometry.result

    def sizes(key: str, default: int) -> Shape:
        numbers = raw.numbers(key)
        return numbers if len(numbers) == len(spatial) else (default,) * len(spatial)

    padded = zip(spatial, sizes("PrePadding", 0), sizes("PostPadding", 0), strict=True)
    window = zip(geometry.kernel, sizes("Dilation", 1), sizes("Stride", 1), strict=True)
    steps = tuple(
        max((size + before + after - dilation * (kernel - 1) - 1) // max(stride, 1) + 1, 0)
        for (size, before, after), (kernel, dilation, stride) in zip(padded, window, strict=True)
    )
    return (*geometry.result[:2], *steps)
