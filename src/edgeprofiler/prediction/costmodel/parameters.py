"""The numbers of the cost model: shared by all boards, and what a board differs by.

The shared numbers ship in `data/prior.toml`, written by `scripts/fit_prior.py`. A device's
calibration multiplies a few of them; a board without one uses them as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from edgeprofiler.core.device import Calibration, Device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import shipped_toml


@dataclass(frozen=True)
class Parameters:
    """Every number of the cost model, for one device, mode and host."""

    launch_s: float
    """Overhead of a convolution's kernel at a GPU clock of 1 GHz."""
    launch_clock_exponent: float
    """How it falls with the clock."""
    launch_without_tensor_cores: float
    """Factor on GPUs of the generations before tensor cores (slower front ends)."""
    launch_simple: float
    """Factor for kernels without multiplications: element-wise, softmax; not pooling."""
    launch_move: float
    """Factor for kernels that only move data: reformat, copy, concat."""
    fixed_s: float
    """GPU time of an inference that belongs to no layer."""
    efficiency_gemm: float
    """Share of the peak that 1x1 convolutions and matrix products reach."""
    efficiency_convolution: float
    """The same for wider kernels (data reuse, Winograd)."""
    first_layer: float
    """Factor for a convolution of at most four input channels."""
    efficiency_without_tensor_cores: float
    """Factor on GPUs without tensor cores, whose peak is easier to reach."""
    efficiency_depthwise: float
    """Share of the vector lanes' peak that depthwise convolutions reach."""
    depthwise_large_kernel: float
    """Factor for depthwise kernels larger than 3x3."""
    efficiency_memory: float
    """Share of the DRAM bandwidth that is reached."""
    overlap: float
    """Share of the shorter of compute and memory time that runs behind the longer, on GPUs that
    copy asynchronously (compute capability 8.0 on). Set, not fitted."""
    tail: float
    """Waste of work that fills few tiles, in tiles a multiprocessor."""
    width_half: float
    """Output channels at which tensor cores reach half of their efficiency."""
    base_power_w: float
    """Power above idle whenever inferences run, also while the GPU waits."""
    busy_power_w: float
    """Power added while the GPU computes or moves data."""
    depthwise_busy: float
    """Share of that while it computes depthwise convolutions, which leave most of it idle."""
    separate_activations: float = 0.0
    """1 where the builder leaves SiLU, HardSwish and their like as kernels of their own
    (TensorRT up to 8.4, Torch-TensorRT), else 0."""
    host_gap_s: float = 0.0
    """Wall time between two inferences that the host takes."""
    host_gap_per_layer_s: float = 0.0
    """The same for each kernel launched."""
    host_gap_per_simple_s: float = 0.0
    """The same, in addition, for each kernel without multiplications (its casts and views)."""
    host_gap_per_launch: float = 0.0
    """The same as a share of all launch overhead."""


DEVIATIONS = (
    "launch_s",
    "efficiency_memory",
    "efficiency_depthwise",
    "efficiency_gemm",
    "efficiency_convolution",
)
"""Parameters in which boards may differ from the shared ones, as factors."""

_NAMES = frozenset(field.name for field in fields(Parameters))


@lru_cache(maxsize=1)
def prior_table() -> Mapping[str, Any]:
    """Return the shipped table of shared numbers."""
    return shipped_toml("edgeprofiler.prediction.costmodel", "data/prior.toml").mapping()


def shared_parameters(runtime: str = "") -> Parameters:
    """Return the shared numbers, with the gap of a host `runtime` if one is named."""
    table = prior_table()
    gap = table["hosts"].get(runtime, {})
    return Parameters(**table["shared"], **{k: v for k, v in gap.items() if k in _NAMES})


def calibration_of(device: Device) -> Calibration | None:
    """Return the calibration that fits best: mode and host, else mode, else host, else any."""

    def fit(calibration: Calibration) -> tuple[bool, bool]:
        same = calibration.mode.clocks == device.mode.clocks
        return same, calibration.runtime == device.runtime

    return max(device.calibrations, key=fit, default=None)  # the first of equals


def stand_in(device: Device) -> Mapping[str, float]:
    """Return the factors of a board of the same chip, for a device that has none of its own.

    Chips of one kind launch and load alike; host and power are their board's own.
    """
    found = max(device.stand_ins, key=lambda c: c.runtime == device.runtime, default=None)
    if device.calibrations or found is None:
        return {}
    return {name: value for name, value in found.parameters.items() if name in DEVIATIONS}


def parameters_of(device: Device) -> Parameters:
    """Return the numbers for `device`: shared ones, its board's deviations, its host's gap.

    Raises:
        InvalidInput: the calibration names a parameter that the model does not have.
    """
    shared = shared_parameters(device.runtime)
    calibration = calibration_of(device)
    values = {name: value * getattr(shared, name) for name, value in stand_in(device).items()}
    for name, value in calibration.parameters.items() if calibration else ():
        if name not in _NAMES:
            raise InvalidInput(device.source, f"calibration has an unknown parameter {name!r}")
        if calibration and name.startswith("host_gap") and calibration.runtime != device.runtime:
            continue
        if name in DEVIATIONS and value == 0:
            raise InvalidInput(device.source, f"calibration has {name} = 0", "a factor is above 0")
        values[name] = value * getattr(shared, name) if name in DEVIATIONS else value
    power = {n: values.get(n, getattr(shared, n)) for n in ("base_power_w", "busy_power_w")}
    scale = _power_scale(device, calibration, sum(power.values()))
    values.update({name: value * scale for name, value in power.items()})
    return replace(shared, **values)


REFERENCE_GPU = (8, 0.62475e9)
"""Multiprocessors and clock of the board and mode whose power was measured (Orin Nano, 15 W)."""

CLOCK_EXPONENT = 1.3
"""How dynamic power grows with the GPU's clock; voltage rises with it. Assumed, not fitted."""

OLD_PROCESS = 2.0
"""Power a multiprocessor on chips before tensor cores needs, relative. Assumed, not fitted."""


def power_measured(calibration: Calibration) -> bool:
    """Return whether a calibration knows its board's power."""
    return "busy_power_w" in calibration.parameters


def _power_scale(device: Device, calibration: Calibration | None, power_w: float) -> float:
    """Power of the device's GPU as a share of that where `power_w` was measured.

    It grows with multiprocessors and clock, and the mode's power budget limits it. For boards
    and modes whose power was never measured this is a guess, and their intervals are wide.
    """
    own = calibration is not None and power_measured(calibration)
    if own and calibration is not None and calibration.mode.clocks == device.mode.clocks:
        return 1.0
    here = device.mode.clocks
    if own and calibration is not None:
        there = calibration.mode.clocks
        sms, clock, process = there.sms, there.gpu_hz, 1.0
    else:
        (sms, clock), process = REFERENCE_GPU, 1.0 if device.datasheet.tensor_cores else OLD_PROCESS
    scale = process * (here.sms / sms) * float((here.gpu_hz / clock) ** CLOCK_EXPONENT)
    if math.isnan(device.mode.power_budget_w):
        return scale
    limit = (device.mode.power_budget_w - device.idle_power_w) / power_w
    return min(scale, max(limit, 0.05))
