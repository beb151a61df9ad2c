"""Operators that cut, join and rearrange data: reshape, slice, split, pad and their kin."""

from __future__ import annotations

import math

from edgeprofiler.core.graph import Shape
from edgeprofiler.reading.operators.call import (
    BadNodeError,
    Call,
    Operand,
    Rule,
    Spec,
    axes_of,
    axis_of,
    broadcast,
    text,
)


def _reshape(call: Call) -> list[Spec]:
    data = call.value(0)
    target = call.integers("shape", 1)
    if target is None:
        raise BadNodeError("lacks a shape")
    result = resolve_reshape(data.shape, target, zero_is_zero=bool(call.integer("allowzero", 0)))
    if result is None:
        raise BadNodeError(f"cannot reshape {text(data.shape)} to {text(target)}")
    return [(result, data.dtype)]


def resolve_reshape(shape: Shape, target: Shape, *, zero_is_zero: bool) -> Shape | None:
    """Return `target` with 0 (copy) and -1 (rest) resolved, or `None` where it does not fit."""
    result = list(target)
    for axis, length in enumerate(result):
        if length == 0 and not zero_is_zero:
            if axis >= len(shape):
                return None
            result[axis] = shape[axis]
    total = math.prod(shape)
    if result.count(-1) == 1:
        known = -math.prod(result)
        if known <= 0 or total % known:
            return None
        result[result.index(-1)] = total // known
    if any(length < 0 for length in result) or math.prod(result) != total:
        return None
    return tuple(result)


def _flatten(call: Call) -> list[Spec]:
    data = call.value(0)
    axis = call.integer("axis", 1)
    rank = len(data.shape)
    if not -rank <= axis <= rank:
        raise BadNodeError(f"has axis {axis} for {rank} dimensions")
    axis = axis + rank if axis < 0 else axis
    return [((math.prod(data.shape[:axis]), math.prod(data.shape[axis:])), data.dtype)]


def _squeeze(call: Call) -> list[Spec]:
    data = call.value(0)
    axes = call.integers("axes", 1)
    if axes is None:
        return [(tuple(n for n in data.shape if n != 1), data.dtype)]
    gone = axes_of(axes, len(data.shape))
    if any(data.shape[axis] != 1 for axis in gone):
        raise BadNodeError(f"squeezes a dimension of {text(data.shape)} that is not 1")
    return [(tuple(n for i, n in enumerate(data.shape) if i not in gone), data.dtype)]


def _unsqueeze(call: Call) -> list[Spec]:
    data = call.value(0)
    axes = call.integers("axes", 1)
    if axes is None:
        raise BadNodeError("lacks axes")
    new = frozenset(axes_of(axes, len(data.shape) + len(axes)))
    rest = iter(data.shape)
    shape = tuple(1 if i in new else next(rest) for i in range(len(data.shape) + len(new)))
    return [(shape, data.dtype)]


