"""Fully connected layers and matrix products, as TensorRT or Myelin write them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from edgeprofiler.core.network import Layer, Shape, elements
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.reading.engine import operations
from edgeprofiler.reading.engine.raw import RawLayer
from edgeprofiler.reading.engine.tensors import EngineTensor


class _Product(NamedTuple):
    """Two factors of a product and the dimension that they share."""

    left: EngineTensor
    right: EngineTensor
    shared: int
    weights: bool


def read_product(raw: RawLayer, op: str) -> Layer:
    """Return the layer of a `gemm` or `matmul`; its MACs are unknown if its factors are.

    Raises:
        InvalidInput: it has no dimensions.
    """
    if not raw.input_shapes or not raw.output_shapes:
        raise raw.fail("is a matrix product without input or output dimensions")
    product = find_product(raw)
    if product is not None:
        return _from_product(raw, product)
    return _by_rows(raw, op)


def find_product(raw: RawLayer) -> _Product | None:
    """Return the factors whose product has the size of the output, weights preferred."""
    size = elements(raw.output_shapes[0]) if raw.output_shapes else 0
    if not size:
        return None
    lefts = [t for t in raw.inputs if t.size > 1]
    rights = [(t, True) for t in raw.constants if t.size > 1] + [(t, False) for t in lefts]
    found = [
        _Product(left, right, shared, weights)
        for right, weights in rights
        if right.shape is not None and len(right.shape) > 1  # no bias, no scale
        for left in lefts
        if left is not right
        for shared in _shared(left, right, size)
    ]
    return max(found, key=lambda p: (p.weights, p.shared), default=None)


def _shared(left: EngineTensor, right: EngineTensor, size: int) -> list[int]:
    """Return the lengths along which two factors can be multiplied to give `size` elements."""
    ours, theirs = left.shape or (), right.shape or ()
    both = left.size * right.size
    found: list[int] = []
    for batch in {1, math.prod(theirs[:-2])}:
        square, rest = divmod(both, size * max(batch, 1))
        shared = math.isqrt(square)
        if rest or shared * shared != square or shared not in theirs[-2:]:
            continue
        if shared in ours or shared == math.prod(ours[1:]):
            found.append(shared)
    return found


def _from_product(raw: RawLayer, product: _Product) -> Layer:
    result = raw.output_shapes[0]
    macs = elements(result) * product.shared
    fused = _fused(raw)
    if not product.weights:
        return raw.build("dense", "matmul", macs=macs, fused_ops=fused)
    source = product.left.shape or ()
    if len(source) == 2 and source[1] != product.shared:
        source = source[::-1]  # Myelin lists a single row as a column
    rest = [t for t in raw.inputs if t is not product.left and t.shape is not None]
    tensors = [product.left, *rest]
    return raw.build(
        "dense",
        "gemm",
        macs=macs,
        fused_ops=fused,
        input_shapes=(source, *(t.shape for t in rest if t.shape is not None)),
        input_dtypes=tuple(t.dtype or raw.dtype for t in tensors),
    )


def _by_rows(raw: RawLayer, op: str) -> Layer:
    """Return a product by weights that the engine does not list: rows in, rows out."""
    layer = fully_connected(raw)
    if layer is not None:
        return layer
    layer = raw.build("dense", op, fused_ops=_fused(raw))
    return layer if raw.constants else replace(layer, weight_bytes=None)


def fully_connected(raw: RawLayer) -> Layer | None:
    """Return a fully connected layer whose weights are not listed; `None` where it is none."""
    if len(raw.inputs) != 1 or len(raw.output_shapes) != 1 or not raw.input_shapes:
        return None
    source, result = raw.input_shapes[0], raw.output_shapes[0]
    rows = _rows(source, result)
    if rows is None:
        return None
    shared, columns = elements(source) // rows, elements(result) // rows
    weights, bias = raw.constant("Weights"), raw.constant("Bias")
    if weights is not None and weights.elements != shared * columns:
        return None
    dtype = (weights.dtype if weights is not None else None) or raw.dtype
    weight_bytes = int(shared * columns * dtype_bytes(dtype))
    if bias is not None:
        weight_bytes += bias.bytes_as(dtype)
    return raw.build(
        "dense",
        "gemm",
        macs=rows * shared * columns,
        weight_bytes=weight_bytes,
        dtype=dtype,
        fused_ops=_fused(raw),
    )


def _rows(source: Shape, result: Shape) -> int | None:
    if len(source) < 2 or len(result) < 2 or not elements(source) or not elements(result):
        return None
    if elements(source[2:]) == 1 and elements(result[2:]) == 1:
        return source[0] if source[0] == result[0] else None
    return elements(source[:-1]) if source[:-1] == result[:-1] else None


def _fused(raw: RawLayer) -> tuple[str, ...]:
    function = operations.activation(raw.text("Activation"))
    names = operations.named(*raw.nodes)
    return operations.with_fields(names, residual=False, function=function)
