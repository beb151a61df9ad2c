"""How much a recording tells of its layers, and whether its halves tell the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.attribution.fit import Fit, fit
from edgeprofiler.measurement.attribution.problem import Problem

LEAST_TOLD = 0.15
"""Least share of what layers differ by, beforehand, that must be known afterwards: with less,
layers are what others like them draw. A default chip tells 0.4 with 500 runs."""

MOST_BLURRED = 0.08
"""Largest error of runs' ends, as a share of a run, that may be blurred over. Stamps in steps of
milliseconds leave 0.3; callbacks that scatter by 20 us behind a run of a millisecond 0.02."""

OWN = 0.5
"""A layer's power is its own samples' where they leave less than this of what was open, and that
of layers like it otherwise."""

AGREED = 2.5
"""Halves whose mean square difference is so many deviations of chance too large disagree."""


@dataclass(frozen=True, eq=False)
class Doubt:
    """What stands behind the errors of layers."""

    told: float
    """Share of the variance between layers, weighted by time, that the samples took away."""
    own: FloatArray
    """The same of each layer; shape (layers,)."""
    halves: float
    """Mean square difference of what two halves of the session say, in units of its variance."""
    widened: float
    """Factor on errors, at least 1: for halves that disagree."""
    blurred: float
    """Standard deviation of the error of runs' ends, as a share of a run."""

    @property
    def says_nothing(self) -> bool:
        """Whether layers are as unknown as before."""
        return self.told < LEAST_TOLD or self.blurred > MOST_BLURRED


def doubt(problem: Problem, found: Fit) -> Doubt:
    """Return how much the samples told, and whether their halves agree."""
    layers, seconds = problem.runs.layers, problem.runs.mean_s
    weight = seconds / seconds.sum()
    inverse = np.linalg.inv(found.prior)
    after = _between(np.linalg.inv(found.information + inverse), weight)
    before = _between(found.prior, weight)
    own = 1 - after / np.maximum(before, 1e-12)
    told = 1 - float(weight @ after) / max(float(weight @ before), 1e-12)
    halves = _halves(problem, found)
    limit = 1 + AGREED * float(np.sqrt(2 / layers))
    widened = float(np.sqrt(halves / limit)) if halves > limit else 1.0
    blurred = found.noise.shift_s / float(problem.runs.total_s.mean())
    return Doubt(told, np.clip(own, 0.0, 1.0), halves, widened, blurred)


def _between(covariance: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the variance of each layer's difference from the layers' mean; shape (layers,)."""
    along = covariance @ weight
    return np.asarray(np.diag(covariance) - 2 * along + float(weight @ along))


def _halves(problem: Problem, found: Fit) -> float:
    """Return how far the first and the second half of the session are apart."""
    count = len(problem.samples)
    parts: list[IntArray] = np.array_split(np.arange(count), 2)
    if min(len(part) for part in parts) < 50:
        return 1.0
    means, variances = [], []
    for part in parts:
        half = fit(
            problem.with_samples(problem.samples.take(part)), found.timing, found.fitted,
            rounds=1, start=found, every=False,
        )  # fmt: skip
        # both are drawn to one prior, which is no difference between them
        belief = np.linalg.inv(half.information + np.linalg.inv(found.prior))
        means.append(belief @ half.moment + half.centre_w)
        variances.append(np.diag(belief @ half.information @ belief))
    apart = (means[0] - means[1]) ** 2
    return float(np.mean(apart / np.maximum(variances[0] + variances[1], 1e-12)))