def _transpose(call: Call) -> list[Spec]:
    data = call.value(0)
    rank = len(data.shape)
    perm = call.integers("perm") or tuple(reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        raise BadNodeError(f"permutes {rank} dimensions by {perm}")
    return [(tuple(data.shape[axis] for axis in perm), data.dtype)]


def _concat(call: Call) -> list[Spec]:
    """`Concat` and `QLinearConcat` (scale and zero point first, then triples)."""
    if call.op == "QLinearConcat":
        parts = [call.value(i) for i in range(2, len(call.inputs), 3)]
    else:
        parts = [value for value in call.inputs if value is not None]
    if not parts or not parts[0].shape:
        raise BadNodeError("concatenates nothing")
    first = parts[0].shape
    axis = axis_of(call.integer("axis", 1), len(first))
    total = 0
    for part in parts:
        shape = part.shape
        if len(shape) != len(first) or (
            shape[:axis] != first[:axis] or shape[axis + 1 :] != first[axis + 1 :]
        ):
            raise BadNodeError(f"concatenates {text(first)} and {text(shape)} at axis {axis}")
        total += shape[axis]
    return [((*first[:axis], total, *first[axis + 1 :]), parts[0].dtype)]


def split_sizes(call: Call) -> tuple[int, tuple[int, ...]]:
    """Return the axis that `Split` cuts, and the length of each part."""
    shape = call.shape(0)
    axis = axis_of(call.integer("axis", 0), len(shape))
    sizes = call.integers("split", 1)
    length = shape[axis]
    if sizes is None:
        count = call.integer("num_outputs", call.outputs)
        if count < 1 or count != call.outputs:
            raise BadNodeError(f"splits into {count}, but has {call.outputs} outputs")
        step = -(-length // count)
        sizes = tuple(min(step, max(length - i * step, 0)) for i in range(count))
    if sum(sizes) != length or len(sizes) != call.outputs or min(sizes) < 0:
        shown = sizes if len(sizes) < 16 else f"{len(sizes)} parts"
        raise BadNodeError(f"splits {length} into {shown} for {call.outputs} outputs")
    return axis, sizes


def _split(call: Call) -> list[Spec]:
    data = call.value(0)
    axis, sizes = split_sizes(call)
    return [((*data.shape[:axis], n, *data.shape[axis + 1 :]), data.dtype) for n in sizes]


def slice_bounds(call: Call) -> list[tuple[int, slice]]:
    """Return axis and slice of each dimension that `Slice` cuts."""
    shape = call.shape(0)
    starts, ends = call.integers("starts", 1), call.integers("ends", 2)
    if starts is None or ends is None:
        raise BadNodeError("lacks starts or ends")
    axes = axes_of(call.integers("axes", 3) or tuple(range(len(starts))), len(shape))
    steps = call.integers("steps", 4) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise BadNodeError("has starts, ends, axes and steps that do not fit together")
    bounds = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # An end far below zero with a negative step means "to the very first element".
        stop = None if step < 0 and end < -shape[axis] else end
        bounds.append((axis, slice(start, stop, step)))
    return bounds


def _slice(call: Call) -> list[Spec]:
    data = call.value(0)
    result = list(data.shape)
    for axis, cut in slice_bounds(call):
        result[axis] = len(range(*cut.indices(data.shape[axis])))
    return [(tuple(result), data.dtype)]


def _expand(call: Call) -> list[Spec]:
    target = call.integers("shape", 1)
    if target is None or any(n < 0 for n in target):
        raise BadNodeError(f"expands to {target}")
    return [(broadcast([call.shape(0), target]), call.value(0).dtype)]


def _tile(call: Call) -> list[Spec]:
    data = call.value(0)
    repeats = call.integers("repeats", 1)
    if repeats is None or len(repeats) != len(data.shape) or any(n < 0 for n in repeats):
        raise BadNodeError(f"repeats {len(data.shape)} dimensions by {repeats}")
    return [(tuple(n * r for n, r in zip(data.shape, repeats, strict=True)), data.dtype)]


def _pad(call: Call) -> list[Spec]:
    data = call.value(0)
    rank = len(data.shape)
    # before opset 2 the attribute was called `paddings`
    pads = call.integers("pads", 1) or call.integers("paddings")
    axes = axes_of(call.integers("axes", 3) or tuple(range(rank)), rank)
    if pads is None or len(pads) != 2 * len(axes):
        raise BadNodeError(f"has pads {pads} for {len(axes)} dimensions")
    result = list(data.shape)
    for index, axis in enumerate(axes):
        result[axis] += pads[index] + pads[index + len(axes)]
    if min(result, default=0) < 0:
        raise BadNodeError(f"takes more than {text(data.shape)} has")
    return [(tuple(result), data.dtype)]


def _constant_of_shape(call: Call) -> list[Spec]:
    """`ConstantOfShape`: the only way that some files make their weights."""
    target = call.integers("shape", 0)
    fill = call.attributes.get("value")
    return [(target or (), fill.dtype if isinstance(fill, Operand) else "fp32")]


def _shape_of(call: Call) -> list[Spec]:
    rank = len(call.shape(0))
    return [((len(range(rank)[call.integer("start", 0) : call.integer("end", rank)]),), "int64")]


def _size_of(call: Call) -> list[Spec]:
    call.value(0)
    return [((), "int64")]


RULES: dict[str, Rule] = {
    "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze,
    "Transpose": _transpose, "Concat": _concat, "QLinearConcat": _concat, "Split": _split,
    "Slice": _slice, "Expand": _expand, "Tile": _tile, "Pad": _pad,
    "ConstantOfShape": _constant_of_shape, "Shape": _shape_of, "Size": _size_of,
}  # fmt: skip
