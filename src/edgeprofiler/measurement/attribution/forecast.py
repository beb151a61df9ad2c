"""How well a recording will tell its layers' powers, before any of them is found.

The errors of a fit hang on how conversions fall on layers and how noisy they are, hardly on the
powers themselves. So they are known beforehand, for this recording and for a longer one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.problem import Samples
from edgeprofiler.measurement.attribution.runs import RunTimes
from edgeprofiler.measurement.attribution.schedule import Schedule, windows

USUAL_SPREAD = 0.25
"""Standard deviation of layers' powers above idle, as a share of their mean: what boards show."""

USUAL_JITTER = 0.01
"""Relative standard deviation of power from run to run."""

MOST_CONVERSIONS = 6000


@dataclass(frozen=True, eq=False)
class Forecast:
    """What conversions will tell of layers."""

    information: FloatArray
    """Inverse covariance of layers' powers, in units of the runs' mean power above idle."""
    weight: FloatArray
    """Share of each layer in the runs' time."""
    overlaps: FloatArray
    """Number of conversions that see something of each layer; shape (layers,)."""

    def error(self, longer: float = 1.0) -> float:
        """Return the expected error of layers, weighted by time, of a so much longer recording."""
        prior = np.eye(self.weight.size) / USUAL_SPREAD**2
        covariance = np.linalg.inv(self.information * longer + prior)
        return float(np.sqrt(self.weight @ np.diag(covariance)))

    def longer_for(self, error: float) -> float:
        """Return how much longer a recording must be for an error; infinite if none is enough."""
        if self.error() <= error:
            return 1.0
        low, high = 0.0, 14.0  # powers of two
        if self.error(2.0**high) > error:
            return float("inf")
        while high - low > 0.05:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.error(2.0**middle) > error else (low, middle)
        return float(2.0**high)


def forecast(runs: RunTimes, samples: Samples, window_s: float, noise_w: float) -> Forecast:
    """Return what conversions will tell of the layers of some runs.

    Args:
        runs: when what ran.
        samples: conversions, above the power at rest.
        window_s: what one integrates.
        noise_w: standard deviation of one conversion at rest; NaN where unknown.
    """
    schedule = Schedule(runs, np.zeros(runs.layers))
    some = samples.some(MOST_CONVERSIONS)
    shares = windows(schedule.lasted, some.end_s, window_s, [(1.0, 0.0)])
    layers = np.delete(shares, runs.layers, axis=1)
    scale = max(float(some.above_w.mean()) / max(float(1 - layers[:, -1].mean()), 0.05), 1e-3)
    quiet = noise_w if np.isfinite(noise_w) else 0.02 * scale
    noise = np.hypot(quiet, USUAL_JITTER * 2 * scale) / scale
    gram = layers.T @ layers * (len(samples) / len(some) / noise**2)
    pause = gram[:-1, -1:] @ gram[-1:, :-1] / max(float(gram[-1, -1]), 1e-12)
    overlaps = (shares[:, : runs.layers] > 1e-9).mean(axis=0) * len(samples)
    return Forecast(gram[:-1, :-1] - pause, runs.mean_s / runs.mean_s.sum(), overlaps)
