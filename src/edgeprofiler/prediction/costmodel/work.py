"""What layers ask of any device: computed once a network, whatever the parameters."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.network import BoolArray, Columns, FloatArray, IntArray

DTYPES = ("fp32", "tf32", "fp16", "int8", "fp64")
"""By `network.DTYPE_CODES`."""

TENSOR_TYPES = ("tf32", "fp16", "int8")
"""What tensor cores multiply."""

NONE, PRODUCT, WINOGRAD, GROUPED, DEPTHWISE, DEPTHWISE_LARGE = range(6)
"""What the compute units do in a layer."""

TILE_ELEMENTS = 4096
"""Outputs of one thread block of a tensor-core convolution (64 x 64)."""


@dataclass(frozen=True)
class Work:
    """The work of layers as arrays of one length."""

    flops: FloatArray
    """Two a multiply-accumulate; 0 where there are none."""
    bytes_moved: FloatArray
    """Of all runs."""
    weight_bytes: FloatArray
    """Of one run."""
    activation_bytes: FloatArray
    """Inputs and outputs of one run: what a cache would have to hold."""
    class_code: IntArray
    """One of `NONE` to `DEPTHWISE_LARGE`."""
    dtype_code: IntArray
    """Index in `DTYPES`."""
    tiles: FloatArray
    """Blocks of `TILE_ELEMENTS` outputs."""
    width: FloatArray
    """Columns of a product's result; infinite where nothing is multiplied."""
    depth: FloatArray
    """Products that make up one output."""
    simple: BoolArray
    """Kernels without multiplications that start faster: element-wise, softmax; not pooling, nor
    what moves data."""
    runs: FloatArray
    """Runs of each kernel, one after another: each is launched, and finds its own tiles. 0 for
    layers that take no time."""
    covered: BoolArray

    def __len__(self) -> int:
        return len(self.flops)

    @staticmethod
    def of(columns: Columns) -> Work:
        """Return the work of layers from their columns."""
        multiplies = columns.is_op("convolution", "transposed_convolution", "gemm", "matmul")
        depthwise = multiplies & columns.depthwise
        macs = np.where(np.isfinite(columns.macs), columns.macs, 0.0)
        classes = np.where(multiplies, PRODUCT, NONE)
        classes[multiplies & columns.winograd] = WINOGRAD
        classes[multiplies & (columns.groups > 1)] = GROUPED
        classes[depthwise] = DEPTHWISE
        classes[depthwise & (columns.kernel_max > 3)] = DEPTHWISE_LARGE
        outputs = columns.spatial * columns.out_channels
        moves = columns.is_op("reformat", "copy", "concat")
        pools = columns.is_op("max_pool", "average_pool", "global_pool")
        return Work(
            flops=2.0 * macs,
            bytes_moved=columns.bytes_moved,
            weight_bytes=np.minimum(columns.weight_bytes, columns.bytes_moved / columns.repeats),
            activation_bytes=columns.input_bytes + columns.output_bytes,
            class_code=classes,
            dtype_code=columns.dtype_code,
            tiles=np.maximum(outputs / TILE_ELEMENTS, 1.0),
            width=columns.width,
            depth=np.maximum(macs / columns.repeats / np.maximum(outputs, 1.0), 1.0),
            simple=~(multiplies | moves | pools),
            runs=np.where(columns.is_op("noop"), 0.0, columns.repeats),
            covered=columns.covered,
        )

    def take(self, index: IntArray | slice) -> Work:
        """Return the work of the layers that `index` selects."""
        return Work(**{f.name: getattr(self, f.name)[index] for f in fields(Work)})

    @staticmethod
    def concatenate(parts: list[Work]) -> Work:
        """Return the work of several networks, one after another."""
        names = [field.name for field in fields(Work)]
        return Work(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})

    def distinct(self) -> tuple[Work, FloatArray]:
        """Return the layers that differ, and how often each is there."""
        table = np.stack([getattr(self, f.name).astype(np.float64) for f in fields(Work)])
        _, first, count = np.unique(table, axis=1, return_index=True, return_counts=True)
        return self.take(first), count.astype(np.float64)


def network_sums(values: FloatArray | BoolArray, offsets: IntArray) -> FloatArray:
    """Return the sum of each network's layers, shape (networks,).

    Args:
        values: one number a layer, network after network.
        offsets: where each network starts, and the end: one number more than networks.
    """
    owner = _owner(offsets.astype(np.int64).tobytes())
    return np.asarray(np.bincount(owner, values, len(offsets) - 1), dtype=np.float64)


@lru_cache(maxsize=8)
def _owner(offsets: bytes) -> IntArray:
    """Return whose each layer is; some thirty sums of the same layers ask for it, board by board.

    Args:
        offsets: where each network starts, and the end, as integers of 64 bits.
    """
    ends = np.frombuffer(offsets, np.int64)
    return read_only(np.repeat(np.arange(len(ends) - 1), np.diff(ends)))
