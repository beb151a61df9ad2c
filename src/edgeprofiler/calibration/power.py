"""Power above idle from the busy share of wall time, fitted on networks' mean power.

T_wall = T_gpu + gap + gap_per_layer * kernels
P_above_idle = base + busy * (T_gpu - launch time) / T_wall
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeprofiler.calibration.recipe import Sample
from edgeprofiler.calibration.solve import Gaussian, Solution, solve
from edgeprofiler.network import FloatArray
from edgeprofiler.predictors.costmodel import Hardware, layer_times
from edgeprofiler.predictors.parameters import Parameters

START: Mapping[str, tuple[float, float]] = {
    "base_power_w": (1.0, 0.3), "busy_power_w": (8.0, 0.3),
    "host_gap_s": (1.0e-3, 0.5), "host_gap_per_layer_s": (20e-6, 0.5),
}  # fmt: skip
"""Start and deviation of the logarithm of what is fitted."""

NOISE = 0.06


@dataclass(frozen=True)
class BusyShare:
    """Times of the networks whose power was measured: all that the power model needs."""

    gpu_s: FloatArray
    busy_s: FloatArray
    """GPU time without launches and the fixed part."""
    kernels: FloatArray

    @staticmethod
    def of(samples: Sequence[Sample], parameters: Parameters) -> BusyShare:
        """Return the times of samples of one board, predicted with `parameters`."""
        gpu, busy, kernels = [], [], []
        for sample in samples:
            times = layer_times(sample.work, Hardware.of(sample.device), parameters)
            total = float(np.nansum(times.runtime_s))
            gpu.append(parameters.fixed_s + total)
            busy.append(total - float(times.launch_s[sample.work.covered].sum()))
            kernels.append(float(sample.work.runs.sum()))
        return BusyShare(np.array(gpu), np.array(busy), np.array(kernels))

    def power(self, values: FloatArray) -> FloatArray:
        """Return power above idle for base, busy, gap and gap per layer, in that order."""
        base, busy, gap, per_layer = values
        wall = self.gpu_s + gap + per_layer * self.kernels
        return np.asarray(base + busy * self.busy_s / wall)


@dataclass(frozen=True)
class PowerFit:
    """Fitted rates, the gap that explains power, and the gap that explains latency."""

    rates: dict[str, float]
    power_gap: dict[str, float]
    latency_gap: dict[str, float]
    solution: Solution


def solve_power(
    share: BusyShare, watts: FloatArray, weights: FloatArray | None = None
) -> tuple[FloatArray, Solution]:
    """Return base, busy, gap and gap per layer that explain measured power above idle."""
    start = np.array([value for value, _ in START.values()])
    deviation = np.array([sd for _, sd in START.values()])

    def model(logs: FloatArray) -> FloatArray:
        return np.log(share.power(start * np.exp(logs)))

    def jacobian(logs: FloatArray, predicted: FloatArray) -> FloatArray:
        columns = []
        for index in range(len(logs)):
            moved = logs.copy()
            moved[index] += 1e-5
            columns.append((model(moved) - predicted) / 1e-5)
        return np.stack(columns, axis=1)

    prior = Gaussian(np.zeros(len(start)), deviation)
    found = solve(
        model, jacobian, np.log(watts), np.full(len(watts), NOISE), prior, weights=weights
    )
    return start * np.exp(found.values), found


def fit_power(samples: Sequence[Sample], parameters: Parameters) -> PowerFit:
    """Return the power model of one board from its networks' measured power.

    Args:
        samples: rows with power, all of one board.
        parameters: the board's numbers for time, which stay as they are.
    """
    watts = np.array([sample.row.power_above_idle_w for sample in samples])
    values, found = solve_power(BusyShare.of(samples, parameters), watts)
    base, busy, gap, per_layer = (float(v) for v in values)
    return PowerFit(
        {"base_power_w": base, "busy_power_w": busy},
        {"host_gap_s": gap, "host_gap_per_layer_s": per_layer},
        {"host_gap_s": 0.4e-3, "host_gap_per_layer_s": 20e-6},
        found,
    )
