"""Shape rules of operators that move, cut, join or sample data."""

from __future__ import annotations

import math

from edgeprofiler.core.graph._rule import (
    Inputs,
    Rule,
    axes_of,
    axis_of,
    broadcast,
    fail,
    integers,
    optional,
    tensor,
)
from edgeprofiler.core.graph.graph import Node, Shape


def _concat(node: Node, inputs: Inputs) -> list[Shape]:
    shapes = [item.shape for item in inputs if item is not None]
    if not shapes:
        fail(node, "nothing to join")
    first = shapes[0]
    axis = axis_of(node, node.integer("axis", 1), len(first))
    for shape in shapes[1:]:
        if (*shape[:axis], *shape[axis + 1 :]) != (*first[:axis], *first[axis + 1 :]):
            fail(node, f"shapes {first} and {shape} do not fit along axis {axis}")
    return [(*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])]


def _split(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    axis = axis_of(node, node.integer("axis"), len(shape))
    count = len(node.outputs)
    if optional(inputs, 1) is not None:
        sizes = integers(node, inputs, 1)
    elif "split" in node.attributes:
        sizes = node.ints("split")
    else:
        size = -(-shape[axis] // count)
        sizes = (*(size,) * (count - 1), shape[axis] - size * (count - 1))
    if len(sizes) != count or sum(sizes) != shape[axis] or min(sizes) < 0:
        fail(node, f"parts {sizes} of a dimension of {shape[axis]}")
    return [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]


def _slice(node: Node, inputs: Inputs) -> list[Shape]:
    shape = list(tensor(node, inputs, 0).shape)
    if optional(inputs, 1) is not None:
        starts, ends = integers(node, inputs, 1), integers(node, inputs, 2)
        axes = integers(node, inputs, 3) if optional(inputs, 3) else tuple(range(len(starts)))
        steps = integers(node, inputs, 4) if optional(inputs, 4) else (1,) * len(starts)
    else:
        starts, ends = node.ints("starts"), node.ints("ends")
        axes = node.ints("axes", tuple(range(len(starts))))
        steps = (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        fail(node, "starts, ends, axes and steps do not fit together")
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = axis_of(node, axis, len(shape))
        shape[place] = len(range(*slice(start, end, step).indices(shape[place])))
    return [tuple(shape)]


def _reshape(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    target = list(
        integers(node, inputs, 1) if optional(inputs, 1) is not None else node.ints("shape")
    )
    if not node.integer("allowzero"):
        for place, length in enumerate(target):
            if length == 0:
                if place >= len(shape):
                    fail(node, f"shape {tuple(target)} copies a dimension that {shape} lacks")
                target[place] = shape[place]
    total, known = math.prod(shape), math.prod(length for length in target if length != -1)
    if target.count(-1) == 1 and known > 0 and total % known == 0:
        target[target.index(-1)] = total // known
    if math.prod(target) != total or min(target, default=0) < 0:
        fail(node, f"{shape} does not have the number of elements of {tuple(target)}")
    return [tuple(target)]


def _flatten(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    axis = node.integer("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    if not 0 <= axis <= len(shape):
        fail(node, f"axis {axis} of a tensor of {len(shape)} dimensions")
    return [(math.prod(shape[:axis]), math.prod(shape[axis:]))]


def _transpose(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    order = node.ints("perm") or tuple(reversed(range(len(shape))))
    if sorted(order) != list(range(len(shape))):
        fail(node, f"perm {order} of a tensor of {len(shape)} dimensions")
    return [tuple(shape[place] for place in order)]


def _squeeze(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    axes = axes_of(node, inputs, 1, len(shape))
    if axes is None:
        return [tuple(length for length in shape if length != 1)]
    if any(shape[axis] != 1 for axis in axes):
        fail(node, f"axes {axes} of {shape} are not all 1")
    return [tuple(length for place, length in enumerate(shape) if place not in axes)]


def _unsqueeze(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    count = len(node.ints("axes")) or math.prod(tensor(node, inputs, 1).shape)
    axes = axes_of(node, inputs, 1, len(shape) + count) or ()
    rest = iter(shape)
    rank = len(shape) + len(axes)
    return [tuple(1 if place in axes else next(rest) for place in range(rank))]


def _pad(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    pads = integers(node, inputs, 1) if optional(inputs, 1) is not None else node.ints("pads")
    axes = axes_of(node, inputs, 3, len(shape)) or tuple(range(len(shape)))
    if len(pads) != 2 * len(axes):
        fail(node, f"{len(pads)} pads for {len(axes)} dimensions")
    result = list(shape)
    for place, axis in enumerate(axes):
        result[axis] += pads[place] + pads[place + len(axes)]
    if min(result, default=0) < 0:
        fail(node, f"pads {pads} take more than {shape} has")
    return [tuple(result)]


def _resize(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    scales, sizes = optional(inputs, 1 if node.op == "Upsample" else 2), optional(inputs, 3)
    axes = tuple(axis_of(node, a, len(shape)) for a in node.ints("axes")) or tuple(
        range(len(shape))
    )
    result = list(shape)
    if sizes is not None and sizes.shape != (0,):
        wanted = integers(node, inputs, 3)
        policy = node.attributes.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch" and len(wanted) == len(axes):
            ratios = [length / shape[axis] for axis, length in zip(axes, wanted, strict=True)]
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            wanted = tuple(math.floor(shape[axis] * ratio + 0.5) for axis in axes)
    elif scales is not None and scales.value:
        factors = scales.value
        if len(factors) != len(axes):
            fail(node, f"{len(factors)} scales for {len(axes)} dimensions")
        wanted = tuple(
            math.floor(shape[axis] * factor + 1e-6)
            for axis, factor in zip(axes, factors, strict=True)
        )
    else:
        fail(node, "neither scales nor sizes are known before the model runs")
    if len(wanted) != len(axes) or min(wanted, default=1) < 1:
        fail(node, f"a result of shape {wanted} from {shape}")
    for axis, length in zip(axes, wanted, strict=True):
        result[axis] = length
    return [tuple(result)]


def _expand(node: Node, inputs: Inputs) -> list[Shape]:
    return [broadcast(node, (tensor(node, inputs, 0).shape, integers(node, inputs, 1)))]


def _tile(node: Node, inputs: Inputs) -> list[Shape]:
    shape, repeats = tensor(node, inputs, 0).shape, integers(node, inputs, 1)
    if len(shape) != len(repeats):
        fail(node, f"{len(repeats)} repeats for {len(shape)} dimensions")
    return [tuple(length * times for length, times in zip(shape, repeats, strict=True))]


def _gather(node: Node, inputs: Inputs) -> list[Shape]:
    shape, index = tensor(node, inputs, 0).shape, tensor(node, inputs, 1).shape
    axis = axis_of(node, node.integer("axis"), len(shape))
    return [(*shape[:axis], *index, *shape[axis + 1 :])]


def _depth_to_space(node: Node, inputs: Inputs) -> list[Shape]:
    shape, block = tensor(node, inputs, 0).shape, node.integer("blocksize", 1)
    if len(shape) != 4 or block < 1:
        fail(node, f"an input of shape {shape} and blocks of {block}")
    batch, channels, height, width = shape
    if node.op == "DepthToSpace":
        if channels % (block * block):
            fail(node, f"{channels} channels do not divide into blocks of {block}")
        return [(batch, channels // block**2, height * block, width * block)]
    if height % block or width % block:
        fail(node, f"{height}x{width} does not divide into blocks of {block}")
    return [(batch, channels * block**2, height // block, width // block)]


def _reduce(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    if node.op in ("ArgMax", "ArgMin"):
        axes: tuple[int, ...] | None = (axis_of(node, node.integer("axis"), len(shape)),)
    else:
        axes = axes_of(node, inputs, 1, len(shape))
        if not axes:
            if node.integer("noop_with_empty_axes"):
                return [shape]
            axes = tuple(range(len(shape)))
    assert axes is not None
    if node.integer("keepdims", 1):
        return [tuple(1 if place in axes else length for place, length in enumerate(shape))]
    return [tuple(length for place, length in enumerate(shape) if place not in axes)]


def _topk(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    axis = axis_of(node, node.integer("axis", -1), len(shape))
    count = integers(node, inputs, 1)[0] if optional(inputs, 1) else node.integer("k")
    if not 0 <= count <= shape[axis]:
        fail(node, f"the top {count} of {shape[axis]}")
    return [(*shape[:axis], count, *shape[axis + 1 :])] * len(node.outputs)


def _grid_sample(node: Node, inputs: Inputs) -> list[Shape]:
    shape, grid = tensor(node, inputs, 0).shape, tensor(node, inputs, 1).shape
    return [(*shape[:2], *grid[1:-1])]


_REDUCTIONS = ("Max", "Mean", "Min", "Prod", "Sum", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")

LAYOUT_RULES: dict[str, Rule] = {
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "Expand": _expand,
    "Tile": _tile,
    "Gather": _gather,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _depth_to_space,
    "GridSample": _grid_sample,
    "ArgMax": _reduce,
    "ArgMin": _reduce,
    "TopK": _topk,
    **{f"Reduce{name}": _reduce for name in _REDUCTIONS},
}
