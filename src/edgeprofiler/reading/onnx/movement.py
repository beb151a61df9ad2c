"""Shapes of operators that arrange data: reshape, slice, split, gather, pad and their kin.

Rules follow https://onnx.ai/onnx/operators/ for opsets from 7 on, where parameters moved from
attributes to inputs over time; each accepts both.
"""

from __future__ import annotations

import math

import numpy as np

from edgeprofiler.reading.onnx.values import (
    DTYPES,
    BadNodeError,
    Call,
    Shape,
    Spec,
    UnknownShapeError,
    Value,
    axes_of,
    axis_of,
    broadcast,
)

_ASSUMED = "the size of its output depends on the data; the largest is assumed"


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "scalar"


def reshape(call: Call) -> list[Spec]:
    """`Reshape`; a target that fixes the file's own batch follows the batch asked for."""
    data = call.value(0)
    target = call.integers("shape", 1)
    if target is None:
        raise BadNodeError("lacks a shape")
    result = resolve_reshape(data.shape, target, zero_is_zero=bool(call.integer("allowzero", 0)))
    if call.batch_change and target and data.shape:
        old, new = call.batch_change
        if target[0] == old and data.shape[0] == new:
            moved = resolve_reshape(data.shape, (new, *target[1:]), zero_is_zero=False)
            if moved is not None:
                call.warnings.append("a reshape to the file's own batch was made to follow `batch`")
                result = moved
    if result is None:
        raise BadNodeError(f"cannot reshape {_text(data.shape)} to {_text(target)}")
    call.attributes["shape"] = result
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


def flatten(call: Call) -> list[Spec]:
    """`Flatten`: two dimensions, cut before `axis`."""
    data = call.value(0)
    axis = call.integer("axis", 1)
    rank = len(data.shape)
    if not -rank <= axis <= rank:
        raise BadNodeError(f"has axis {axis} for {rank} dimensions")
    axis = axis + rank if axis < 0 else axis
    return [((math.prod(data.shape[:axis]), math.prod(data.shape[axis:])), data.dtype)]


def squeeze(call: Call) -> list[Spec]:
    """`Squeeze`."""
    data = call.value(0)
    axes = call.integers("axes", 1)
    if axes is None:
        return [(tuple(n for n in data.shape if n != 1), data.dtype)]
    gone = axes_of(axes, len(data.shape))
    if any(data.shape[axis] != 1 for axis in gone):
        raise BadNodeError(f"squeezes a dimension of {_text(data.shape)} that is not 1")
    return [(tuple(n for i, n in enumerate(data.shape) if i not in gone), data.dtype)]


def unsqueeze(call: Call) -> list[Spec]:
    """`Unsqueeze`."""
    data = call.value(0)
    axes = call.integers("axes", 1)
    if axes is None:
        raise BadNodeError("lacks axes")
    new = frozenset(axes_of(axes, len(data.shape) + len(axes)))
    rest = iter(data.shape)
    shape = tuple(1 if i in new else next(rest) for i in range(len(data.shape) + len(new)))
    return [(shape, data.dtype)]


def transpose(call: Call) -> list[Spec]:
    """`Transpose`; completes `perm`."""
    data = call.value(0)
    rank = len(data.shape)
    perm = call.integers("perm") or tuple(reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        raise BadNodeError(f"permutes {rank} dimensions by {perm}")
    call.attributes["perm"] = perm
    return [(tuple(data.shape[axis] for axis in perm), data.dtype)]


def concat(call: Call) -> list[Spec]:
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
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(shape, first, strict=True)) if i != axis
        ):
            raise BadNodeError(f"concatenates {_text(first)} and {_text(shape)} at axis {axis}")
        total += shape[axis]
    call.attributes["axis"] = axis
    return [((*first[:axis], total, *first[axis + 1 :]), parts[0].dtype)]


