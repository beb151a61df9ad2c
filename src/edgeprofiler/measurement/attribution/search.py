"""The timing that leaves the least residual: a coarse look everywhere, then a local search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.design import designs, occupied
from edgeprofiler.measurement.attribution.fit import (
    Basis,
    Fit,
    Samples,
    costs,
    cut,
    fit,
    solve,
    textured,
)
from edgeprofiler.measurement.attribution.intervals import LONGEST_GAP_S, Runs
from edgeprofiler.measurement.attribution.timing import Timing

STEPS: dict[str, float] = {
    "window_s": 10e-6,
    "lag_s": 5e-6,
    "gap_s": 0.2e-6,
    "time_constant_s": 10e-6,
    "slack_share": 0.02,
    "blur_s": 10e-6,
}
"""Timing that can be fitted, with the step of its numerical derivative."""

WINDOWS_S = (0.3e-3, 0.6e-3, 1.1e-3, 2.2e-3, 4.4e-3)
"""Integration windows to start from; the chip has 0.14 to 8.2 ms in steps of about two."""

GAPS_S = (0.0, 3e-6, 6e-6, 12e-6, 20e-6)
"""Gaps between layers to start from."""

TIME_CONSTANTS_S = (0.3e-3, 1.2e-3)
"""Rail time constants to start from, beside none."""

LOOKED_AT = 1800
"""Samples that the coarse looks use."""

SWEPT = 1200
"""Samples by which runs back to back are swept for their timing."""

SWEEP_S = 75e-6
"""Step of the lag in that sweep."""

NOMINAL_S = 1.1e-3
"""A pause of this length shows the power between runs alone."""

UNLIKE_NOISE = 1.6
"""Residual in units of the sensor's noise from which a rail is considered in that sweep."""

VARYING_CELLS = 64
VARYING_TEXTURE = 10.0
"""Cells, and their variance in units of the residual's, that a search allows long layers."""

MOST_BLOCKS = 32
"""The same where layers are long, so that blocks of them would hide the window."""

LONG_LAYER = 0.3
"""Layers of this share of the window are long enough to show what happens within them."""

BLOCKS = 10
"""Blocks of layers that the first look tells apart."""

Candidate = tuple[float, Timing]
"""Cost of a fit and its timing."""

SEARCHED = ("window_s", "lag_s", "gap_s")


@dataclass(frozen=True, eq=False)
class Found:
    """The best timing, and others that explain the samples nearly as well."""

    timing: Timing
    rivals: tuple[Timing, ...]


def limits_of(period_s: float, gap_s: float = LONGEST_GAP_S) -> dict[str, tuple[float, float]]:
    """Return bounds of each timing."""
    return {
        "window_s": (50e-6, max(1.05 * period_s, 100e-6)),
        "lag_s": (-20e-3, 60e-3),
        "gap_s": (0.0, gap_s),
        "time_constant_s": (0.0, 20e-3),
        "slack_share": (0.0, 1.0),
        "blur_s": (0.0, 500e-6),
    }


