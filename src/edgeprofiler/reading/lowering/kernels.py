"""Which of TensorRT's kernels a layer gets, where data type and layout depend on it."""

from __future__ import annotations

from edgeprofiler.core.network import Shape, elements
from edgeprofiler.reading.lowering.memory import CHANNELS_LAST, ROWS
from edgeprofiler.reading.lowering.target import WINOGRAD_SAVING, BuildTarget

_ALIGNED_CHANNELS = 4
"""TensorRT 8's TF32 and INT8 kernels read channels in fours."""


def first_layer(channels: int, target: BuildTarget) -> bool:
    """Say whether a convolution of so few channels runs in rows (see `rules.FIRST_LAYER`)."""
    return not target.has_tensorrt((10, 0)) and channels < _ALIGNED_CHANNELS


def one_row(result: Shape, axis: int) -> bool:
    """Say whether a product has one row of results only (see `rules.ONE_ROW`).

    Args:
        axis: where the result's features lie.
    """
    return bool(result) and elements(result) == result[axis]


def float_convolution(
    target: BuildTarget,
    *,
    channels: int,
    kernel: Shape,
    stride: Shape,
    dilation: Shape,
    lies: str,
) -> tuple[str, str]:
    """Return data type and layout of a convolution with one group, built for FP32.

    Args:
        lies: the layout in which its input can be had without a conversion of its own.

    See `rules.TF32`, `rules.WINOGRAD`, `rules.TIE` and `rules.FIRST_LAYER`.
    """
    if first_layer(channels, target):
        return "fp32", ROWS
    winograd = kernel == (3, 3) and set(stride) == {1} and set(dilation) == {1}
    saving = WINOGRAD_SAVING if winograd else 1.0
    if saving > target.tf32_ratio:
        return "fp32", ROWS
    if saving < target.tf32_ratio or lies == CHANNELS_LAST:
        return "tf32", CHANNELS_LAST
    return "fp32", ROWS
