"""Power above idle from the busy share of wall time, fitted on networks' mean power.

T_wall = T_gpu + gap + gap_per_layer * kernels + gap_per_simple * simple kernels
P_above_idle = base + busy * (compute + memory time, depthwise at a share) / T_wall
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.calibration.recipe import Sample
from edgeprofiler.prediction.calibration.solve import Gaussian, Solution, solve
from edgeprofiler.prediction.costmodel.model import (
    CLASSES,
    Hardware,
    kernel_counts,
    layer_times,
    multiply_class,
)
from edgeprofiler.prediction.costmodel.parameters import Parameters

START: Mapping[str, tuple[float, float]] = {
    "base_power_w": (1.0, 0.15), "busy_power_w": (8.0, 0.3), "depthwise_busy": (0.3, 0.5),
    "host_gap_s": (1.0e-3, 0.5), "host_gap_per_layer_s": (20e-6, 0.5),
    "host_gap_per_simple_s": (30e-6, 0.5),
}  # fmt: skip
"""Start and deviation of the logarithm of what is fitted."""

NOISE = 0.06


@dataclass(frozen=True)
class BusyShare:
    """Times of the networks whose power was measured: all that the power model needs."""

    gpu_s: FloatArray
    compute_s: FloatArray
    """GPU time in products, depthwise ones apart."""
    depthwise_s: FloatArray
    memory_s: FloatArray
    kernels: FloatArray
    simple: FloatArray
    """Kernels that multiply nothing."""

    @staticmethod
    def of(samples: Sequence[Sample], parameters: Parameters) -> BusyShare:
        """Return the times of samples of one board, predicted with `parameters`."""
        rows = []
        for sample in samples:
            work = sample.work
            times = layer_times(work, Hardware.of(sample.device), parameters)
            depthwise = multiply_class(work) >= CLASSES.index("depthwise")
            kernels, simple = kernel_counts(work, parameters)
            rows.append(
                (
                    parameters.fixed_s + float(np.nansum(times.runtime_s)),
                    times.compute_s[~depthwise].sum(),
                    times.compute_s[depthwise].sum(),
                    times.memory_s.sum(),
                    kernels.sum(),
                    simple.sum(),
                )
            )
        return BusyShare(*np.array(rows, dtype=np.float64).reshape(-1, 6).T)

    def power(self, values: FloatArray) -> FloatArray:
        """Return power above idle in W for the numbers of `START`, in their order."""
        base, busy, share, gap, per_layer, per_simple = values
        wall = self.gpu_s + gap + per_layer * self.kernels + per_simple * self.simple
        active = self.compute_s + share * self.depthwise_s + self.memory_s
        return np.asarray(base + busy * active / wall)


def solve_power(
    share: BusyShare, watts: FloatArray, weights: FloatArray | None = None
) -> tuple[FloatArray, Solution]:
    """Return the numbers of `START` that explain measured power above idle.

    Args:
        share: times of the networks.
        watts: measured power above idle of each.
        weights: share of each network, 0 leaves it out.
    """
    start = np.array([value for value, _ in START.values()])
    deviation = np.array([sd for _, sd in START.values()])

    def model(logs: FloatArray) -> FloatArray:
        return np.log(share.power(start * np.exp(logs)))

    prior = Gaussian(np.zeros(len(start)), deviation)
    noise = np.full(len(watts), NOISE)
    found = solve(model, np.log(watts), noise, prior, weights=weights)
    return start * np.exp(found.values), found


def split(values: FloatArray) -> tuple[dict[str, float], dict[str, float]]:
    """Return the rates and the host's gap of fitted numbers, by name."""
    named = dict(zip(START, (float(v) for v in values), strict=True))
    gap = {name: value for name, value in named.items() if name.startswith("host_gap")}
    return {name: value for name, value in named.items() if name not in gap}, gap
