"""Where a sensor's window lies: looked for from coarse to fine, all places at once.

How long each layer had run up to a set of moments before every conversion, once computed, gives
any window between two of the moments by a difference, and the fit of layers' powers to it by a few
small sums. So every window on a grid is tried. Coarse grids take layers in blocks; finer ones
around the best places take layers one by one. Rails that smooth, values averaged from several
conversions, and polls that are late by anything up to a period are sums over the same moments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.attribution.problem import Mixture
from edgeprofiler.measurement.attribution.timing import Timing


@dataclass(frozen=True)
class Reach:
    """What is searched, each with what set it."""

    earliest_s: float = -1e-3
    """Least lag: stamps may be late, by a burst of callbacks for instance."""
    latest_s: float = 4e-3
    """Largest lag; a poll may be late by a period more where no clock is known."""
    longest_s: float = 9e-3
    """Longest window where no clock is known: the INA3221's slowest conversion takes 8.2 ms."""
    coarse_s: float = 0.1e-3
    """First grid: fits of blocks of layers change over a tenth of the usual window."""
    fine_s: float = 7e-6
    """Last grid: a quarter of a short layer, where slopes hold."""
    block_s: float = 0.4e-3
    """Layers are taken together up to this length at first, but in 6 blocks at least."""
    most_sums: int = 1400
    """Moments times blocks: a square of this size takes 0.2 s."""
    rails_s: tuple[float, ...] = (0.3e-3, 1e-3, 2e-3)
    """Time constants that are tried; a fit finds what lies between."""
    periods_s: tuple[float, ...] = (1.176e-3, 2.2e-3, 3.53e-3, 6.6e-3)
    """Periods of conversions that are tried where none is known: one to three channels of an
    INA3221 at its default and at what `fast` sets."""
    averages: tuple[int, ...] = (4, 16)
    """Conversions that a slow value may be the mean of, where the settings do not say."""
    averaged_from_s: float = 10e-3
    """A value that stands for longer than this may be such a mean."""
    gaps_s: tuple[float, ...] = (2.5e-6, 5e-6, 8e-6)
    """Pauses between layers for which windows are looked for anew on a coarse grid."""
    first_layer_s: float = 60e-6
    """By so much one pause that is tried moves a run's first layer more than the last one: fits of
    MobileNetV2, whose layers last 10 to 40 us, ended at the right pause from half of it away."""
    least_gap_s: float = 0.8e-6
    """Least step of pauses: stamps are microseconds."""
    hardly: float = 1.5
    """Places that leave no more than so much of what the best leaves are looked at with layers one
    by one before pauses are tried."""
    looked_at: int = 5
    """So many of these at most."""
    pauses: int = 2
    """Minima over pauses that are fitted."""
    plain: float = 1.02
    """A window alone is preferred unless it leaves so much more variance than something else."""
    kept: int = 8
    """Places of each kind that a coarse grid gives: with blocks of layers the right one may be
    fourth."""
    rivals: int = 6
    """Places that are looked at more finely."""
    alike: float = 0.15
    """Windows whose logarithms differ by less are one window's."""
    of_a_window: int = 3
    """Rivals with one window; the next two lags of it are often a layer off."""
    promising: float = 1.15
    """Rivals that leave no more than so much of the least, after one finer grid, get the next: it
    takes away a tenth at most."""
    level: float = 1.03
    """Places that leave no more than so much of what the best leaves are fitted too."""
    fitted: int = 3
    """Most places that are."""


@dataclass(frozen=True, eq=False)
class Place:
    """A timing, and the variance that it leaves."""

    left: float
    timing: Timing


@dataclass(frozen=True, eq=False)
class _Shape:
    """What one value integrates beside its window, and the operator that makes it on a grid."""

    timing: Timing
    matrix: FloatArray | None


