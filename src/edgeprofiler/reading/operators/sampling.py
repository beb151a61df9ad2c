"""Resizing, sampling, and what trades channels for positions."""

from __future__ import annotations

import math
from typing import Any

from edgeprofiler.reading.operators.call import BadNodeError, Call, Rule, Spec, axes_of

_SINGLE_PRECISION = 1e-6
"""Scales are stored in single precision: 8 x 1.6 must not become 12."""


def resize_inputs(inputs: int) -> tuple[int, int]:
    """Return where a `Resize` or `Upsample` of so many inputs has its scales and its sizes.

    `Upsample` and the `Resize` of opset 10 take scales as their second and last input; regions
    of interest stand there from opset 11 on.
    """
    return (2, 3) if inputs > 2 else (1, 3)


def _resize(call: Call) -> list[Spec]:
    """`Resize` of opsets 10, 11, 13 and 18, and `Upsample`."""
    data = call.value(0)
    rank = len(data.shape)
    scales_at, sizes_at = resize_inputs(len(call.inputs))
    axes = axes_of(call.integers("axes") or tuple(range(rank)), rank)
    result = list(data.shape)
    if call.has(sizes_at) and call.value(sizes_at).elements:
        sizes = [int(v) for v in call.data(sizes_at).reshape(-1)]
        if len(sizes) != len(axes):
            raise BadNodeError(f"has {len(sizes)} sizes for {len(axes)} dimensions")
        policy = call.text("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            ratios = [s / max(data.shape[a], 1) for s, a in zip(sizes, axes, strict=True)]
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            sizes = [math.floor(ratio * data.shape[a] + 0.5) for a in axes]
    else:
        found: Any = call.attributes.get("scales")
        if found is None:
            found = tuple(float(v) for v in call.data(scales_at).reshape(-1))
        if not isinstance(found, tuple) or len(found) != len(axes):
            raise BadNodeError(f"wants {len(axes)} scales")
        sizes = []
        for axis, scale in zip(axes, found, strict=True):
            length = data.shape[axis] * scale
            if not math.isfinite(length):
                raise BadNodeError(f"has a scale of {scale}")
            sizes.append(math.floor(length + _SINGLE_PRECISION * max(length, 1)))
    for axis, length in zip(axes, sizes, strict=True):
        if length < 1 <= data.shape[axis]:
            raise BadNodeError(f"resizes {data.shape[axis]} to {length}")
        result[axis] = length
    return [(tuple(result), data.dtype)]


def _grid_sample(call: Call) -> list[Spec]:
    """`GridSample`: the input's batch and channels at the grid's positions."""
    data, grid = call.value(0), call.shape(1)
    return [((*data.shape[:2], *grid[1:-1]), data.dtype)]


def _roi(call: Call) -> list[Spec]:
    """`RoiAlign`, `MaxRoiPool`: one window a region."""
    data, regions = call.value(0), call.shape(1)
    if len(data.shape) != 4 or not regions:
        raise BadNodeError("wants an image of four dimensions and regions")
    pooled = call.integers("pooled_shape") or (
        call.integer("output_height", 1),
        call.integer("output_width", 1),
    )
    return [((regions[0], data.shape[1], *pooled), data.dtype)]


def _depth_space(call: Call) -> list[Spec]:
    """`DepthToSpace` and `SpaceToDepth`."""
    data = call.value(0)
    block = call.integer("blocksize", 0)
    if len(data.shape) != 4 or block < 1:
        raise BadNodeError("wants four dimensions and a block size")
    n, c, h, w = data.shape
    if call.op == "DepthToSpace":
        if c % (block * block):
            raise BadNodeError(f"cannot spread {c} channels over blocks of {block}")
        return [((n, c // (block * block), h * block, w * block), data.dtype)]
    if h % block or w % block:
        raise BadNodeError(f"cannot cut {h}x{w} into blocks of {block}")
    return [((n, c * block * block, h // block, w // block), data.dtype)]


RULES: dict[str, Rule] = {
    "Resize": _resize, "Upsample": _resize, "GridSample": _grid_sample, "RoiAlign": _roi,
    "MaxRoiPool": _roi, "DepthToSpace": _depth_space, "SpaceToDepth": _depth_space,
}  # fmt: skip