def coarse_timings(runs: Runs, samples: Samples, period_s: float, base: Timing) -> list[Timing]:
    """Return the likeliest windows and lags (a few), with layers in blocks and no gaps."""
    some = samples.thinned(LOOKED_AT)
    count = MOST_BLOCKS if _long(runs, base) else BLOCKS
    place = np.cumsum(runs.duration_s.mean(axis=0))
    labels = np.minimum((place / place[-1] * count).astype(np.int64), count - 1)
    if count >= runs.layers:
        labels = np.arange(runs.layers)
    blocks = runs.grouped(labels)
    basis = Basis.plain(blocks.layers)
    limits = limits_of(_longest(period_s, base), runs.longest_gap_s * runs.layers / blocks.layers)
    names = ("window_s", "lag_s", "gap_s")
    found = [
        refine(blocks, some, timing, names, limits, basis, rounds=6)
        for timing in _on_grid(blocks, some, period_s, base, basis)
    ]
    found.sort(key=lambda trial: trial.cost)
    first = found[0]
    smooth = [
        refine(
            blocks,
            some,
            replace(first.timing, time_constant_s=constant, lag_s=first.timing.lag_s - constant),
            (*names, "time_constant_s"),
            limits,
            basis,
            rounds=5,
        )
        for constant in TIME_CONSTANTS_S
    ]
    smoothest = min(smooth, key=lambda trial: trial.cost)
    ratio = blocks.layers / runs.layers  # a gap between blocks stands for those within them
    # blocks are coarse themselves, and power that varies within long layers looks like a rail
    # too: only a marked gain speaks for one
    marked = 0.97 if blocks.layers < runs.layers else 0.85
    if smoothest.cost < marked * first.cost and smoothest.timing.time_constant_s > 0.1e-3:
        # what looks like a rail may be a wrong window, so the best without one stays in the race
        return [_thinner(timing, ratio) for timing in (smoothest.timing, first.timing)]
    others = [
        other.timing
        for other in found[1:]
        if other.cost < 1.02 * first.cost
        and (
            abs(other.timing.lag_s - first.timing.lag_s) > 0.2e-3
            or abs(other.timing.window_s / first.timing.window_s - 1) > 0.2
        )
    ]
    return [_thinner(timing, ratio) for timing in (first.timing, *others[:1])]


def _thinner(timing: Timing, ratio: float) -> Timing:
    return replace(timing, gap_s=timing.gap_s * ratio)


def _longest(period_s: float, base: Timing) -> float:
    return base.spacing_s if base.averaged > 1 else period_s


def _on_grid(
    blocks: Runs, samples: Samples, period_s: float, base: Timing, basis: Basis
) -> list[Timing]:
    """Return the best lag of each window; occupancy is computed once for a grid of moments."""
    step = float(np.clip(np.median(blocks.total_s) / 12, 0.1e-3, 0.4e-3))
    longest = _longest(period_s, base)
    windows = {max(round(w / step), 1) for w in (*WINDOWS_S, longest) if w <= 1.02 * longest}
    shifts = [(weight, round(shift / step)) for weight, shift in base.places()]
    first = -int(2e-3 / step)
    lags = int(max(2 * longest, 8e-3) / step) - first
    count = lags + max(windows) + max(shift for _, shift in shifts) + 1
    moments = (first + np.arange(count)) * step
    times = (samples.end_s - moments[:, None]).ravel()
    table = occupied(blocks, times, replace(base, gap_s=0.0, blur_s=0.0))
    table = table.reshape(count, len(samples), -1)
    result = []
    for window in sorted(windows):
        costs = []
        for lag in range(lags):
            shares = sum(
                (table[lag + s] - table[lag + s + window]) * (weight / (window * step))
                for weight, s in shifts
            )
            costs.append(solve(np.asarray(shares), samples, base, basis).cost)
        lag_s = float(moments[int(np.argmin(costs))])
        result.append(replace(base, window_s=window * step, lag_s=lag_s))
    return result


def find_timing(
    runs: Runs, samples: Samples, period_s: float, starts: list[Timing], noise_w: float
) -> Found:
    """Return the best window, lag and gap near the starts, with constant power within layers."""
    some = samples.thinned(7000)
    basis = Basis.plain(runs.layers)
    limits = limits_of(_longest(period_s, starts[0]), runs.longest_gap_s)
    few = samples.thinned(LOOKED_AT)
    swept = not runs.pauses_hold(NOMINAL_S)
    if swept:
        starts = _swept(runs, few, starts, limits, noise_w)
    else:
        starts = _reconsidered(runs, few, starts, basis, limits["window_s"][1])
    if swept or _varies(runs, few, starts[0], noise_w):
        basis, some = Basis(cut(runs, VARYING_CELLS), VARYING_TEXTURE), some.thinned(4000)
    candidates = [c for start in starts for c in _aligned(runs, some.thinned(2500), start, basis)]
    refined = [
        refine(runs, some, timing, _names(timing), limits, basis, rounds=4)
        for timing in _best_of_each_gap(candidates)
    ]
    refined = _weighed_with_texture(runs, some.thinned(4000), refined, limits, noise_w)
    refined.sort(key=lambda found: found.cost)
    best = refined[0]
    scale = len(samples) / len(best.residual) / best.residual_w**2
    likely = [
        (found.cost, found.timing)
        for found in refined
        if (found.cost - best.cost) * scale < 12  # likelier than one in four hundred
    ]
    rivals = _apart(likely)[1:]
    return Found(best.timing, tuple(rivals))