def coarse(
    problem: Mixture, period_s: float | None, averaged: Iterable[int] = (), *,
    gap_s: float = 0.0, like: Timing | None = None, reach: Reach | None = None,
) -> list[Place]:  # fmt: skip
    """Return the best places on a coarse grid, the best first.

    Args:
        problem: what is to be explained.
        period_s: of the conversions' clock; `None` where none is known.
        averaged: numbers of conversions that a value may be the mean of, as settings say.
        gap_s: pause after each layer, where stamps do not tell it.
        like: a timing; what is neither of its kind nor a window alone is left out.
        reach: what is searched.
    """
    reach = reach or Reach()
    longest = reach.longest_s if period_s is None else 1.1 * period_s
    latest = reach.latest_s + (max(reach.periods_s) if period_s is None else 0.0)
    total = float(problem.runs.mean_s.sum())
    blocks = int(np.clip(total / reach.block_s, 6, 24))
    counts: list[int] = []
    if period_s is not None:
        counts = [n for n in averaged if n > 1] or (
            list(reach.averages) if period_s > reach.averaged_from_s else []
        )
    span = latest + longest - reach.earliest_s
    step = max(reach.coarse_s, span * blocks / reach.most_sums)
    if period_s is not None and counts:  # averaged windows must fall on the grid
        spacing = period_s / max(counts)
        step = spacing / math.ceil(spacing / step)
    moments: FloatArray = reach.earliest_s + step * np.arange(int(span / step) + 1.0)
    shapes = [_Shape(Timing(step), None)]
    shapes += [_rail(tau, moments.size, step) for tau in reach.rails_s]
    if period_s is None:
        shapes += [_late(late, moments.size, step) for late in reach.periods_s]
    else:
        shapes += [_comb(n, period_s / n, moments.size, step) for n in counts]
    timing = Timing(step, gap_s=gap_s)
    table = _Table.of(problem, moments, moments, blocks, timing)
    if like is not None:
        kinds = (_kind(Timing(step)), _kind(like))
        shapes = [shape for shape in shapes if _kind(shape.timing) in kinds]
    found = [place for shape in shapes for place in table.best(shape, keep=reach.kept)]
    found = [Place(place.left, place.timing.with_values({"gap_s": gap_s})) for place in found]
    return sorted(found, key=lambda place: place.left)


def finest(problem: Mixture, places: list[Place], reach: Reach | None = None) -> list[Place]:
    """Return the best places in the neighbourhood of some, on ever finer grids.

    The first is the best; others follow that leave hardly more, which a fit has to tell apart.
    """
    reach = reach or Reach()
    chosen = _rivals([p for p in places if p.left < 1.6 * places[0].left + 1e-12], reach)
    first = simplest(places, reach)
    if _is_plain(first.timing):
        chosen = [p for p in chosen if _is_plain(p.timing)] or [first]
    step = reach.coarse_s / 4
    rough = [_around(problem, place, step, reach) for place in chosen]
    least = reach.promising * min(place.left for place in rough)
    rough = [place for place in rough if place.left <= least]
    fine = (near(problem, place, reach, widest_s=step / 4) for place in rough)
    found = sorted(fine, key=lambda place: place.left)
    result: list[Place] = []
    for place in found:
        close = place.left <= reach.level * found[0].left
        if close and all(_apart(place.timing, other.timing) for other in result):
            result.append(place)
    return result[: reach.fitted]


def simplest(places: list[Place], reach: Reach | None = None) -> Place:
    """Return the best place, or the best window alone where that leaves hardly more.

    Args:
        places: the best first.
        reach: what hardly more is.
    """
    reach = reach or Reach()
    plain = [p for p in places if _is_plain(p.timing)]
    return plain[0] if plain and plain[0].left < reach.plain * places[0].left else places[0]


def _apart(one: Timing, other: Timing) -> bool:
    """Return whether a fit from one timing need not end where it ends from another."""
    moved = abs(one.lag_s - other.lag_s) + abs(one.window_s - other.window_s)
    return moved > APART_S or one.time_constant_s != other.time_constant_s


APART_S = 25e-6
"""Fits from timings that are nearer end at the same one: a short layer's length."""


def _rivals(places: list[Place], reach: Reach) -> list[Place]:
    """Return the best places, some of each window: neighbouring lags are mostly one optimum."""
    chosen: list[Place] = []
    for place in places:
        window = place.timing.window_s
        same = [c for c in chosen if abs(math.log(c.timing.window_s / window)) < reach.alike]
        if len(same) < reach.of_a_window:
            chosen.append(place)
    return chosen[: reach.rivals]


def near(
    problem: Mixture, place: Place, reach: Reach | None = None, *,
    widest_s: float | None = None,
) -> Place:  # fmt: skip
    """Return the best place around one, on ever finer grids.

    Args:
        problem: what is to be explained.
        place: in the middle.
        reach: what is searched.
        widest_s: step of the first grid, which goes five to each side.
    """
    reach = reach or Reach()
    step = reach.coarse_s / 4 if widest_s is None else widest_s
    least = reach.coarse_s / 4 if place.timing.late_s > 0 else reach.fine_s
    best = _around(problem, place, step, reach)
    while step > least:
        step /= 4
        best = _around(problem, best, step, reach)
    return best


