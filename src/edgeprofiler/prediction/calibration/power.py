"""Power above idle of networks, fitted on their measured means.

Power of the first source was measured under a layer profiler through Python, whose host keeps the
GPU waiting: its wall time is fitted with the power, and need not be that of any latency.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.calibration.problem import common_errors
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.calibration.solve import Gaussian, Solution, solve
from edgeprofiler.prediction.costmodel.hardware import Hardware
from edgeprofiler.prediction.costmodel.model import layer_times
from edgeprofiler.prediction.costmodel.parameters import Parameters
from edgeprofiler.prediction.costmodel.power import (
    active_gigahertz,
    host_factor,
    operation_energies,
    process_factor,
)
from edgeprofiler.prediction.costmodel.wall import SHARPNESS, Host, wall_times

START: Mapping[str, tuple[float, float]] = {
    "base_power_w": (1.0, 0.12), "active_power_w": (0.6, 0.4), "flop_energy_j": (0.8e-12, 0.5),
    "byte_energy_j": (90e-12, 0.5), "host_fixed_s": (1e-3, 0.7), "enqueue_s": (60e-6, 0.5),
}  # fmt: skip
"""Start of what is fitted, and deviation of its logarithm. The last two are of the experiment's
host: seconds for an inference and for each kernel on that board."""

RATES = ("base_power_w", "active_power_w", "flop_energy_j", "byte_energy_j")

SOURCE_ERROR, NETWORK_ERROR, ROW_ERROR = 0.1, 0.03, 0.05
"""As those of `recipe`, for power above idle."""

SILICON_ERROR = 0.4
"""What boards of other silicon than Orin's have in common: how much more they need is assumed."""


def power_above_idle(sample: Sample) -> float:
    """Return a sample's power above idle in W by its device's idle power; NaN where none is."""
    return sample.row.above_idle_w(sample.device.idle_power_w)


@dataclass(frozen=True)
class PowerRows:
    """What networks do whose power was measured, as arrays with one entry a network."""

    gpu_s: FloatArray
    wall_s: FloatArray
    """Wall time by the host's numbers; of no use where `profiled`."""
    kernels: FloatArray
    working: FloatArray
    """Seconds that kernels work, times multiprocessors and GHz, in Orin's silicon."""
    operations: FloatArray
    """FP16 operations that would need as much energy, in Orin's silicon."""
    bytes_moved: FloatArray
    host: FloatArray
    """Power of a busy core, relative to Orin's."""
    profiled: BoolArray
    """Whether the host of the experiment set the pace."""

    @staticmethod
    def of(
        samples: Sequence[Sample], parameters: Sequence[Parameters], *, profiled: bool = True
    ) -> PowerRows:
        """Return what samples do.

        Args:
            samples: networks on boards.
            parameters: of each, that its times are predicted with.
            profiled: whether rows through Torch-TensorRT are those of the experiment.
        """
        rows = []
        for sample, numbers in zip(samples, parameters, strict=True):
            work, device = sample.work, sample.device
            times = layer_times(work, Hardware.seen_by(work, device), numbers)
            runtime, count = np.nan_to_num(times.runtime_s), sample.count
            gpu = float(numbers.fixed_s + (runtime * count).sum())
            wall = wall_times(
                np.array([gpu]), np.array([sample.kernels]), np.array([sample.io_bytes]),
                Host.of(device), numbers,
            )  # fmt: skip
            working = float(((runtime - times.launch_s) * count).sum())
            rows.append(
                (
                    gpu,
                    float(wall.end_to_end_s[0]),
                    sample.kernels,
                    working * active_gigahertz(device),
                    float((operation_energies(work, device) * count).sum()),
                    float((work.bytes_moved * count).sum()),
                    host_factor(device),
                    profiled and sample.row.runtime == "torch-tensorrt",
                )
            )
        columns = np.array(rows, dtype=np.float64).reshape(-1, 8).T
        found = dict(zip((field.name for field in fields(PowerRows)), columns, strict=True))
        return PowerRows(**{**found, "profiled": found["profiled"] > 0})

    def power(self, values: FloatArray) -> FloatArray:
        """Return power above idle in W for the numbers of `START`, in their order."""
        base, active, operation, byte, fixed, each = values
        paced = (self.gpu_s**SHARPNESS + (each * self.kernels) ** SHARPNESS) ** (1 / SHARPNESS)
        wall = np.where(self.profiled, paced + fixed, self.wall_s)
        energy = active * self.working + operation * self.operations + byte * self.bytes_moved
        return np.asarray(base * self.host + energy / wall)


def solve_power(
    rows: PowerRows,
    samples: Sequence[Sample],
    taking_part: BoolArray | None = None,
) -> tuple[FloatArray, Solution]:
    """Return the numbers of `START` that explain measured power above idle.

    Args:
        rows: what the networks do.
        samples: with their measured power.
        taking_part: rows to fit; all where `None`.
    """
    start = np.array([value for value, _ in START.values()])
    deviation = np.array([sd for _, sd in START.values()])
    watts = np.array([power_above_idle(sample) for sample in samples])
    covariance = common_errors(
        len(samples),
        [
            ([s.stack for s in samples], SOURCE_ERROR),
            ([s.row.canonical for s in samples], NETWORK_ERROR),
        ],
    ) + np.diag(np.full(len(samples), ROW_ERROR**2))
    silicon = np.array([process_factor(s.device) for s in samples])
    other = silicon[:, None] == np.where(silicon == 1.0, np.nan, silicon)
    covariance += SILICON_ERROR**2 * other
    chosen = np.ones(len(samples), bool) if taking_part is None else taking_part
    index = np.flatnonzero(chosen)
    white = np.linalg.inv(np.linalg.cholesky(covariance[np.ix_(index, index)]))
    found = solve(
        lambda logs: white @ np.log(rows.power(start * np.exp(logs)))[index],
        white @ np.log(watts)[index],
        np.ones(len(index)),
        Gaussian(np.zeros(len(start)), deviation),
        knee=math.inf,
    )
    return start * np.exp(found.values), found


def rates(values: FloatArray) -> dict[str, float]:
    """Return the fitted numbers that are not the experiment's host, by name."""
    return {n: float(v) for n, v in zip(START, values, strict=True) if n in RATES}