def _names(timing: Timing) -> tuple[str, ...]:
    """Return what is searched near a start: a rail's time constant only where it has one."""
    return (*SEARCHED, "time_constant_s") if timing.time_constant_s > 0 else SEARCHED


def _long(runs: Runs, timing: Timing) -> bool:
    """Return whether most of the time goes to layers that are long against the window."""
    mean = runs.duration_s.mean(axis=0)
    return float((mean**2).sum() / mean.sum()) > LONG_LAYER * timing.window_s


def _varies(runs: Runs, samples: Samples, timing: Timing, noise_w: float) -> bool:
    """Return whether power seems to vary within layers long enough for windows to show it."""
    if not np.isfinite(noise_w) or not _long(runs, timing):
        return False
    return fit(runs, samples, timing, Basis.plain(runs.layers)).residual_w > 1.5 * noise_w


def _best_of_each_gap(candidates: list[Candidate]) -> list[Timing]:
    """Return the best timing of every gap, best first; the hopeless ones are left out.

    With and without a rail are told apart.
    """
    ranked = sorted(candidates, key=lambda pair: pair[0])
    chosen: dict[tuple[float, bool], Candidate] = {}
    for cost, timing in ranked:
        if cost < 1.5 * ranked[0][0]:
            chosen.setdefault((timing.gap_s, timing.time_constant_s > 0), (cost, timing))
    return [timing for _, timing in chosen.values()]


def _weighed_with_texture(
    runs: Runs,
    samples: Samples,
    refined: list[Fit],
    limits: dict[str, tuple[float, float]],
    noise_w: float,
) -> list[Fit]:
    """Return fits that allow for power varying within layers, where the samples call for it.

    With long layers and little noise such variation can outweigh a wrong gap.
    """
    best = min(refined, key=lambda found: found.cost)
    if best.basis.texture > 0:
        return refined
    basis = textured(runs, samples, best.timing, noise_w)
    timings = _apart([(found.cost, found.timing) for found in refined])
    if basis.texture == 0 or len(timings) == 1:
        return refined
    return [
        refine(runs, samples, timing, _names(timing), limits, basis, rounds=4) for timing in timings
    ]


def scan_near(runs: Runs, samples: Samples, timing: Timing, basis: Basis) -> Timing:
    """Return the best timing on a fine grid of lags and gaps around one.

    The residual has many small valleys there, as edges of layers pass each other; a local
    search ends in the first of them.
    """
    trials = []
    for gap_step in np.arange(-4, 5) * 0.4e-6:
        gap = timing.gap_s + float(gap_step)
        if not 0 <= gap <= runs.longest_gap_s:
            continue
        for shift in np.arange(-4, 5) * 4e-6:
            lag = timing.lag_s - 0.5 * runs.layers * float(gap_step) + float(shift)
            trials.append(replace(timing, gap_s=gap, lag_s=lag))
    return min(costs(runs, samples, trials, basis), key=lambda pair: pair[0])[1]


def _dense(runs: Runs) -> bool:
    """Return whether layers run most of the time, without pauses that tell runs apart."""
    return float(np.median(np.diff(runs.end_s))) < 1.6 * float(np.median(runs.total_s))