def _around(
    problem: Mixture, place: Place, step: float, reach: Reach, most: int | None = None
) -> Place:
    """Return the best place on one grid around a place, with at most so many blocks of layers."""
    lag, window = place.timing.lag_s, place.timing.window_s
    grid: FloatArray = step * np.arange(-5.0, 6.0)
    most = most or (20 if step > reach.coarse_s / 8 else ONE_BY_ONE)
    blocks = _count(problem, most)
    shape = place.timing.with_values({"lag_s": 0.0})
    table = _Table.of(problem, lag + grid, lag + window + grid, blocks, shape)
    return table.best(_Shape(shape, None), keep=1)[0]


def with_pauses(
    problem: Mixture, like: Timing, longest_s: float, period_s: float | None,
    averaged: Iterable[int] = (), *, start: Timing | None = None, reach: Reach | None = None,
) -> list[Place]:  # fmt: skip
    """Return the best places with pauses between layers, the best first.

    A longer pause and a longer lag put the first layers of a run at the same places, so that what
    is left has many minima. Pauses are tried in steps that move a run's first layer by little more
    than its length; minima among them are given.

    Args:
        problem: what is to be explained.
        like: what one value integrates; its window and lag need not be right.
        longest_s: longest pause after each layer.
        period_s: of the conversions' clock; `None` where none is known.
        averaged: as of `coarse`.
        start: a timing with some pause whose window and lag are right for that; looked for anew
            for some pauses if `None`.
        reach: what is searched.
    """
    reach = reach or Reach()
    layers = problem.runs.layers
    step = min(max(reach.first_layer_s / layers, reach.least_gap_s), reach.gaps_s[0])
    gaps = step * np.arange(1.0, 2 * reach.gaps_s[-1] / step)
    anchors = np.array(reach.gaps_s)
    nearest = anchors[np.argmin(np.abs(gaps[:, None] - anchors), axis=1)]
    tried: list[Place] = []
    for anchor in reach.gaps_s:
        # half a distance to the neighbours goes to each; the last one reaches as far
        close = (nearest == anchor) & (gaps < anchor + reach.gaps_s[0]) & (gaps <= longest_s)
        if not close.any():
            continue
        begin = start
        if begin is None:
            # pauses that are left out look like a rail, so that a window alone may now be enough
            gap_s = min(anchor, longest_s)
            places = coarse(problem, period_s, averaged, gap_s=gap_s, like=like, reach=reach)
            begin = _one_by_one(problem, places, reach).timing
        seen = [begin]
        near_first = sorted(gaps[close].tolist(), key=lambda gap: abs(gap - begin.gap_s))
        row: list[Place] = []
        for gap in near_first:
            # layers lie earlier by all pauses behind them, on average by half of a run's
            last = min(seen, key=lambda timing: abs(timing.gap_s - gap))
            lag = last.lag_s + 0.5 * layers * (gap - last.gap_s)
            place = Place(math.inf, last.with_values({"gap_s": gap, "lag_s": lag}))
            row.append(_around(problem, place, reach.coarse_s / 4, reach, ONE_BY_ONE))
            seen.append(row[-1].timing)
        tried += sorted(row, key=lambda place: place.timing.gap_s)
    left = np.array([math.inf, *(place.left for place in tried), math.inf])
    low = (left[1:-1] <= left[:-2]) & (left[1:-1] <= left[2:])
    found = [place for place, is_low in zip(tried, low, strict=True) if is_low]
    return sorted(found, key=lambda place: place.left)[: reach.pauses]


def _one_by_one(problem: Mixture, places: list[Place], reach: Reach) -> Place:
    """Return the best of coarse places once layers are taken one by one.

    In blocks a lag that is several layers off may leave less, most of all where runs follow each
    other at once.
    """
    hardly = [p for p in places[: reach.looked_at] if p.left < reach.hardly * places[0].left]
    chosen = dict.fromkeys([simplest(places, reach), *hardly])
    found = (_around(problem, p, reach.coarse_s / 4, reach, ONE_BY_ONE) for p in chosen)
    return min(found, key=lambda place: place.left)


