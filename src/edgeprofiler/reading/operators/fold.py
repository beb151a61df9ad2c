"""Computing small constants: the subgraphs with which exporters calculate sizes.

The shape rules have run before, so every result's size is known and bounded before anything is
computed. Only operators that exporters use for sizes are done, with NumPy (importing
`onnx.reference` would take longer than reading a model); a test holds each against
`onnx.reference`. Others (products, loops) are left alone: nothing here can run long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.graph import Node, Tensor
from edgeprofiler.reading.operators.call import (
    FOLD_ELEMENTS,
    NUMPY,
    Call,
    Operand,
    Spec,
    UnknownShapeError,
)
from edgeprofiler.reading.operators.layout import slice_bounds, split_sizes
from edgeprofiler.reading.operators.rules import outputs_of
from edgeprofiler.reading.operators.selection import reduced_axes

Array = npt.NDArray[Any]


def fold(call: Call, specs: Sequence[Spec]) -> list[Array | None]:
    """Return the elements of each output of a node whose inputs are all constant.

    An output that is too large, or whose inputs' elements are not known, gives `None`.
    """
    unknown: list[Array | None] = [None] * len(specs)
    sizes = [np.prod(shape, dtype=np.float64) for shape, _ in specs]
    if max(sizes, default=0.0) > FOLD_ELEMENTS:
        return unknown
    if call.op in _RESHAPING:
        value = call.value(0)
        return [None if value.data is None else value.data.reshape(specs[0][0])]
    rule = _RULES.get(call.op)
    if rule is None:
        return unknown
    found: list[Array | None] = []
    with np.errstate(all="ignore"):
        try:
            results = rule(call)
        except (UnknownShapeError, TypeError, ValueError, IndexError, OverflowError):
            return unknown  # NumPy refuses what the shape rule let through; the shape is known
        for (shape, dtype), result in zip(specs, results, strict=False):
            kind = NUMPY.get(dtype)
            fits = kind is not None and tuple(result.shape) == shape
            found.append(np.asarray(result).astype(kind) if fits else None)
    return found + unknown[len(found) :]


def calculate(node: Node, tensors: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """Return the constants that a node makes of constants and shapes.

    Raises:
        BadNodeError: inputs and attributes do not fit together.
    """
    call = Call.of(node, tensors)
    specs = outputs_of(call) or []
    return tuple(
        Operand(shape, dtype, constant=True, data=data).tensor(name, stated=True)
        for name, (shape, dtype), data in zip(node.outputs, specs, fold(call, specs), strict=False)
        if name
    )


def _unary(function: Callable[[Array], Array]) -> Callable[[Call], list[Array]]:
    return lambda call: [np.asarray(function(call.data(0)))]


def _binary(function: Callable[[Array, Array], Array]) -> Callable[[Call], list[Array]]:
    return lambda call: [np.asarray(function(call.data(0), call.data(1)))]


def _many(function: Callable[[Array, Array], Array]) -> Callable[[Call], list[Array]]:
    def rule(call: Call) -> list[Array]:
        result = call.data(0)
        for index in range(1, len(call.inputs)):
            result = function(result, call.data(index))
        return [np.asarray(result)]

    return rule


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind not in "iu":
        return np.asarray(a / b)
    quotient = np.abs(a) // np.where(b == 0, 1, np.abs(b))  # towards zero, as in C
    return np.asarray(quotient * np.sign(a) * np.sign(b))


def _modulo(call: Call) -> list[Array]:
    a, b = call.data(0), call.data(1)
    return [np.asarray(np.fmod(a, b) if call.integer("fmod", 0) else np.mod(a, b))]


def _shape(call: Call) -> list[Array]:
    shape = call.shape(0)
    cut = slice(call.integer("start", 0), call.integer("end", len(shape)))
    return [np.array(shape[cut], np.int64)]


def _fill(call: Call) -> list[Array]:
    shape = tuple(int(v) for v in call.data(0))
    fill = call.attributes.get("value")
    if not isinstance(fill, Operand):
        return [np.zeros(shape, np.float32)]
    if fill.data is None or not fill.data.size:
        raise UnknownShapeError
    return [np.full(shape, fill.data.reshape(-1)[0])]


def _gather(call: Call) -> list[Array]:
    indices = call.data(1)
    if indices.dtype.kind not in "iu":
        raise UnknownShapeError
    return [np.asarray(np.take(call.data(0), indices, axis=call.integer("axis", 0)))]


def _slice(call: Call) -> list[Array]:
    data = call.data(0)
    index = [slice(None)] * data.ndim
    for axis, cut in slice_bounds(call):
        index[axis] = cut
    return [data[tuple(index)]]


def _split(call: Call) -> list[Array]:
    axis, sizes = split_sizes(call)
    return list(np.split(call.data(0), np.cumsum(sizes)[:-1], axis=axis))


def _range(call: Call) -> list[Array]:
    start, limit, delta = (call.data(i).reshape(-1)[0] for i in range(3))
    return [np.arange(start, limit, delta)]


def _concat(call: Call) -> list[Array]:
    parts = [call.data(i) for i in range(len(call.inputs)) if call.has(i)]
    return [np.concatenate(parts, axis=call.integer("axis", 1))]


def _reduce(function: Callable[..., Array]) -> Callable[[Call], list[Array]]:
    def rule(call: Call) -> list[Array]:
        keep = bool(call.integer("keepdims", 1))
        return [np.asarray(function(call.data(0), axis=reduced_axes(call), keepdims=keep))]

    return rule


def _clip(call: Call) -> list[Array]:
    low = call.data(1) if call.has(1) else call.attributes.get("min")
    high = call.data(2) if call.has(2) else call.attributes.get("max")
    return [np.asarray(np.clip(call.data(0), low, high))]


def _transpose(call: Call) -> list[Array]:
    return [np.transpose(call.data(0), call.integers("perm"))]


def _tile(call: Call) -> list[Array]:
    return [np.tile(call.data(0), call.integers("repeats", 1) or ())]


def _expand(call: Call) -> list[Array]:
    data, target = call.data(0), call.integers("shape", 1) or ()
    return [np.asarray(data * np.ones(target, data.dtype))]


def _arg(function: Callable[..., Any]) -> Callable[[Call], list[Array]]:
    def rule(call: Call) -> list[Array]:
        if call.integer("select_last_index", 0):
            raise UnknownShapeError
        axis, keep = call.integer("axis", 0), bool(call.integer("keepdims", 1))
        return [np.asarray(function(call.data(0), axis=axis, keepdims=keep))]

    return rule


def _cumulate(call: Call) -> list[Array]:
    if call.integer("exclusive", 0) or call.integer("reverse", 0):
        raise UnknownShapeError
    return [np.cumsum(call.data(0), axis=int(call.data(1)))]


def _gather_nd(call: Call) -> list[Array]:
    data, indices = call.data(0), call.data(1)
    if call.integer("batch_dims", 0):
        raise UnknownShapeError
    return [np.asarray(data[tuple(np.moveaxis(indices, -1, 0))])]


def _gather_elements(call: Call) -> list[Array]:
    data, indices, axis = call.data(0), call.data(1), call.integer("axis", 0)
    length = data.shape[axis]
    return [np.take_along_axis(data, np.where(indices < 0, indices + length, indices), axis)]


def _scatter_nd(call: Call) -> list[Array]:
    result = call.data(0).copy()
    if call.text("reduction", "none") != "none":
        raise UnknownShapeError
    result[tuple(np.moveaxis(call.data(1), -1, 0))] = call.data(2)
    return [result]


def _scatter_elements(call: Call) -> list[Array]:
    result = call.data(0).copy()
    if call.text("reduction", "none") != "none":
        raise UnknownShapeError
    np.put_along_axis(result, call.data(1), call.data(2), call.integer("axis", 0))
    return [result]


def _top_k(call: Call) -> list[Array]:
    data, axis = call.data(0), call.integer("axis", -1)
    if not call.integer("largest", 1):
        raise UnknownShapeError
    count = int((call.integers("k", 1) or (1,))[0])
    order = np.argsort(-data.astype(np.float64), axis=axis, kind="stable")
    indices = np.take(order, np.arange(min(count, data.shape[axis])), axis=axis)
    return [np.take_along_axis(data, indices, axis), indices]


def _pad(call: Call) -> list[Array]:
    pads = call.integers("pads", 1) or ()
    if call.text("mode", "constant") != "constant" or min(pads, default=0) < 0 or call.has(3):
        raise UnknownShapeError
    half = len(pads) // 2
    fill = call.data(2).reshape(-1)[0] if call.has(2) else call.attributes.get("value", 0)
    widths = list(zip(pads[:half], pads[half:], strict=True))
    return [np.pad(call.data(0), widths, constant_values=fill)]


def _steps(call: Call) -> tuple[Array, Array]:
    """Return scale and zero point of a quantiser, as they stand against its input."""
    data, scale = call.data(0), call.data(1)
    zero = call.data(2) if call.has(2) else np.zeros(scale.shape, np.uint8)
    if scale.size == 1:
        return scale.reshape(()), zero.reshape(())
    if scale.ndim != 1 or call.integer("block_size", 0):
        raise UnknownShapeError
    along = [1] * data.ndim
    along[call.integer("axis", 1)] = scale.size
    return scale.reshape(along), zero.reshape(along)


def _quantize(call: Call) -> list[Array]:
    scale, zero = _steps(call)
    limits = np.iinfo(zero.dtype)
    steps = np.rint(call.data(0) / scale) + zero
    return [np.clip(steps, limits.min, limits.max)]


def _dequantize(call: Call) -> list[Array]:
    scale, zero = _steps(call)
    return [np.asarray((call.data(0).astype(np.int64) - zero) * scale)]


def _where(call: Call) -> list[Array]:
    return [np.where(call.data(0), call.data(1), call.data(2))]


_RULES: dict[str, Callable[[Call], list[Array]]] = {
    "Shape": _shape,
    "Size": lambda call: [np.array(call.value(0).elements, np.int64)],
    "Identity": _unary(lambda a: a),
    "Cast": _unary(lambda a: a),  # `fold` converts to the output's type
    "CastLike": _unary(lambda a: a),
    "Dropout": _unary(lambda a: a),
    "Neg": _unary(np.negative),
    "Abs": _unary(np.abs),
    "Floor": _unary(np.floor),
    "Ceil": _unary(np.ceil),
    "Round": _unary(np.round),
    "Sqrt": _unary(np.sqrt),
    "Exp": _unary(np.exp),
    "Log": _unary(np.log),
    "Sign": _unary(np.sign),
    "Reciprocal": _unary(lambda a: np.asarray(1 / a)),
    "Not": _unary(np.logical_not),
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(_divide),
    "Mod": _modulo,
    "Pow": _binary(lambda a, b: np.asarray(a.astype(np.float64) ** b)),
    "Max": _many(np.maximum),
    "Min": _many(np.minimum),
    "Sum": _many(np.add),
    "And": _binary(np.logical_and),
    "Or": _binary(np.logical_or),
    "Xor": _binary(np.logical_xor),
    "Equal": _binary(lambda a, b: np.asarray(a == b)),
    "Less": _binary(np.less),
    "LessOrEqual": _binary(np.less_equal),
    "Greater": _binary(np.greater),
    "GreaterOrEqual": _binary(np.greater_equal),
    "Where": _where,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "Clip": _clip,
    "ConstantOfShape": _fill,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
    "Range": _range,
    "Concat": _concat,
    "Transpose": _transpose,
    "Tile": _tile,
    "Expand": _expand,
    "ArgMax": _arg(np.argmax),
    "ArgMin": _arg(np.argmin),
    "CumSum": _cumulate,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "NonZero": _unary(lambda a: np.array(np.nonzero(np.atleast_1d(a)))),
    "Pad": _pad,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
    "TopK": _top_k,
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceMean": _reduce(np.mean),
}
_RESHAPING = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze"})