def _reconsidered(
    runs: Runs, samples: Samples, starts: list[Timing], basis: Basis, longest_s: float
) -> list[Timing]:
    """Return the two best windows and lags around the starts, now with every layer told apart.

    Where runs follow each other without pauses, any part of the cycle may be right.
    """
    lengths = runs.duration_s.mean(axis=0)
    reach = 0.5e-3
    if _dense(runs):
        reach = max(reach, 0.55 * float(np.median(np.diff(runs.end_s))))
    step = max(float(np.clip(np.median(lengths) / 2.5, 15e-6, 150e-6)), reach / 50)
    trials = []
    for start in starts:
        windows = {start.window_s, *(w for w in WINDOWS_S if 0.4 < w / start.window_s < 2.5)}
        variants = [(0.0, 0.0), (6e-6, 0.0)]
        if float(np.abs(runs.slack_s).max(initial=0.0)) > 1e-6:
            variants.append((6e-6, 1.0))
        for gap, slack in variants:
            centre = start.lag_s - 0.5 * runs.layers * (gap - start.gap_s)
            base = replace(start, gap_s=gap, slack_share=slack)
            for lag in np.arange(centre - reach, centre + reach, step).tolist():
                for window in windows:
                    if window > longest_s:
                        continue
                    # a longer window keeps its middle where it was
                    middle = lag - 0.5 * (window - start.window_s)
                    trials.append(replace(base, window_s=window, lag_s=middle))
    found = sorted(costs(runs, samples, trials, basis), key=lambda pair: pair[0])
    best = found[0][1]
    for _, timing in found[1:]:
        if (timing.time_constant_s > 0) != (best.time_constant_s > 0):
            return [best, timing]
    for _, timing in found[1:]:
        if abs(timing.window_s / best.window_s - 1) > 0.1 or (
            abs(timing.lag_s - best.lag_s) > 8 * step
        ):
            return [best, timing]
    return [best]


def _swept(
    runs: Runs,
    samples: Samples,
    starts: list[Timing],
    limits: dict[str, tuple[float, float]],
    noise_w: float,
) -> list[Timing]:
    """Return the best timing of runs back to back (and one that is nearly as good).

    No pause tells there where a run ends, samples are much alike, and power that varies within
    layers counts as much as the place of a window: layers in blocks with constant powers are led
    astray. So all windows and lags are tried with layers in cells, and the best refined.
    """
    basis = Basis(cut(runs, VARYING_CELLS), VARYING_TEXTURE)
    share = 1.0 if float(np.abs(runs.slack_s).max(initial=0.0)) > 1e-6 else 0.0
    few = samples.thinned(SWEPT)
    gap = min(0.5 * runs.longest_gap_s, 5e-6)
    longest = max(5e-3, 1.2 * max(start.lag_s for start in starts))
    trials = []
    for window in WINDOWS_S:
        if window > limits["window_s"][1]:
            continue
        for lag in np.arange(-0.5e-3, longest, SWEEP_S).tolist():
            timing = replace(
                starts[0], window_s=window, lag_s=lag, gap_s=gap,
                slack_share=share, time_constant_s=0.0,
            )  # fmt: skip
            trials.append(timing)
    chosen: list[Timing] = []
    for _, timing in sorted(costs(runs, few, trials, basis), key=lambda pair: pair[0]):
        if all(
            abs(timing.lag_s - other.lag_s) > 1.5 * SWEEP_S or timing.window_s != other.window_s
            for other in chosen
        ):
            chosen.append(timing)
        if len(chosen) == 5:
            break
    found = [refine(runs, samples, t, SEARCHED, limits, basis, rounds=5) for t in chosen]
    if not min(trial.residual_w for trial in found) < UNLIKE_NOISE * noise_w:
        found += [
            refine(runs, samples, replace(t, slack_share=share), _names(t), limits, basis, rounds=4)
            for t in starts
        ]
    found.sort(key=lambda trial: trial.cost)
    best = found[0]
    near = [trial.timing for trial in found if trial.cost < 1.1 * best.cost]
    return _apart([(float(n), timing) for n, timing in enumerate(near)])[:2]


