"""How much a recording tells of its layers, and whether its halves tell the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.cycles import SHIFT
from edgeprofiler.measurement.attribution.fit import Fit
from edgeprofiler.measurement.attribution.problem import Mixture

LEAST_TOLD = 0.15
"""Least share of what layers differ by, beforehand, that must be known afterwards: with less,
layers are what others like them draw. A default chip tells 0.4 with 500 runs."""

MOST_BLURRED = 0.05
"""Largest error of runs' ends, as a share of a run, that may be blurred over. Stamps in steps of
milliseconds leave 0.3; callbacks that scatter by 20 us behind a run of a millisecond 0.02. With
0.055 errors were 1.3 times what they were said to be, with 0.11 up to eight times."""

USUAL_FACTOR = 0.03
"""Power from run to run that boards show, relative; what exceeds it counts as wrong ends."""

OWN = 0.5
"""A layer's power is its own samples' where they leave less than this of what was open, and that
of layers like it otherwise."""

AGREED = 2.5
"""Halves whose mean square difference is so many deviations of chance too large disagree."""

MOST_APART = 4.0
"""Largest mean square difference of halves that errors are widened for. It was 1.9 at most in 50
simulated recordings whose effects a fit knows, and 5.5 where long layers that vary lay behind a
rail: there powers were wrong by more than any widening."""


@dataclass(frozen=True, eq=False)
class LayerDoubt:
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
    """Standard deviation of the error of runs' ends, as a share of a run: as fitted, or as large as
    all that is left over would need, if that is more."""

    @property
    def contradicts(self) -> bool:
        """Whether halves of the session disagree by more than unknown effects of usual size do."""
        return self.halves > MOST_APART

    @property
    def says_nothing(self) -> bool:
        """Whether layers are as unknown as before, or what was found contradicts itself."""
        return self.told < LEAST_TOLD or self.blurred > MOST_BLURRED or self.contradicts


def doubt(problem: Mixture, found: Fit, noise_w: float) -> LayerDoubt:
    """Return how much the samples told, and whether their halves agree.

    Args:
        problem: what was to be explained.
        found: powers and timing.
        noise_w: standard deviation of one conversion at rest; NaN where it is unknown.
    """
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
    wrong = max(found.noise.shift_s, _unexplained(problem, found, noise_w))
    blurred = wrong / float(problem.runs.total_s.mean())
    return LayerDoubt(told, np.clip(own, 0.0, 1.0), halves, widened, blurred)


def _unexplained(problem: Mixture, found: Fit, noise_w: float) -> float:
    """Return the error of runs' ends that would explain what else is left over, in seconds.

    Ends that are off by more than a layer move power in ways that the fit takes for noise or for
    power that varies from run to run. A quiet sensor and a usual board show that it is neither.
    """
    noise = found.noise
    rest = noise_w**2 if np.isfinite(noise_w) else noise.sensor
    usual = noise.spread.copy()
    usual[:SHIFT] = np.minimum(usual[:SHIFT], USUAL_FACTOR**2)
    usual[SHIFT] = 0.0
    cycles = problem.cycles(problem.edges(found.timing, found.mean_w, found.blur_s))
    explained = float(np.mean(rest + cycles.variance(usual)))
    left = max(float(np.mean(noise.variance(cycles))) - explained, 0.0)
    per_us2 = float(np.mean((cycles.effect[:, :, SHIFT] ** 2).sum(axis=1)))
    return float(np.sqrt(left / max(per_us2, 1e-18))) * 1e-6


def _between(covariance: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the variance of each layer's difference from the layers' mean; shape (layers,)."""
    along = covariance @ weight
    return np.asarray(np.diag(covariance) - 2 * along + float(weight @ along))


def _halves(problem: Mixture, found: Fit) -> float:
    """Return how far the first and the second half of the session are apart."""
    if len(problem.samples) < 100:
        return 1.0
    means, variances = [], []
    for information, moment in found.halves:
        # both are drawn to one prior, which is no difference between them
        belief = np.linalg.inv(information + np.linalg.inv(found.prior))
        means.append(belief @ moment)
        variances.append(np.diag(belief @ information @ belief))
    error = np.sqrt(np.maximum(variances[0] + variances[1], 1e-12))
    return _beyond_drift((means[0] - means[1]) / error, error, found.mean_w)


def _beyond_drift(apart: FloatArray, error: FloatArray, power: FloatArray) -> float:
    """Return the mean square of differences but for what slow drift makes of them.

    Boards warm: all power rises a little, and that of what runs by a share. The fit of the whole
    session follows this; each half has a mean of its own, which is no error of either.

    Args:
        apart: differences of layers, in units of their errors.
        error: those errors; shape (layers,).
        power: of layers, gaps, between runs; shape (states,).
    """
    layers = apart.size
    if layers < 5:  # too few to tell drift from anything else
        return float(np.mean(apart**2))
    basis = np.column_stack([np.ones(layers), power[:layers] - power[-1]]) / error[:, None]
    left = apart - basis @ np.linalg.lstsq(basis, apart, rcond=None)[0]
    return float((left**2).sum() / (layers - 2))