def _kind(timing: Timing) -> tuple[bool, int, bool]:
    return timing.time_constant_s > 0, timing.averaged, timing.late_s > 0


ONE_BY_ONE = 72
"""Layers that fine grids take one by one; sums grow with the square, so more go in blocks."""

TRIED_SAMPLES = 4000
"""Conversions by which one timing is told from another."""


def _left(problem: Mixture, timing: Timing) -> float:
    """Return the variance that one timing leaves, every layer with a power of its own."""
    shares = problem.shares(timing, 0.0)
    shares = np.delete(shares, problem.runs.layers, axis=1)
    shares -= shares.mean(axis=0)
    above = problem.samples.above_w - problem.samples.above_w.mean()
    along = shares.T @ above
    gram = shares.T @ shares + RIDGE * np.eye(shares.shape[1])
    left = float(above @ above) - float(along @ np.linalg.solve(gram, along))
    return float(left / above.size)


CHANNELS = (1, 2, 4, 6)
"""Conversions of a round that may be as long as the one that is seen: of a chip that converts
currents alone, or current and voltage of one to three channels."""

NATURAL = 0.08
"""Windows that differ by less from a round's part, in logarithm, are a chip's."""


def unnatural(timing: Timing, period_s: float) -> bool:
    """Return whether no chip with that period has such a window."""
    parts = [period_s / (timing.averaged * count) for count in CHANNELS]
    return all(abs(math.log(timing.window_s / part)) > NATURAL for part in parts)


def natural(problem: Mixture, timing: Timing, period_s: float) -> Place:
    """Return the best place with a window that a chip may have, all else as a timing has it."""
    reach = Reach()
    some = problem.with_samples(problem.samples.some(TRIED_SAMPLES))
    lags = np.arange(reach.earliest_s, reach.latest_s, reach.coarse_s).tolist()
    result = []
    for count in CHANNELS:
        window = period_s / (timing.averaged * count)
        tried = [timing.with_values({"window_s": window, "lag_s": lag}) for lag in lags]
        places = [Place(_left(some, one), one) for one in tried]
        result.append(near(problem, min(places, key=lambda place: place.left)))
    return min(result, key=lambda place: place.left)


def _is_plain(timing: Timing) -> bool:
    return timing.time_constant_s == 0 and timing.averaged == 1 and timing.late_s == 0


def _rail(tau: float, size: int, step: float) -> _Shape:
    ahead = (np.arange(size)[None, :] - np.arange(size)[:, None]) * step
    matrix = np.where(ahead >= 0, np.exp(-np.maximum(ahead, 0.0) / tau), 0.0)
    return _Shape(Timing(step, time_constant_s=tau), matrix / matrix.sum(axis=1, keepdims=True))


def _late(late: float, size: int, step: float) -> _Shape:
    ahead = (np.arange(size)[None, :] - np.arange(size)[:, None]) * step
    matrix = ((ahead >= 0) & (ahead < late)).astype(np.float64)
    return _Shape(Timing(step, late_s=late), matrix / matrix.sum(axis=1, keepdims=True))


def _comb(count: int, spacing: float, size: int, step: float) -> _Shape:
    matrix = np.zeros((size, size))
    for number in range(count):
        place = np.minimum(np.arange(size) + round(number * spacing / step), size - 1)
        matrix[np.arange(size), place] += 1 / count
    return _Shape(Timing(step, averaged=count, spacing_s=spacing), matrix)


SAMPLES = 2500
"""Conversions that a search looks at; a fit afterwards uses all."""

RIDGE = 2e-3
"""Draws blocks to their mean, as the prior does for powers and noise of usual size."""


