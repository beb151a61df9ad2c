"""Power of layers: what runs whenever inferences do, what works, what multiplies, what moves.

    power = idle + base + active * S * clock while a kernel works + e_flop * FLOP/s + e_byte * B/s

A multiprocessor that works draws its power whatever it computes; operations and bytes add theirs.
The parts of the GPU grow with the clock, and with the square of its voltage where that rises; the
memory's do not. The mode's budget bounds all of it: a board that would need more lowers its
clocks. Being linear in time and work, energies of layers add up to that of the inference.
"""

from __future__ import annotations

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.costmodel.model import LayerTimes
from edgeprofiler.prediction.costmodel.parameters import Parameters
from edgeprofiler.prediction.costmodel.work import DTYPES, Work

OPERATION_ENERGY = {"fp32": 2.0, "tf32": 2.0, "fp16": 1.0, "int8": 0.5, "fp64": 4.0}
"""Energy of an operation relative to FP16's: it goes with the bits that are multiplied."""

PROCESS = ((10.0, 0.6), (8.0, 1.0), (7.0, 2.0), (6.0, 3.0), (0.0, 5.0))
"""Power of a multiprocessor and energy of an operation relative to Orin's 8 nm, from a compute
capability on: Thor, Orin, Xavier (12 nm), TX2 (16 nm), Nano (20 nm). Two sources' powers of a Nano
ask for 5 to 6; the others are assumed between and beyond."""

OLD_HOST = 2.0
"""Power of a busy core on boards before tensor cores (Cortex-A57 at 16 and 20 nm), relative."""

HOST_HZ = 1.5104e9
"""Clock of the processor that the host's power is stated at: that of the experiment with 20
networks. A busy core draws in proportion to its clock; how its voltage rises is not known here."""

VOLTAGE_KNEE_HZ = 1.05e9
"""Clock of Orin's GPU up to which its voltage stays: power of one network on Orin Nano grew from
0.62 to 1.02 GHz no faster than the clock. Above, voltage is taken to rise with the clock."""


def process_factor(device: Device) -> float:
    """Return the power of the device's silicon relative to Orin's."""
    capability = device.datasheet.compute_capability
    return next(factor for least, factor in PROCESS if capability >= least)


def voltage_factor(clock_hz: float) -> float:
    """Return the square of the GPU's voltage, relative to its lowest.

    >>> voltage_factor(0.6e9), round(voltage_factor(1.3e9), 2)
    (1.0, 1.53)
    """
    return max(1.0, clock_hz / VOLTAGE_KNEE_HZ) ** 2


def silicon_factor(device: Device) -> float:
    """Return the energy of the GPU for a piece of work, relative to Orin's at a low clock."""
    return process_factor(device) * voltage_factor(device.gpu_clock_hz)


def active_gigahertz(device: Device) -> float:
    """Return multiprocessors times clock in GHz, as many of Orin's as would draw as much."""
    return silicon_factor(device) * device.mode.clocks.sms * device.gpu_clock_hz / 1e9


def operation_energies(work: Work, device: Device) -> FloatArray:
    """Return how many FP16 operations in Orin's silicon would need as much energy as each layer."""
    relative = np.array([OPERATION_ENERGY[dtype] for dtype in DTYPES])[work.dtype_code]
    return np.asarray(silicon_factor(device) * relative * work.flops)


def host_factor(device: Device) -> float:
    """Return the power of a busy core of the device relative to Orin's at `HOST_HZ`."""
    clock = (device.mode.clocks.cpu_hz or HOST_HZ) / HOST_HZ
    return clock * (1.0 if device.datasheet.tensor_cores else OLD_HOST)


def base_power(device: Device, parameters: Parameters) -> float:
    """Return power above idle whenever inferences run."""
    return float(parameters.base_power_w) * host_factor(device)


def waiting_power(device: Device, parameters: Parameters) -> float:
    """Return the board's power in a loop of inferences while the GPU waits."""
    return min(device.idle_power_w + base_power(device, parameters), _ceiling(device))


def _ceiling(device: Device) -> float:
    """Return the most that the board draws: its mode's budget, but never less than idle."""
    budget = device.mode.power_budget_w
    return max(budget, device.idle_power_w) if np.isfinite(budget) else np.inf


def layer_power(
    work: Work, times: LayerTimes, device: Device, parameters: Parameters
) -> FloatArray:
    """Return the board's power while each layer runs; that of an idle board for a noop.

    Args:
        work: of any number of layers.
        times: their times on the device.
        device: the board in its mode.
        parameters: fitted numbers.
    """
    p = parameters
    working = times.runtime_s - times.launch_s
    energy = (
        p.active_power_w * active_gigahertz(device) * working
        + p.flop_energy_j * operation_energies(work, device)
        + p.byte_energy_j * work.bytes_moved
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        power = device.idle_power_w + base_power(device, p) + energy / times.runtime_s
    power = np.asarray(np.minimum(power, _ceiling(device)))
    power[times.runtime_s == 0] = device.idle_power_w  # a noop adds nothing to an idle board
    power[np.isnan(times.runtime_s)] = np.nan
    return np.asarray(power)


def meets_budget(power_w: FloatArray, device: Device) -> bool:
    """Say whether some layer would need more than the mode's budget."""
    budget = device.mode.power_budget_w
    return bool(np.isfinite(budget) and np.nanmax(power_w, initial=0.0) >= budget * (1 - 1e-9))
