"""The whole of least-squares attribution: timing, drift, powers, doubt, merging."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.attribution.design import design
from edgeprofiler.attribution.doubt import Groups, Posterior, merge, posterior
from edgeprofiler.attribution.drift import Drift, estimate_drift
from edgeprofiler.attribution.fit import Basis, Fit, Samples, best_texture, cut, fit, solve
from edgeprofiler.attribution.intervals import Runs
from edgeprofiler.attribution.search import (
    SEARCHED,
    Found,
    coarse_timings,
    find_timing,
    limits_of,
    refine,
    slopes,
)
from edgeprofiler.attribution.timing import Timing
from edgeprofiler.network import FloatArray

MOST_SAMPLES = 40_000
"""Samples that powers are fitted to; more would cost memory and earn little."""

TIMING_SAMPLES = 15_000
"""Samples that the last refinement of the timing uses."""

LIMIT = 0.12
"""Largest standard error of a reported power, as a share of the mean power above the floor."""


@dataclass(frozen=True, eq=False)
class Solved:
    """Layer powers with all that a reader needs to judge them."""

    fit: Fit
    posterior: Posterior
    groups: Groups
    drift: Drift
    rivals: int
    fitted: tuple[str, ...]
    """Names of the timings that were fitted."""
    mean_above_w: float
    """Mean power above the floor while layers run."""

    @property
    def within_layer_w(self) -> float:
        """Standard deviation of power within layers that the samples call for."""
        return float(np.sqrt(self.fit.basis.texture) * self.fit.residual_w)


def solve_layers(
    runs: Runs, samples: Samples, period_s: float, base: Timing, *, known: bool
) -> Solved:
    """Return the powers of all layers.

    Args:
        runs: when what ran.
        samples: distinct conversions.
        period_s: distance of two conversions.
        base: timing as far as it is known.
        known: whether `base` is the whole timing, so that none is fitted.
    """
    samples = samples.thinned(MOST_SAMPLES)
    names: tuple[str, ...] = ()
    plain = Basis.plain(runs.layers)
    if known:
        found = Found(base, ())
        first = fit(runs, samples, base, plain)
        drift = estimate_drift(runs, samples, first.matrix @ first.solution)
        timing = base
    else:
        starts = coarse_timings(runs, samples, period_s, base)
        first = fit(runs, samples, starts[0], plain)
        drift = estimate_drift(runs, samples, first.matrix @ first.solution)
        found = find_timing(runs, drift.flattened(samples), period_s, starts)
        first = fit(runs, samples, found.timing, plain)
        drift = estimate_drift(runs, samples, first.matrix @ first.solution)
        timing, names = _settled(runs, drift.flattened(samples), period_s, found.timing)
    flat = drift.flattened(samples)
    matrix = design(runs, flat.end_s, timing, cut(runs))
    basis = Basis(cut(runs))
    texture, gain = best_texture(matrix, flat, basis)
    if gain < 2:
        basis = plain
        best = fit(runs, flat, timing, plain)
    else:
        basis = replace(basis, texture=texture)
        best = solve(matrix, flat, timing, basis)
    del matrix
    slope = slopes(runs, flat, best, names)
    rivals = [_powers(runs, flat, replace(rival), basis) for rival in found.rivals]
    around = posterior(best, flat, slope, rivals)
    seconds = runs.duration_s.mean(axis=0)
    mean = float(around.mean[:-2] @ seconds / seconds.sum())
    groups = merge(around, seconds, LIMIT * abs(mean))
    return Solved(best, around, groups, drift, len(rivals), names, mean)


def _settled(
    runs: Runs, samples: Samples, period_s: float, timing: Timing
) -> tuple[Timing, tuple[str, ...]]:
    """Return the timing after its last refinement, with effects added that the samples show."""
    some = samples.thinned(TIMING_SAMPLES)
    plain, limits = Basis.plain(runs.layers), limits_of(period_s)
    names: tuple[str, ...] = SEARCHED
    if timing.time_constant_s > 0:
        names = (*names, "time_constant_s")
    if timing.slack_share > 0:
        names = (*names, "slack_share")
    best = refine(runs, some, timing, names, limits, plain, rounds=5)
    open_trials = {"time_constant_s": 0.2e-3, "blur_s": 20e-6}
    if timing.time_constant_s > 0:
        del open_trials["time_constant_s"]
    if timing.slack_share == 0 and float(np.abs(runs.slack_s).max(initial=0.0)) > 1e-6:
        open_trials["slack_share"] = 1.0
    while open_trials:
        tried = {
            name: refine(
                runs, some, best.timing.with_value(name, start), (*names, name), limits, plain, 5
            )
            for name, start in open_trials.items()
        }
        name = min(tried, key=lambda key: tried[key].cost)
        gain = (best.cost - tried[name].cost) / best.residual_w**2
        if gain < 9:  # three standard deviations
            break
        best, names = tried[name], (*names, name)
        del open_trials[name]
    return best.timing, names


def _powers(runs: Runs, samples: Samples, timing: Timing, basis: Basis) -> FloatArray:
    other = fit(runs, samples, timing, basis)
    return np.concatenate([other.above_w, [other.gap_w, other.between_w]])