@dataclass(frozen=True, eq=False)
class _Table:
    """Sums over the samples for windows between two sets of moments before each conversion."""

    late_s: FloatArray
    """Moments at which windows may end."""
    early_s: FloatArray
    """Moments at which windows may begin."""
    gram: FloatArray
    """Shape (moments, blocks, moments, blocks); of both sets if they differ."""
    moment: FloatArray
    """Shape (moments, blocks)."""
    square: float
    count: int

    @staticmethod
    def of(
        problem: Mixture, late: FloatArray, early: FloatArray, blocks: int, timing: Timing
    ) -> _Table:  # fmt: skip
        some = problem.with_samples(problem.samples.some(SAMPLES))
        schedule = problem.schedule(timing)
        runs, gap = problem.runs, schedule.gap_s
        pieces = _parts(runs.mean_s, blocks)
        if int(pieces.max()) > 1:
            runs, last = runs.split(pieces), np.cumsum(pieces) - 1
            gap = np.zeros(runs.layers)
            gap[last] = schedule.gap_s
        label = _blocks(runs.mean_s, blocks)
        count = int(label.max()) + 1
        if count < label.size:  # whole blocks cost less, and gaps within them matter little
            runs, gap = runs.joined(label, gap), np.zeros(count)
        if runs is not problem.runs:
            schedule = replace(schedule, runs=runs, gap_s=gap, extra_s=None)
        moments = late if late is early else np.concatenate([late, early])
        ends, places = some.ends_s(timing), timing.places()
        table = np.empty((ends.size, moments.size, count))
        for place, moment in enumerate(moments.tolist()):
            parts = [
                weight * schedule.lasted(ends - moment - shift)[:, :count]
                for weight, shift in places
            ]
            table[:, place] = parts[0] if len(parts) == 1 else np.sum(parts, axis=0)
        table -= table[:, :1].copy()
        flat = table.reshape(ends.size, -1)
        flat -= flat.mean(axis=0)
        above = some.samples.above_w - some.samples.above_w.mean()
        size = (moments.size, count)
        return _Table(
            late, early, (flat.T @ flat).reshape(*size, *size),
            (flat.T @ above).reshape(size), float(above @ above), ends.size,
        )  # fmt: skip

    def best(self, shape: _Shape, keep: int) -> list[Place]:
        """Return the places that leave less than their neighbours, the best few."""
        gram, moment, same = self.gram, self.moment, self.late_s is self.early_s
        if shape.matrix is not None:
            moment = shape.matrix @ moment
            gram = np.tensordot(shape.matrix, gram, axes=(1, 0))
            gram = np.tensordot(gram, shape.matrix, axes=(2, 1)).transpose(0, 1, 3, 2)
        ridge = np.eye(moment.shape[1]) * RIDGE
        left = np.full((self.late_s.size, self.early_s.size), np.inf)
        for one in range(self.late_s.size):
            window = self.early_s - self.late_s[one]
            other = np.flatnonzero(window > 50e-6)
            if not other.size:
                continue
            row = other if same else other + self.late_s.size
            length = window[other][:, None]
            inner = gram[row, :, row] - gram[row, :, one] - gram[one, :, row] + gram[one, :, one]
            along = (moment[one] - moment[row]) / length
            found = np.linalg.solve(inner / length[:, :, None] ** 2 + ridge, along[:, :, None])
            left[one, other] = self.square - (found[:, :, 0] * along).sum(axis=1)
        places = _minima(left)[:keep]
        return [
            Place(
                float(left[a, b]) / self.count,
                shape.timing.with_values(
                    {
                        "lag_s": float(self.late_s[a]),
                        "window_s": float(self.early_s[b] - self.late_s[a]),
                    }
                ),
            )
            for a, b in places
        ]


def _minima(left: FloatArray) -> list[tuple[int, int]]:
    """Return the places that leave no more than their four neighbours, the least first."""
    around = np.pad(left, 1, constant_values=np.inf)
    low = np.isfinite(left)
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        shifted = around[rows : rows + left.shape[0], columns : columns + left.shape[1]]
        low &= left <= shifted
    places = np.argwhere(low)
    order = np.argsort(left[low], kind="stable")
    return [(int(a), int(b)) for a, b in places[order]]


def _parts(seconds: FloatArray, blocks: int) -> IntArray:
    """Return in how many parts each layer is taken: long ones need not draw the same all along.

    A layer whose power rises at its start looks like a rail that smooths, or like another lag.
    """
    part = max(float(seconds.sum()) / blocks, Reach.block_s)
    return np.maximum(np.rint(seconds / part), 1).astype(np.int64)


def _count(problem: Mixture, most: int) -> int:
    """Return a number of blocks that takes layers one by one, and long ones in parts."""
    parts = int(float(problem.runs.mean_s.sum()) / Reach.block_s)
    return min(max(problem.runs.layers, parts), most)


def _blocks(seconds: FloatArray, count: int) -> IntArray:
    """Return a block for each layer, of neighbours, all blocks about equally long."""
    if count >= seconds.size:
        return np.arange(seconds.size)
    middle = np.cumsum(seconds) - 0.5 * seconds
    label = np.minimum((count * middle / seconds.sum()).astype(np.int64), count - 1)
    return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.int64)
