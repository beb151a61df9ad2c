"""The numbers of the cost model: shared by all boards, and what a board differs by.

The shared numbers and the boards' factors ship in `data/prior.toml`, written by
`scripts/fit_prior.py`. A calibration of a user's own multiplies a few of them once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from edgeprofiler.core.device import Calibration, Device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import shipped_toml
from edgeprofiler.prediction.costmodel.hardware import Values


@dataclass(frozen=True)
class Parameters:
    """Every number of the cost model, for one device, mode and host.

    A fit of many rows at once puts an array in the place of a number, one entry a layer or row.
    """

    launch_s: Values
    """Overhead of a kernel on the GPU at a clock of 1 GHz."""
    launch_unclocked: Values
    """Share of it that knows no clock of the GPU: the first loads wait for DRAM."""
    launch_simple: Values
    """Factor for kernels without multiplications: element-wise, softmax; not pooling or moves."""
    fixed_s: Values
    """GPU time of an inference that belongs to no layer."""
    efficiency_tensor: Values
    """Share of the tensor cores' peak that deep and wide products reach; at most 1 counts."""
    efficiency_tf32: Values
    """Factor for TF32."""
    depth_half: Values
    """Products an output at which tensor cores reach half of that: filling and draining."""
    width_half: Values
    """Columns of a result at which they do, where others fill a tile."""
    tail: Values
    """Waste of work that fills few tiles, in tiles a multiprocessor."""
    efficiency_lanes: Values
    """Share of the CUDA cores' peak that products reach; at most 1 counts."""
    winograd: Values
    """Gain of Winograd's algorithm there; its own arithmetic allows 2.25."""
    grouped_lanes: Values
    """Factor for grouped convolutions there."""
    width_half_lanes: Values
    """`width_half` of the CUDA cores."""
    efficiency_depthwise: Values
    """Share of the lanes' peak that depthwise convolutions reach."""
    depthwise_large_kernel: Values
    """Factor for depthwise kernels larger than 3x3."""
    depthwise_fp32: Values
    """Factor in FP32 on GPUs before tensor cores."""
    efficiency_memory: Values
    """Share of the DRAM bandwidth that is reached at a memory clock of 2.133 GHz; at most 1
    counts."""
    memory_clock_exponent: Values
    """How that share falls with the clock."""
    multiprocessor_bytes: Values
    """Bytes a clock that one multiprocessor loads and stores, from wherever."""
    overlap_tiles: Values
    """Tiles a multiprocessor at which half of the shorter of compute and memory time runs behind
    the longer (tensor-core GPUs)."""
    enqueue_s: Values
    """Time of the host for each kernel, on a core of 2 GHz of a Cortex-A78AE."""
    enqueue_old: Values
    """Factor on boards before tensor cores: their drivers are those of JetPack 4."""
    base_power_w: Values
    """Power above idle whenever inferences run, also while the GPU waits: the host's core."""
    active_power_w: Values
    """Power of one multiprocessor at 1 GHz while a kernel works."""
    flop_energy_j: Values
    """Energy of one FP16 operation."""
    byte_energy_j: Values
    """Energy of one byte moved."""
    host_fixed_s: Values = 0.0
    """Wall time of an inference that the host adds to GPU and enqueueing, on a core of 2 GHz."""
    host_copy: Values = 0.0
    """Share of the memory bandwidth at which it copies inputs and outputs; 0 where it does not."""
    speed: Values = 1.0
    """Factor on all time of the GPU: a source's clocks, supply and builder."""


DEVIATIONS = (
    "launch_s",
    "efficiency_memory",
    "efficiency_depthwise",
    "efficiency_tensor",
    "efficiency_lanes",
    "speed",
)
"""Parameters in which boards and sources may differ from the shared ones, as factors."""

_NAMES = frozenset(field.name for field in fields(Parameters))


@lru_cache(maxsize=1)
def prior_table() -> Mapping[str, Any]:
    """Return the shipped table of numbers."""
    return shipped_toml("edgeprofiler.prediction.costmodel", "data/prior.toml").mapping()


def shared_parameters(runtime: str = "") -> Parameters:
    """Return the shared numbers, with those of a host `runtime` if one is named."""
    table = prior_table()
    return Parameters(**{**table["shared"], **table["hosts"].get(runtime, {})})


def board_factors(device: Device) -> Mapping[str, float]:
    """Return what a board differs by; a board of the same chip answers for one never measured."""
    boards: Mapping[str, Mapping[str, float]] = prior_table()["boards"]
    return boards.get(device.name) or boards.get(device.base) or boards.get(device.like) or {}


def calibration_of(device: Device) -> Calibration | None:
    """Return the calibration that fits best: mode and host, else mode, else host, else any."""

    def fit(calibration: Calibration) -> tuple[bool, bool]:
        same = calibration.mode.clocks == device.mode.clocks
        return same, calibration.runtime == device.runtime

    return max(device.calibrations, key=fit, default=None)  # the first of equals


def parameters_of(device: Device) -> Parameters:
    """Return the numbers for `device`: shared ones, its board's factors, its host's, its own.

    Raises:
        InvalidInput: the calibration names a parameter that the model does not have.
    """
    shared = shared_parameters(device.runtime)
    values = {name: getattr(shared, name) * f for name, f in board_factors(device).items()}
    calibration = calibration_of(device)
    for name, value in calibration.parameters.items() if calibration else ():
        if name not in _NAMES:
            raise InvalidInput(
                device.source,
                f"calibration has an unknown parameter {name!r}",
                "calibrate again: an older version wrote it",
            )
        if name.startswith("host_") and calibration and calibration.runtime != device.runtime:
            continue
        if name in DEVIATIONS:
            if value == 0:
                raise InvalidInput(
                    device.source, f"calibration has {name} = 0", "a factor is above 0"
                )
            value *= values.get(name, getattr(shared, name))
        values[name] = value
    return replace(shared, **values)
