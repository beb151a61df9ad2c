"""What a learned model sees of a layer: names and order of the features, in this one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import DTYPE_CODES, OP_CODES, Columns, FloatArray

SIDE = 64.0
"""Output channels and positions of one thread block, for the features that count blocks."""

TILE = SIDE * SIDE

TINY_S = 1e-9
"""Times below this count as this in logarithms."""

RAW = (
    "in_channels", "out_channels", "in_positions", "positions", "kernel_size", "kernel_max",
    "stride", "groups", "macs", "input_bytes", "output_bytes", "weight_bytes", "bytes_moved",
)  # fmt: skip
"""Sizes as they are, for recipes that take polynomials of them."""

LAUNCH_S = 5e-6
"""A usual start of a kernel, for the features in which times are compared with it."""

PARTS = (
    "pointwise_s", "windowed_s", "depthwise_s", "tail_s", "padding_s", "read_s",
    "write_s", "weights_s",
)  # fmt: skip
"""Seconds that parts of the layer's work would take on the device's datasheet; none negative."""

LOGS = (
    "log_macs", "log_input_bytes", "log_output_bytes", "log_weight_bytes", "log_bytes",
    "log_intensity", "log_in_channels", "log_out_channels", "log_positions", "log_kernel_size",
    "log_groups", "log_width", "log_depth", "log_blocks_per_sm", "log_waste", "log_padding",
    "log_roofline_s", "log_compute_s", "log_memory_s",
)  # fmt: skip
"""Logarithms of sizes, intensity and roofline times."""

FLAGS = (
    "kernel", "stride_max", "depthwise", "first", "fused", "fp32", "int8", "max_pool",
    "global_pool", "compute_share", "memory_share",
)  # fmt: skip
"""Small numbers and yes or no."""

FEATURES: tuple[str, ...] = (*RAW, *PARTS, *LOGS, *FLAGS)
"""All features in order. A predictor keeps the list that it was trained with and checks it."""


@dataclass(frozen=True)
class Ratings:
    """What features take from a device: numbers of its datasheet, none that was fitted.

    A predictor keeps the board that it was trained with, so that its features stay what they
    were when a shipped datasheet or the analytic model is improved.
    """

    peak_flops: tuple[float, ...]
    """By data-type code of `network.DTYPE_CODES`."""
    vector_flops: tuple[float, ...]
    bandwidth_bytes_per_s: float
    sms: int

    @staticmethod
    def of(device: Device) -> Ratings:
        """Return the numbers of a device in its power mode."""
        return Ratings(
            peak_flops=tuple(device.peak_flops(d) for d in _DTYPES),
            vector_flops=tuple(device.vector_flops(d) for d in _DTYPES),
            bandwidth_bytes_per_s=device.bandwidth_bytes_per_s,
            sms=device.mode.clocks.sms,
        )


def features(columns: Columns, board: Ratings) -> FloatArray:
    """Return the features of every layer, shape (layers, `len(FEATURES)`).

    Rows of layers whose MACs are unknown hold NaN where MACs would be needed.

    Args:
        columns: the layers; of those that run several times, one run is described.
        board: the datasheet that the times stand on.
    """
    columns = columns.once
    parts = _parts(columns, board)
    table = np.empty((len(FEATURES), len(columns)))
    compute = parts[0] + parts[1] + parts[2]
    memory = parts[5] + parts[6] + parts[7]
    groups = (
        _raw(columns),
        parts,
        _logs(columns, board, compute, memory),
        _flags(columns, compute, memory),
    )
    row = 0
    for group in groups:
        for values in group:
            table[row] = values
            row += 1
    return np.asarray(table.T)


def _raw(columns: Columns) -> tuple[FloatArray, ...]:
    dtype = _ELEMENT_BYTES[columns.dtype_code]
    inputs = columns.input_bytes / dtype / np.maximum(columns.in_channels, 1)
    return (
        columns.in_channels, columns.out_channels, inputs, columns.spatial, columns.kernel_size,
        columns.kernel_max, columns.stride_max, columns.groups, columns.macs, columns.input_bytes,
        columns.output_bytes, columns.weight_bytes, columns.bytes_moved,
    )  # fmt: skip


def _parts(columns: Columns, board: Ratings) -> tuple[FloatArray, ...]:
    peak = np.array(board.peak_flops)[columns.dtype_code]
    vector = np.array(board.vector_flops)[columns.dtype_code]
    flops = 2.0 * columns.macs
    depthwise, window = columns.depthwise, columns.kernel_size > 1
    full = np.where(depthwise, 0.0, flops / peak)
    # Work that fills a fraction of a wave of blocks takes as long as a whole wave.
    blocks = np.maximum(columns.spatial * columns.out_channels / TILE, 1.0) / board.sms
    bandwidth = board.bandwidth_bytes_per_s
    return (
        np.where(window, 0.0, full),
        np.where(window, full, 0.0),
        np.where(depthwise, flops / vector, 0.0),
        full * (np.ceil(blocks) / blocks - 1.0),
        flops / np.where(depthwise, vector, peak) * (_padding(columns) - 1.0),
        columns.input_bytes / bandwidth,
        columns.output_bytes / bandwidth,
        columns.weight_bytes / bandwidth,
    )


def _padding(columns: Columns) -> FloatArray:
    """Return by what factor outputs grow when they fill whole tiles."""
    channels, positions = columns.out_channels, np.maximum(columns.spatial, 1.0)
    filled = np.ceil(channels / SIDE) * np.ceil(positions / SIDE) * SIDE**2
    factor = filled / np.maximum(channels * positions, 1.0)
    return np.asarray(factor ** _MULTIPLIES[columns.op_code])


def _logs(
    columns: Columns, board: Ratings, compute_s: FloatArray, memory_s: FloatArray
) -> tuple[FloatArray, ...]:
    macs, moved = columns.macs, np.maximum(columns.bytes_moved, 1.0)
    outputs = np.maximum(columns.spatial * columns.out_channels, 1.0)
    blocks = outputs / TILE / board.sms
    return (
        np.log1p(macs),
        np.log1p(columns.input_bytes),
        np.log1p(columns.output_bytes),
        np.log1p(columns.weight_bytes),
        np.log(moved),
        np.log((2.0 * macs + 1.0) / moved),
        np.log(np.maximum(columns.in_channels, 1.0)),
        np.log(np.maximum(columns.out_channels, 1.0)),
        np.log(np.maximum(columns.spatial, 1.0)),
        np.log(np.maximum(columns.kernel_size, 1.0)),
        np.log(np.maximum(columns.groups, 1.0)),
        np.log(np.maximum(columns.out_channels / np.maximum(columns.groups, 1.0), 1.0)),
        np.log(np.maximum(macs / outputs, 1.0)),
        np.log(blocks),
        np.log(np.ceil(np.maximum(blocks, 1e-12)) / np.maximum(blocks, 1.0)),
        np.log(_padding(columns)),
        np.log(LAUNCH_S + compute_s + memory_s),
        np.log(np.maximum(compute_s, TINY_S)),
        np.log(np.maximum(memory_s, TINY_S)),
    )


def _flags(columns: Columns, compute_s: FloatArray, memory_s: FloatArray) -> tuple[FloatArray, ...]:
    total = LAUNCH_S + compute_s + memory_s
    return (
        columns.kernel_max,
        columns.stride_max,
        columns.depthwise.astype(np.float64),
        (columns.in_channels <= 4).astype(np.float64),
        columns.fused,
        (columns.dtype_code < 2).astype(np.float64),
        (columns.dtype_code == DTYPE_CODES["int8"]).astype(np.float64),
        columns.is_op("max_pool").astype(np.float64),
        columns.is_op("global_pool", "reduce").astype(np.float64),
        compute_s / total,
        memory_s / total,
    )


_ELEMENT_BYTES = np.array([4.0, 4.0, 2.0, 1.0, 8.0])
_MULTIPLIES = np.array(
    [op in ("convolution", "transposed_convolution", "gemm", "matmul") for op in OP_CODES], float
)
_DTYPES = ("fp32", "tf32", "fp16", "int8", "fp64")  # by `network.DTYPE_CODES`
