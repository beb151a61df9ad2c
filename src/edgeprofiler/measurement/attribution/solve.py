"""The whole of least-squares attribution: timing, drift, powers, doubt, merging."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.design import design
from edgeprofiler.measurement.attribution.doubt import (
    Groups,
    Posterior,
    edge_energy,
    merge,
    posterior,
)
from edgeprofiler.measurement.attribution.drift import Drift, estimate_drift
from edgeprofiler.measurement.attribution.fit import Basis, Fit, Samples, fit, solve, textured
from edgeprofiler.measurement.attribution.intervals import Runs
from edgeprofiler.measurement.attribution.search import (
    SEARCHED,
    Found,
    coarse_timings,
    find_timing,
    limits_of,
    refine,
    scan_near,
    slopes,
)
from edgeprofiler.measurement.attribution.timing import Timing

MOST_SAMPLES = 25_000
"""Samples that powers are fitted to; more would cost memory and earn little."""

TIMING_SAMPLES = 10_000
"""Samples that the last refinement of the timing uses."""

TEXTURED_SAMPLES = 6_000
"""The same where layers are cut into cells, which costs more and tells less of each."""

EVERY_OTHER = slice(None, None, 2)

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
    runs: Runs, samples: Samples, period_s: float, base: Timing, noise_w: float, *, known: bool
) -> Solved:
    """Return the powers of all layers.

    Args:
        runs: when what ran.
        samples: distinct conversions.
        period_s: distance of two conversions.
        base: timing as far as it is known.
        noise_w: of one conversion; NaN where unknown.
        known: whether `base` is the whole timing, so that none is fitted.
    """
    samples = samples.thinned(MOST_SAMPLES)
    names: tuple[str, ...] = ()
    plain = Basis.plain(runs.layers)
    if known:
        found = Found(base, ())
        timing = base
    else:
        if runs.pauses_hold(base.window_s):
            starts = coarse_timings(runs, samples, period_s, base)
            first = fit(runs, samples, starts[0], plain)
            drift = estimate_drift(runs, samples, first.matrix @ first.solution)
        else:
            # back to back, samples differ so little by place that drift would hide what does, and
            # a first timing may be too wrong to tell drift by
            even = np.full(len(samples), float(samples.above_w.mean()))
            drift = estimate_drift(runs, samples, even)
            starts = coarse_timings(runs, drift.flattened(samples), period_s, base)
        found = find_timing(runs, drift.flattened(samples), period_s, starts, noise_w)
        first = fit(runs, samples, found.timing, plain)
        drift = estimate_drift(runs, samples, first.matrix @ first.solution)
        timing, names = _settled(runs, drift.flattened(samples), period_s, found.timing, noise_w)
    first = fit(runs, samples, timing, plain)
    drift = estimate_drift(runs, samples, first.matrix @ first.solution)
    flat = drift.flattened(samples)
    basis = textured(runs, flat.thinned(TIMING_SAMPLES), timing, noise_w)
    if int(basis.cells.max()) == 1:
        best = solve(first.matrix, flat, timing, basis)
    else:
        best = fit(runs, flat, timing, basis)
    slope = slopes(runs, flat, best, names)
    rivals = [_powers(runs, flat, replace(rival), basis) for rival in found.rivals]
    if basis.texture > 0:  # cells of half the number show what their size does
        coarse = Basis(np.maximum((basis.cells + 1) // 2, 1), basis.texture)
        some = flat.take(EVERY_OTHER)
        fine = _all_powers(solve(best.matrix[EVERY_OTHER], some, timing, basis))
        rivals.append(_all_powers(best) + 2 * (_powers(runs, some, timing, coarse) - fine))
    around = posterior(best, flat, slope, rivals, noise_w)
    seconds = runs.duration_s.mean(axis=0)
    mean = float(around.mean[:-2] @ seconds / seconds.sum())
    groups = merge(around, seconds, LIMIT * abs(mean), edge_energy(best, seconds, noise_w))
    return Solved(best, around, groups, drift, len(found.rivals), names, mean)


def _settled(
    runs: Runs, samples: Samples, period_s: float, timing: Timing, noise_w: float
) -> tuple[Timing, tuple[str, ...]]:
    """Return the timing after its last refinement, with effects added that the samples show.

    Power that varies within layers looks like wrong timing, so both are weighed together.
    """
    limits = limits_of(period_s, runs.longest_gap_s)
    names: tuple[str, ...] = SEARCHED
    for name in ("time_constant_s", "slack_share"):
        if getattr(timing, name) > 0:
            names = (*names, name)
    some = samples.thinned(TIMING_SAMPLES)
    plain = Basis.plain(runs.layers)
    best = refine(runs, some, timing, names, limits, plain, rounds=4)
    for _ in range(2):
        near = scan_near(runs, some, best.timing, plain)
        trial = refine(runs, some, near, names, limits, plain, rounds=4)
        if trial.cost >= best.cost - best.residual_w**2:
            break
        best = trial
    for _ in range(2):
        basis = textured(runs, some, best.timing, noise_w)
        if int(basis.cells.max()) == 1:
            break
        some = some.thinned(TEXTURED_SAMPLES)
        best = refine(runs, some, best.timing, names, limits, basis, rounds=5)
    waiting = {"time_constant_s": 0.1e-3, "blur_s": 20e-6}
    if float(np.abs(runs.slack_s).max(initial=0.0)) > 1e-6:
        waiting["slack_share"] = 1.0
    waiting = {name: start for name, start in waiting.items() if name not in names}
    while waiting:
        known = np.concatenate([best.matrix, slopes(runs, some, best, names)], axis=1)
        promise = {n: _promise(runs, some, best, known, n, start) for n, start in waiting.items()}
        name = max(promise, key=lambda key: promise[key])
        start = waiting.pop(name)
        if promise[name] < ENOUGH:
            break
        more = (*names, name)
        begin = best.timing.with_value(name, start)
        trial = refine(runs, some, begin, more, limits, best.basis, rounds=5)
        if best.cost - trial.cost > ENOUGH * best.residual_w**2:
            best, names = trial, more
    # errors are told for all samples, so the timing must come from all of them
    rounds = 2 if best.basis.texture == 0 else 1
    last = refine(runs, samples, best.timing, names, limits, best.basis, rounds=rounds)
    return last.timing, names


ENOUGH = 9.0
"""Gain in residual, in units of its variance, for which an effect is added: three deviations."""


def _promise(
    runs: Runs, samples: Samples, best: Fit, known: FloatArray, name: str, value: float
) -> float:
    """Return how much a first step towards another effect would gain, in units of variance.

    `known` is what already explains the samples: shares, and slopes of the timing.
    """
    moved = design(runs, samples.end_s, best.timing.with_value(name, value), best.basis.cells)
    column = (moved - best.matrix) @ best.solution
    gram = known.T @ known
    states = best.basis.states
    gram[:states, :states] += best.basis.penalty()
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-12))
    moment = known.T @ column / scale
    inner = np.linalg.lstsq(gram / np.outer(scale, scale), moment, rcond=1e-10)[0]
    own = float(column @ column - moment @ inner)
    if own <= 0:
        return 0.0
    along = max(float(column @ best.residual), 0.0) if value > 0 else 0.0
    return along**2 / own / best.residual_w**2


def _powers(runs: Runs, samples: Samples, timing: Timing, basis: Basis) -> FloatArray:
    return _all_powers(fit(runs, samples, timing, basis))


def _all_powers(found: Fit) -> FloatArray:
    """Return powers of layers, gaps and pauses above the floor."""
    return np.concatenate([found.above_w, [found.gap_w, found.between_w]])
