"""Operators that pick, count and reduce: gather, top-k, suppression, reductions."""

from __future__ import annotations

import math

import numpy as np

from edgeprofiler.core.graph import Shape
from edgeprofiler.reading.operators.call import (
    DTYPES,
    BadNodeError,
    Call,
    Rule,
    Spec,
    UnknownShapeError,
    axes_of,
    axis_of,
)

LARGEST_ASSUMED = "the size of its output depends on the data; the largest is assumed"


def _gather(call: Call) -> list[Spec]:
    data, indices = call.value(0), call.shape(1)
    axis = axis_of(call.integer("axis", 0), len(data.shape))
    return [((*data.shape[:axis], *indices, *data.shape[axis + 1 :]), data.dtype)]


def _gather_elements(call: Call) -> list[Spec]:
    return [(call.shape(1), call.value(0).dtype)]


def _gather_nd(call: Call) -> list[Spec]:
    data, indices = call.value(0), call.shape(1)
    if not indices:
        raise BadNodeError("gathers by a scalar")
    depth = indices[-1] + call.integer("batch_dims", 0)
    if not 0 <= depth <= len(data.shape):
        raise BadNodeError(f"gathers at depth {depth} of {len(data.shape)} dimensions")
    return [((*indices[:-1], *data.shape[depth:]), data.dtype)]


def _range(call: Call) -> list[Spec]:
    bounds = [call.data(i).reshape(-1) for i in range(3)]
    if any(b.size != 1 for b in bounds) or any(b.dtype.kind not in "iuf" for b in bounds):
        raise BadNodeError("wants three numbers")
    start, limit, delta = (b[0].item() for b in bounds)
    if delta == 0 or not all(map(math.isfinite, (start, limit, delta))):
        raise BadNodeError(f"counts from {start} to {limit} by {delta}")
    return [((max(math.ceil((limit - start) / delta), 0),), call.value(0).dtype)]


def _top_k(call: Call) -> list[Spec]:
    """`TopK`: values and indices."""
    data = call.value(0)
    k = call.integers("k", 1)
    if k is None or len(k) != 1 or k[0] < 0:
        raise BadNodeError(f"takes the top {k}")
    axis = axis_of(call.integer("axis", -1), len(data.shape))
    length = data.shape[axis]
    if k[0] > length:  # as behind a size known only as an upper bound, or at a smaller input
        call.doubts.append(f"the top {k[0]} of {length} are asked for; all are assumed")
    shape = (*data.shape[:axis], min(k[0], length), *data.shape[axis + 1 :])
    return [(shape, data.dtype), (shape, "int64")]


def _one_hot(call: Call) -> list[Spec]:
    indices = call.shape(0)
    depth = call.data(1).reshape(-1)
    if depth.size != 1 or depth[0] < 0:
        raise BadNodeError("wants one depth")
    axis = axis_of(call.integer("axis", -1), len(indices) + 1)
    return [((*indices[:axis], int(depth[0]), *indices[axis:]), call.value(2).dtype)]


def _non_zero(call: Call) -> list[Spec]:
    """`NonZero`: at most all elements; how many is known only at run time."""
    data = call.value(0)
    count = data.elements
    if data.data is not None:
        count = int(np.count_nonzero(data.data))
    else:
        call.doubts.append(LARGEST_ASSUMED)
    return [((max(len(data.shape), 1), count), "int64")]


def _non_max_suppression(call: Call) -> list[Spec]:
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
            pass  # then every box may remain, which the doubt says
    call.doubts.append(LARGEST_ASSUMED)
    return [((scores[0] * scores[1] * max(most, 0), 3), "int64")]


