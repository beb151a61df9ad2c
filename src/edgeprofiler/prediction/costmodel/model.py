"""Time of layers as arrays: a roofline of three kinds of limit, with launch overhead.

For a layer on a board with tensor cores of peak `P`, CUDA cores of peak `V` FLOP/s, DRAM of `B`
bytes a second and `S` multiprocessors of clock `f`::

    runtime = launch + compute + memory - overlap * min(compute, memory)
    compute = the faster of tensor cores and CUDA cores, each bounded by its peak
        tensor cores  FLOP / (P e) * (1 + d / depth) * (1 + w / width) * padding
        CUDA cores    FLOP / (V e) / gain * (1 + w / width)     gain: Winograd's, 3x3 of stride 1
        both          * (1 + tail * S / tiles)          INT8: tiles six times as large
    memory  = bytes that miss the cache / (B e) + bytes / (S f m)

Padding is to whole tiles of columns. The share `e` of the bandwidth falls with the memory's clock,
since rows of DRAM open and close in nanoseconds, not in clocks.

What each number means is in `edgeprofiler.prediction.costmodel.parameters`, what it was fitted on
in docs/cost-model.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray, IntArray
from edgeprofiler.prediction.costmodel.hardware import MEMORY_REFERENCE_HZ, Hardware, Values
from edgeprofiler.prediction.costmodel.parameters import Parameters
from edgeprofiler.prediction.costmodel.work import (
    DEPTHWISE,
    DEPTHWISE_LARGE,
    GROUPED,
    PRODUCT,
    WINOGRAD,
    Work,
)

BOUNDS = ("compute", "memory", "launch", "host")
"""What takes most of a layer's or network's time; the last is of networks alone."""


TILE_COLUMNS = 64
"""Columns that TensorRT's kernels for tensor cores make at a time, as their names say (64x64,
128x64, 256x64); half of it for narrower results."""

WIDE_COLUMNS, WIDE_TILES = 2.0, 6.0
"""INT8's tiles over FP16's: channels come in packs twice as wide, and the tiles of its kernels are
128 x 128 and 256 x 128 by their names; between the two."""


@dataclass(frozen=True)
class LayerTimes:
    """Seconds of each layer and of its parts; NaN where a layer is not covered.

    The parts say how long each unit is active; where they overlap, the runtime is less than
    their sum.
    """

    launch_s: FloatArray
    compute_s: FloatArray
    memory_s: FloatArray
    runtime_s: FloatArray
    overlap: FloatArray
    """Share of the shorter of compute and memory that runs behind the longer."""
    tensor: BoolArray
    """Whether tensor cores do the multiplying."""
    missed: FloatArray
    """Share of the memory time that waits for DRAM."""


def layer_times(work: Work, hardware: Hardware, parameters: Parameters) -> LayerTimes:
    """Return the seconds of each layer, vectorised.

    Args:
        work: of any number of layers, of one or many networks.
        hardware: the board's numbers as these layers see them.
        parameters: fitted numbers of that board, or one of each for every layer.
    """
    p = parameters
    unclocked = p.launch_unclocked
    launch = p.launch_s * (unclocked + (1.0 - unclocked) * 1e9 / hardware.clock_hz) * p.speed
    launches = np.where(work.simple, launch * p.launch_simple, launch) * work.runs
    compute, tensor = _compute(work, hardware, p)
    dram, loads = _memory(work, hardware, p)
    memory = dram + loads
    share = np.where(
        hardware.tensor_cores,
        work.tiles / (work.tiles + p.overlap_tiles * hardware.sms),
        0.0,
    )
    runtime = launches + compute + memory - share * np.minimum(compute, memory)
    runtime[~work.covered] = np.nan
    missed = dram / np.maximum(memory, 1e-30)
    return LayerTimes(launches, compute, memory, runtime, share, tensor, missed)


def _compute(work: Work, hardware: Hardware, p: Parameters) -> tuple[FloatArray, BoolArray]:
    """Return seconds of compute, and where tensor cores do it."""
    code = work.class_code
    with np.errstate(divide="ignore", invalid="ignore"):  # no tensor cores for a type
        peak = hardware.tensor_flops * np.minimum(p.efficiency_tensor, 1.0)
        peak = np.where(hardware.tf32, peak * p.efficiency_tf32, peak)
        tensor = work.flops / peak * (1.0 + p.depth_half / work.depth)
    wide = _wide(work, hardware, p)
    tensor *= _filling(work, hardware, p, wide) * _padding(work.width)
    tensor *= np.where(hardware.packed & ~wide, 2.0, 1.0)
    gains = np.where(code == WINOGRAD, p.winograd, np.where(code == GROUPED, p.grouped_lanes, 1.0))
    lanes = work.flops / (hardware.lane_flops * np.minimum(p.efficiency_lanes, 1.0) * gains)
    waste = 1.0 + p.tail * hardware.sms / work.tiles
    lanes = lanes * (1.0 + p.width_half_lanes / work.width) * waste
    with_tensor = np.asarray((tensor < lanes) & (code >= PRODUCT) & (code < DEPTHWISE))
    seconds = np.where(with_tensor, tensor, lanes)
    slow = np.where(
        (work.dtype_code == 0) & ~np.asarray(hardware.tensor_cores), p.depthwise_fp32, 1.0
    )
    large = np.where(code == DEPTHWISE_LARGE, p.depthwise_large_kernel, 1.0)
    alone = work.flops / (hardware.depthwise_flops * p.efficiency_depthwise * slow * large)
    seconds = np.where(code >= DEPTHWISE, alone * waste, seconds) * p.speed
    return seconds, with_tensor


def _filling(work: Work, hardware: Hardware, p: Parameters, wide: BoolArray | bool) -> FloatArray:
    """Return by how much products that fill tensor cores badly take longer, at least 1.

    Args:
        work: layers.
        hardware: the board, as they see it.
        p: fitted numbers.
        wide: which of them run in INT8's wide tiles.
    """
    width = p.width_half * np.where(wide, WIDE_COLUMNS, 1.0) / work.width
    tail = p.tail * np.where(wide, WIDE_TILES, 1.0) * hardware.sms / work.tiles
    return np.asarray((1.0 + width) * (1.0 + tail))


def _wide(work: Work, hardware: Hardware, p: Parameters) -> BoolArray:
    """Return which layers run in INT8's wide tiles; others in FP16's, at FP16's pace.

    TensorRT times both, and keeps the faster.
    """
    wide, narrow = (_filling(work, hardware, p, choice) for choice in (True, False))
    return np.asarray(hardware.packed & (wide < 2.0 * narrow))


def _padding(width: FloatArray) -> FloatArray:
    """Return what tiles hold over what is asked for, at least 1."""
    columns = np.where(np.isfinite(width), width, TILE_COLUMNS)
    tile = np.where(columns < TILE_COLUMNS, TILE_COLUMNS / 2, TILE_COLUMNS)
    return np.asarray(np.ceil(columns / tile) * tile / columns)


def _memory(work: Work, hardware: Hardware, p: Parameters) -> tuple[FloatArray, FloatArray]:
    """Return seconds of waiting for DRAM, and of loads and stores."""
    kept = 1.0 / (1.0 + (work.activation_bytes / hardware.cache_bytes) ** 2)
    runs = np.maximum(work.runs, 1.0)
    again = np.where(work.weight_bytes <= hardware.cache_bytes, 1.0, runs)
    activations = work.bytes_moved - work.weight_bytes * runs
    missed = work.weight_bytes * again + activations * (1.0 - kept)
    bandwidth = hardware.bandwidth_bytes_per_s * np.minimum(_dram_share(hardware, p), 1.0)
    loads = p.multiprocessor_bytes * hardware.sms * hardware.clock_hz
    moves = (work.runs > 0) * p.speed
    return missed / bandwidth * moves, work.bytes_moved / loads * moves


def _dram_share(hardware: Hardware, p: Parameters) -> Values:
    """Return the share of the DRAM bandwidth that is reached; at most 1 counts."""
    clock = hardware.memory_clock_hz / MEMORY_REFERENCE_HZ
    return p.efficiency_memory * clock**-p.memory_clock_exponent


def slopes(
    work: Work, hardware: Hardware, parameters: Parameters, times: LayerTimes
) -> Mapping[str, FloatArray]:
    """Return what each layer's runtime changes by for a relative change of each parameter, in s.

    Derivatives by the logarithm, parameters that no layer feels left out. `fixed_s` and those of
    the host are not of layers.
    """
    p, code = parameters, work.class_code
    shorter = times.compute_s < times.memory_s
    compute = times.compute_s * np.where(shorter, 1.0 - times.overlap, 1.0)
    memory = times.memory_s * np.where(shorter, 1.0, 1.0 - times.overlap)
    product, lanes = compute * times.tensor, compute * ~times.tensor * (code < DEPTHWISE)
    alone = compute * (code >= DEPTHWISE)
    wide = _wide(work, hardware, p)
    width = p.width_half * np.where(wide, WIDE_COLUMNS, 1.0) / work.width
    depth, narrow = p.depth_half / work.depth, p.width_half_lanes / work.width
    tail = p.tail * np.where(wide & times.tensor, WIDE_TILES, 1.0) * hardware.sms / work.tiles
    old = (work.dtype_code == 0) & ~np.asarray(hardware.tensor_cores)
    # At its bound an efficiency changes nothing any more.
    memory_free, tensor_free, lanes_free = (
        np.asarray(efficiency) < 1.0
        for efficiency in (_dram_share(hardware, p), p.efficiency_tensor, p.efficiency_lanes)
    )
    found = {
        "launch_s": times.launch_s,
        "launch_simple": times.launch_s * work.simple,
        "efficiency_tensor": -product * tensor_free,
        "efficiency_tf32": -product * hardware.tf32,
        "depth_half": product * depth / (1.0 + depth),
        "width_half": product * width / (1.0 + width),
        "tail": compute * tail / (1.0 + tail),
        "efficiency_lanes": -lanes * lanes_free,
        "winograd": -lanes * (code == WINOGRAD),
        "grouped_lanes": -lanes * (code == GROUPED),
        "width_half_lanes": lanes * narrow / (1.0 + narrow),
        "efficiency_depthwise": -alone,
        "depthwise_large_kernel": -alone * (code == DEPTHWISE_LARGE),
        "depthwise_fp32": -alone * old,
        "efficiency_memory": -memory * times.missed * memory_free,
        "multiprocessor_bytes": -memory * (1.0 - times.missed),
        "speed": times.launch_s + compute + memory,
    }
    return {name: np.asarray(values, dtype=np.float64) for name, values in found.items()}


def bound_codes(times: LayerTimes) -> IntArray:
    """Return the index in `BOUNDS` of the largest part of each layer's time."""
    parts = np.stack((times.compute_s, times.memory_s, times.launch_s))
    return np.asarray(np.argmax(parts, axis=0))