def _aligned(runs: Runs, samples: Samples, start: Timing, basis: Basis) -> list[Candidate]:
    """Return costs of lags and gaps around a start; the middle of a run stays where it is."""
    lengths = runs.duration_s.mean(axis=0)
    step = float(np.clip(np.median(lengths) / 5, 8e-6, 60e-6))
    trials = []
    for gap in sorted({min(gap, runs.longest_gap_s) for gap in GAPS_S}):
        centre = start.lag_s - 0.5 * runs.layers * (gap - start.gap_s)
        shifts = (np.arange(-8, 9) * step).tolist()
        trials += [replace(start, gap_s=gap, lag_s=centre + shift) for shift in shifts]
    return list(costs(runs, samples, trials, basis))


def _apart(candidates: list[Candidate]) -> list[Timing]:
    """Return timings, best first, that differ in lag or gap from all better ones."""
    chosen: list[Timing] = []
    for _, timing in sorted(candidates, key=lambda pair: pair[0]):
        if all(
            abs(timing.lag_s - other.lag_s) > 12e-6 or abs(timing.gap_s - other.gap_s) > 2e-6
            for other in chosen
        ):
            chosen.append(timing)
    return chosen


def slopes(runs: Runs, samples: Samples, found: Fit, names: tuple[str, ...]) -> FloatArray:
    """Return the change of the prediction with each timing; shape (samples, names)."""
    base = found.matrix @ found.solution
    steps = [STEPS[name] for name in names]
    if "slack_share" in names and found.timing.slack_share > 0.9:
        steps[names.index("slack_share")] *= -1
    moved = [
        found.timing.with_value(name, getattr(found.timing, name) + step)
        for name, step in zip(names, steps, strict=True)
    ]
    result = np.empty((len(samples), len(names)))
    for place, shares in enumerate(designs(runs, samples.end_s, moved, found.basis.cells)):
        result[:, place] = (shares @ found.solution - base) / steps[place]
    return result


def refine(
    runs: Runs,
    samples: Samples,
    timing: Timing,
    names: tuple[str, ...],
    limits: dict[str, tuple[float, float]],
    basis: Basis,
    rounds: int = 10,
) -> Fit:
    """Return the fit at the timing that a local search reaches (Gauss and Newton, damped).

    Each round solves for powers and a step of the timing together, on the full residual.
    """
    best = fit(runs, samples, timing, basis)
    damping = 1e-4
    for _ in range(rounds):
        step = _step(best, slopes(runs, samples, best, names))
        gain = 0.0
        for _ in range(5):
            moved = best.timing
            for name, change in zip(names, step(damping), strict=True):
                value = float(np.clip(getattr(best.timing, name) + change, *limits[name]))
                moved = moved.with_value(name, value)
            trial = fit(runs, samples, moved, basis)
            if trial.cost < best.cost:
                gain = best.cost - trial.cost
                best, damping = trial, max(damping / 10, 1e-6)
                break
            damping = min(damping * 20, 1e4)
        if gain < 1e-6 * best.cost:
            break
    return best


def _step(best: Fit, slope: FloatArray) -> Callable[[float], FloatArray]:
    """Return the step of the timing as a function of the damping."""
    used = best.solution != 0
    penalty = best.basis.penalty()[np.ix_(used, used)]
    full = np.concatenate([best.matrix[:, used], slope], axis=1)
    count = int(used.sum())
    gram, moment = full.T @ full, full.T @ best.residual
    gram[:count, :count] += penalty
    moment[:count] -= penalty @ best.solution[used]
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    gram, moment = gram / np.outer(scale, scale), moment / scale

    def step(damping: float) -> FloatArray:
        ridge = np.where(np.arange(len(moment)) >= count, damping, 0.0)
        solution = np.linalg.lstsq(gram + np.diag(ridge), moment, rcond=1e-10)[0]
        return np.asarray((solution / scale)[count:])

    return step