def _kept_boxes(call: Call) -> list[Spec]:
    """TensorRT's plug-ins for non-maximum suppression: how many, boxes, scores, classes."""
    batch, dtype = call.shape(0)[0], call.value(0).dtype
    names = ("max_output_boxes", "keepTopK", "keep_topk")
    most = next((call.integer(name, 0) for name in names if name in call.attributes), None)
    if most is None:
        raise UnknownShapeError("how many boxes it keeps is not said")
    kept = (batch, most)
    if call.op == "TRTBatchedNMS":  # MMDeploy's: the score stands behind the box
        return [((*kept, 5), dtype), (kept, "int32")]
    return [((batch, 1), "int32"), ((*kept, 4), dtype), (kept, dtype), (kept, "int32")]


def _compress(call: Call) -> list[Spec]:
    """`Compress` and `Unique`: at most the input."""
    data = call.value(0)
    call.doubts.append(LARGEST_ASSUMED)
    axis = call.attributes.get("axis")
    if not isinstance(axis, int):
        first: Shape = (data.elements,)
        length = data.elements
    else:
        length = data.shape[axis_of(axis, len(data.shape))]
        first = data.shape
    rest: list[Spec] = [((length,), "int64")] * max(call.outputs - 1, 0)
    return [(first, data.dtype), *rest]


def _random(call: Call) -> list[Spec]:
    """`RandomNormal`, `RandomUniform`."""
    shape = call.integers("shape")
    if shape is None:
        raise BadNodeError("lacks a shape")
    return [(shape, DTYPES.get(call.integer("dtype", 1), "fp32"))]


def _like(call: Call) -> list[Spec]:
    """`EyeLike`, `RandomNormalLike`, `RandomUniformLike`, `Bernoulli`."""
    value = call.value(0)
    code = call.attributes.get("dtype")
    return [(value.shape, DTYPES.get(code, "fp32") if isinstance(code, int) else value.dtype)]


def reduced_axes(call: Call) -> tuple[int, ...]:
    """Return the axes that a reduction joins."""
    rank = len(call.shape(0))
    given = call.integers("axes", 1)
    if not given:
        given = () if call.integer("noop_with_empty_axes", 0) else tuple(range(rank))
    return axes_of(given, rank)


def _reduce(call: Call) -> list[Spec]:
    """`ReduceMean` and all other reductions."""
    data = call.value(0)
    return [(_reduced(data.shape, reduced_axes(call), call.integer("keepdims", 1)), data.dtype)]


def _arg_reduce(call: Call) -> list[Spec]:
    """`ArgMax`, `ArgMin`."""
    data = call.value(0)
    axis = axis_of(call.integer("axis", 0), len(data.shape))
    return [(_reduced(data.shape, (axis,), call.integer("keepdims", 1)), "int64")]


def _reduced(shape: Shape, axes: tuple[int, ...], keep: int) -> Shape:
    if keep:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


REDUCTIONS = (
    "Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare",
)  # fmt: skip

SHAPE_READS = frozenset({"Shape", "Size"})
"""Answers that are known before a model runs, because every shape is known."""

RANDOM = frozenset({
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial",
    "Bernoulli",
})  # fmt: skip
"""Operations without inputs whose results are still no constants."""

SUPPRESSIONS = frozenset({
    "EfficientNMS_TRT", "BatchedNMS_TRT", "BatchedNMSDynamic_TRT", "TRTBatchedNMS",
})  # fmt: skip
"""Plug-ins that do what `NonMaxSuppression` does, for all classes and images at once."""

RULES: dict[str, Rule] = {
    "Gather": _gather, "GatherElements": _gather_elements, "GatherND": _gather_nd,
    "Range": _range, "TopK": _top_k, "OneHot": _one_hot, "NonZero": _non_zero,
    "NonMaxSuppression": _non_max_suppression, "Compress": _compress, "Unique": _compress,
    **dict.fromkeys(SUPPRESSIONS, _kept_boxes),
    "RandomNormal": _random, "RandomUniform": _random, "EyeLike": _like,
    "RandomNormalLike": _like, "RandomUniformLike": _like, "Bernoulli": _like,
    "ArgMax": _arg_reduce, "ArgMin": _arg_reduce, "QLinearReduceMean": _reduce,
    **{f"Reduce{name}": _reduce for name in REDUCTIONS},
}  # fmt: skip
