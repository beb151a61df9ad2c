"""Slow change of power during a session, taken out before layers are told apart.

Temperature adds leakage to everything; clocks scale what runs, and show in the durations too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.fit import Samples
from edgeprofiler.measurement.attribution.intervals import Runs

KNOTS = 16
"""Points in time between which drift is taken as linear."""

NEAR_RUNS = 100
"""Runs before and after whose mean duration tells the present clock."""


@dataclass(frozen=True, eq=False)
class Drift:
    """How far power moved over the session."""

    added_w: FloatArray
    """Power added to everything at each sample; mean 0."""
    factor: FloatArray
    """Factor on power above the floor of what runs at each sample; mean about 1."""

    def flattened(self, samples: Samples) -> Samples:
        """Return the samples as they would be with the session's mean power."""
        return Samples(
            samples.end_s, (samples.above_w - self.added_w) / self.factor, samples.floor_w
        )

    @property
    def added_range_w(self) -> float:
        """From the least to the most power added."""
        return float(np.ptp(self.added_w))

    @property
    def factor_range(self) -> float:
        """From the least to the greatest factor."""
        return float(np.ptp(self.factor))


def estimate_drift(runs: Runs, samples: Samples, predicted_w: FloatArray) -> Drift:
    """Return the drift that explains what a prediction with constant powers leaves over.

    Args:
        runs: for the durations, which move with the clocks.
        samples: distinct conversions.
        predicted_w: power above the floor at each sample with constant powers.
    """
    knots = max(min(KNOTS, len(samples) // 100), 1)
    place = np.linspace(0, knots - 1, len(samples)) if knots > 1 else np.zeros(len(samples))
    hats = np.maximum(1 - np.abs(place[:, None] - np.arange(knots)), 0.0)
    clock = _clock(runs, samples)
    parts = [hats, hats * predicted_w[:, None]]
    if float(np.abs(clock).max()) > 0:
        parts.append((clock * predicted_w)[:, None])
    table = np.concatenate(parts, axis=1)
    gram = table.T @ table
    gram += np.eye(len(gram)) * (1e-6 * float(np.diag(gram).max()))
    found = np.linalg.solve(gram, table.T @ (samples.above_w - predicted_w))
    added = hats @ found[:knots]
    factor = 1 + hats @ found[knots : 2 * knots] + clock * (found[-1] if len(parts) == 3 else 0.0)
    added = added - added.mean()
    weight = np.maximum(predicted_w, 0.0)
    total = float(weight.sum())
    if total > 0:
        factor = factor / (float((factor * weight).sum()) / total)
    return Drift(added, np.clip(factor, 0.3, 3.0))


def _clock(runs: Runs, samples: Samples) -> FloatArray:
    """Return how much shorter runs were than usual around each sample, in logarithm."""
    ratio = np.log(np.maximum(runs.total_s, 1e-12))
    sums = np.concatenate([[0.0], np.cumsum(ratio)])
    run = np.searchsorted(runs.end_s, samples.end_s)
    first, stop = np.maximum(run - NEAR_RUNS, 0), np.minimum(run + NEAR_RUNS, len(ratio))
    near = (sums[stop] - sums[first]) / np.maximum(stop - first, 1)
    return np.asarray(near.mean() - near)