def split(call: Call) -> list[Spec]:
    """`Split`; completes `split`."""
    data = call.value(0)
    axis = axis_of(call.integer("axis", 0), len(data.shape))
    sizes = call.integers("split", 1)
    length = data.shape[axis]
    if sizes is None:
        count = call.integer("num_outputs", call.outputs)
        if count < 1 or count != call.outputs:
            raise BadNodeError(f"splits into {count}, but has {call.outputs} outputs")
        step = -(-length // count)
        sizes = tuple(min(step, max(length - i * step, 0)) for i in range(count))
    if sum(sizes) != length or len(sizes) != call.outputs or min(sizes) < 0:
        raise BadNodeError(f"splits {length} into {sizes} for {call.outputs} outputs")
    call.attributes.update(split=sizes, axis=axis)
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


def slice_(call: Call) -> list[Spec]:
    """`Slice`."""
    data = call.value(0)
    result = list(data.shape)
    for axis, cut in slice_bounds(call):
        result[axis] = len(range(*cut.indices(data.shape[axis])))
    return [(tuple(result), data.dtype)]


def gather(call: Call) -> list[Spec]:
    """`Gather`."""
    data, indices = call.value(0), call.shape(1)
    axis = axis_of(call.integer("axis", 0), len(data.shape))
    return [((*data.shape[:axis], *indices, *data.shape[axis + 1 :]), data.dtype)]


def gather_elements(call: Call) -> list[Spec]:
    """`GatherElements`: the shape of its indices."""
    return [(call.shape(1), call.value(0).dtype)]


def gather_nd(call: Call) -> list[Spec]:
    """`GatherND`."""
    data, indices = call.value(0), call.shape(1)
    if not indices:
        raise BadNodeError("gathers by a scalar")
    depth = indices[-1] + call.integer("batch_dims", 0)
    if not 0 <= depth <= len(data.shape):
        raise BadNodeError(f"gathers at depth {depth} of {len(data.shape)} dimensions")
    return [((*indices[:-1], *data.shape[depth:]), data.dtype)]


def expand(call: Call) -> list[Spec]:
    """`Expand`."""
    target = call.integers("shape", 1)
    if target is None or any(n < 0 for n in target):
        raise BadNodeError(f"expands to {target}")
    return [(broadcast([call.shape(0), target]), call.value(0).dtype)]


def tile(call: Call) -> list[Spec]:
    """`Tile`."""
    data = call.value(0)
    repeats = call.integers("repeats", 1)
    if repeats is None or len(repeats) != len(data.shape) or any(n < 0 for n in repeats):
        raise BadNodeError(f"repeats {len(data.shape)} dimensions by {repeats}")
    return [(tuple(n * r for n, r in zip(data.shape, repeats, strict=True)), data.dtype)]


def pad(call: Call) -> list[Spec]:
    """`Pad`; completes `pads` for all dimensions."""
    data = call.value(0)
    rank = len(data.shape)
    pads = call.integers("pads", 1)
    axes = axes_of(call.integers("axes", 3) or tuple(range(rank)), rank)
    if pads is None or len(pads) != 2 * len(axes):
        raise BadNodeError(f"has pads {pads} for {len(axes)} dimensions")
    begin, end = [0] * rank, [0] * rank
    for index, axis in enumerate(axes):
        begin[axis], end[axis] = pads[index], pads[index + len(axes)]
    call.attributes["pads"] = (*begin, *end)
    call.attributes.pop("axes", None)
    return [(tuple(n + b + e for n, b, e in zip(data.shape, begin, end, strict=True)), data.dtype)]


def constant_of_shape(call: Call) -> list[Spec]:
    """`ConstantOfShape`: the only way that some files make their weights."""
    target = call.integers("shape", 0)
    fill = call.attributes.get("value")
    return [(target or (), fill.dtype if isinstance(fill, Value) else "fp32")]


def range_(call: Call) -> list[Spec]:
    """`Range`."""
    bounds = [call.data(i).reshape(-1) for i in range(3)]
    if any(b.size != 1 for b in bounds) or any(b.dtype.kind not in "iuf" for b in bounds):
        raise BadNodeError("wants three numbers")
    start, limit, delta = (b[0].item() for b in bounds)
    if delta == 0 or not all(map(math.isfinite, (start, limit, delta))):
        raise BadNodeError(f"counts from {start} to {limit} by {delta}")
    return [((max(math.ceil((limit - start) / delta), 0),), call.value(0).dtype)]


def top_k(call: Call) -> list[Spec]:
    """`TopK`: values and indices."""
    data = call.value(0)
    k = call.integers("k", 1)
    if k is None or len(k) != 1 or k[0] < 0:
        raise BadNodeError(f"takes the top {k}")
    axis = axis_of(call.integer("axis", -1), len(data.shape))
    # Sizes known only as upper bounds (after non-maximum suppression) may exceed the input.
    shape = (*data.shape[:axis], min(k[0], data.shape[axis]), *data.shape[axis + 1 :])
    return [(shape, data.dtype), (shape, "int64")]


def one_hot(call: Call) -> list[Spec]:
    """`OneHot`."""
    indices = call.shape(0)
    depth = call.data(1).reshape(-1)
    if depth.size != 1 or depth[0] < 0:
        raise BadNodeError("wants one depth")
    axis = axis_of(call.integer("axis", -1), len(indices) + 1)
    return [((*indices[:axis], int(depth[0]), *indices[axis:]), call.value(2).dtype)]


def non_zero(call: Call) -> list[Spec]:
    """`NonZero`: at most all elements; how many is known only at run time."""
    data = call.value(0)
    count = data.elements
    if data.data is not None:
        count = int(np.count_nonzero(data.data))
    else:
        call.warnings.append(_ASSUMED)
    return [((max(len(data.shape), 1), count), "int64")]


def non_max_suppression(call: Call) -> list[Spec]:
    """`NonMaxSuppression`: at most `max_output_boxes_per_class` a class and image."""
    boxes, scores = call.shape(0), call.shape(1)
    if len(boxes) != 3 or len(scores) != 3:
        raise BadNodeError("wants boxes and scores of three dimensions")
    most = boxes[1]
    if call.has(2):
        try:
            wanted = call.data(2).reshape(-1)
            most = min(most, int(wanted[0])) if wanted.size else most
        except UnknownShapeError:
            pass  # then every box may remain, which the warning says
    call.warnings.append(_ASSUMED)
    return [((scores[0] * scores[1] * max(most, 0), 3), "int64")]


def compress(call: Call) -> list[Spec]:
    """`Compress` and `Unique`: at most the input."""
    data = call.value(0)
    call.warnings.append(_ASSUMED)
    axis = call.attributes.get("axis")
    if not isinstance(axis, int):
        first: Shape = (data.elements,)
        length = data.elements
    else:
        length = data.shape[axis_of(axis, len(data.shape))]
        first = data.shape
    rest: list[Spec] = [((length,), "int64")] * max(call.outputs - 1, 0)
    return [(first, data.dtype), *rest]


def shape_of(call: Call) -> list[Spec]:
    """`Shape`."""
    rank = len(call.shape(0))
    return [((len(range(rank)[call.integer("start", 0) : call.integer("end", rank)]),), "int64")]


def size_of(call: Call) -> list[Spec]:
    """`Size`."""
    call.value(0)
    return [((), "int64")]


def random(call: Call) -> list[Spec]:
    """`RandomNormal`, `RandomUniform`."""
    shape = call.integers("shape")
    if shape is None:
        raise BadNodeError("lacks a shape")
    return [(shape, DTYPES.get(call.integer("dtype", 1), "fp32"))]


def eye_like(call: Call) -> list[Spec]:
    """`EyeLike`, `RandomNormalLike`, `RandomUniformLike`, `Bernoulli`."""
    value = call.value(0)
    code = call.attributes.get("dtype")
    return [(value.shape, DTYPES.get(code, "fp32") if isinstance(code, int) else value.dtype)]


def reduce(call: Call) -> list[Spec]:
    """`ReduceMean` and all other reductions; completes `axes` and `keepdims`."""
    data = call.value(0)
    rank = len(data.shape)
    given = call.integers("axes", 1)
    if not given:
        given = () if call.integer("noop_with_empty_axes", 0) else tuple(range(rank))
    axes = axes_of(given, rank)
    keep = call.integer("keepdims", 1)
    call.attributes.update(axes=tuple(sorted(axes)), keepdims=keep)
    return [(_reduced(data.shape, axes, keep), data.dtype)]


def arg_reduce(call: Call) -> list[Spec]:
    """`ArgMax`, `ArgMin`."""
    data = call.value(0)
    axis = axis_of(call.integer("axis", 0), len(data.shape))
    return [(_reduced(data.shape, (axis,), call.integer("keepdims", 1)), "int64")]


def _reduced(shape: Shape, axes: tuple[int, ...], keep: int) -> Shape:
    if keep:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


_REDUCTIONS = (
    "Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare",
)  # fmt: skip

RULES = {
    "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
    "Transpose": transpose, "Concat": concat, "QLinearConcat": concat, "Split": split,
    "Slice": slice_, "Gather": gather, "GatherElements": gather_elements, "GatherND": gather_nd,
    "Expand": expand, "Tile": tile, "Pad": pad, "ConstantOfShape": constant_of_shape,
    "Range": range_, "TopK": top_k, "OneHot": one_hot, "NonZero": non_zero,
    "NonMaxSuppression": non_max_suppression, "Compress": compress, "Unique": compress,
    "Shape": shape_of, "Size": size_of, "RandomNormal": random, "RandomUniform": random,
    "EyeLike": eye_like, "RandomNormalLike": eye_like, "RandomUniformLike": eye_like,
    "Bernoulli": eye_like, "ArgMax": arg_reduce, "ArgMin": arg_reduce,
    **{f"Reduce{name}": reduce for name in _REDUCTIONS},
    "QLinearReduceMean": reduce,
}  # fmt: skip
