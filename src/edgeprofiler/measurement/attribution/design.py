"""The share of each conversion's integration window that each layer ran in.

Column k of a design is layer k, or one of the equal cells that layers are cut into; two more
are the gaps within a run and the time between runs. Rows sum to one. Behind a rail that smooths
power with a time constant, shares are smoothed too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.attribution.intervals import Runs
from edgeprofiler.measurement.attribution.timing import Timing

CHUNK = 32_768
"""Shares that are computed at once: few enough for temporaries to stay in a core's own cache."""

FORGOTTEN = 1e-9
"""Share of a smoothed power that no longer counts."""


def design(
    runs: Runs, ends_s: FloatArray, timing: Timing, cells: IntArray | None = None
) -> FloatArray:
    """Return the shares of every conversion, shape (conversions, cells + 2).

    Args:
        runs: when what ran.
        ends_s: when each conversion's value became readable, in the runs' clock.
        timing: of the sensor against that clock.
        cells: number of equal pieces that each layer is cut into, each with a column of its
            own; shape (layers,). One each if `None`.
    """
    return next(designs(runs, ends_s, [timing], cells))


def designs(
    runs: Runs, ends_s: FloatArray, timings: list[Timing], cells: IntArray | None = None
) -> Iterator[FloatArray]:
    """Yield the design of each timing; cheaper than one by one where they differ in place only.

    Designs of successive timings that differ in no more than window, lag and blur are in memory
    together.
    """
    counts = np.ones(runs.layers, dtype=np.int64) if cells is None else cells
    for inner, group in groupby(timings, _inner):
        states = _states(runs, inner, tuple(counts.tolist()))
        alike = list(group)
        tables = [np.zeros((ends_s.size, states.columns)) for _ in alike]
        for chunk in _chunks(tables[0]):
            near: _Cells | None = None
            for timing, shares in zip(alike, tables, strict=True):
                for weight, shift in timing.places():
                    last = ends_s[chunk] - (timing.lag_s + shift)
                    near = states.cells_at(last, near)
                    part = states.between(last - timing.window_s, last, near)
                    part *= weight / timing.window_s
                    shares[chunk] += part
        yield from tables


def _chunks(table: FloatArray) -> Iterator[slice]:
    rows, columns = table.shape
    size = max(CHUNK // columns, 1)
    return (slice(first, first + size) for first in range(0, rows, size))


def occupied(runs: Runs, times_s: FloatArray, timing: Timing) -> FloatArray:
    """Return how long each state had lasted at each time; shape (times, layers + 2)."""
    states = _states(runs, _inner(timing), (1,) * runs.layers)
    result = np.empty((times_s.size, states.columns))
    for chunk in _chunks(result):
        result[chunk] = states.until(times_s[chunk])
    return result


def _inner(timing: Timing) -> Timing:
    """Return what of a timing decides the states; where the window lies does not."""
    return replace(timing, window_s=0.0, lag_s=0.0, blur_s=0.0)


@lru_cache(maxsize=1)  # searches move the window over the same states, and rails cost much
def _states(runs: Runs, timing: Timing, cells: tuple[int, ...]) -> _States:
    return _States.of(runs, timing, np.array(cells, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class _Cells:
    """Where the cells of some runs lie; shapes (runs, cells)."""

    run: IntArray
    offset_s: FloatArray
    """Start of each cell after its run's start."""
    duration_s: FloatArray
    past_s: FloatArray
    """Sum of the durations of this cell in all earlier runs."""
    left: FloatArray | None
    """Smoothed indicators that earlier runs left at each run's start; `None` without a rail."""

    def put(self, rows: IntArray, cells: _Cells) -> None:
        """Replace some rows."""
        self.run[rows] = cells.run
        self.offset_s[rows] = cells.offset_s
        self.duration_s[rows] = cells.duration_s
        self.past_s[rows] = cells.past_s
        if self.left is not None and cells.left is not None:
            self.left[rows] = cells.left


@dataclass(frozen=True, eq=False)
class _States:
    """How long each state had lasted up to any time."""

    runs: Runs
    timing: Timing
    cells: IntArray
    """Of each layer."""
    piece: FloatArray
    """Place of each cell in its layer."""
    gap_s: FloatArray
    """After each layer of each run."""
    start_s: FloatArray
    """Of the first layer of each run."""
    length_s: FloatArray
    """From there to the end of the last gap."""
    past_s: FloatArray
    """Sum of the lengths of all earlier runs."""
    carried: FloatArray | None
    """Smoothed indicator of running at the start of each run; `None` without a rail."""
    carried_cells: FloatArray | None
    """The same of each cell; `None` too where no more than the run before is still felt."""

    @staticmethod
    def of(runs: Runs, timing: Timing, cells: IntArray) -> _States:
        piece = np.arange(float(cells.sum())) - np.repeat(np.cumsum(cells) - cells, cells)
        gap = np.full(len(runs), timing.gap_s)
        if timing.slack_share:
            gap = np.maximum(gap + timing.slack_share / runs.layers * runs.slack_s, 0.0)
        length = runs.total_s + runs.layers * gap
        past = np.cumsum(length) - length
        start = runs.end_s - length
        states = _States(runs, timing, cells, piece, gap, start, length, past, None, None)
        if timing.time_constant_s <= 0:
            return states
        carried, carried_cells = states._carry()
        return replace(states, carried=carried, carried_cells=carried_cells)

    @property
    def columns(self) -> int:
        """Number of states: cells, gaps, between runs."""
        return self.piece.size + 2

    def _cells(self, run: IntArray) -> _Cells:
        offset, duration = self._places(run)
        past = self.runs.past_s.take(run, axis=0)
        if self.piece.size > self.runs.layers:
            past = np.repeat(past * (1.0 / self.cells), self.cells, axis=1)
        return _Cells(run, offset, duration, past, self._left(run))

    def _places(self, run: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return start after the run's start, and duration, of every cell of some runs."""
        runs = self.runs
        offset = runs.before_s.take(run, axis=0)
        offset += self.gap_s.take(run)[:, None] * np.arange(runs.layers)
        duration = runs.duration_s.take(run, axis=0)
        if self.piece.size > runs.layers:
            # rows stay together in memory so, as they do not by indexing columns
            offset = np.repeat(offset, self.cells, axis=1)
            duration = np.repeat(duration * (1.0 / self.cells), self.cells, axis=1)
            offset += self.piece * duration
        return offset, duration

    def _left(self, run: IntArray) -> FloatArray | None:
        """Return what cells of earlier runs left at the start of some runs."""
        if self.carried is None:
            return None
        if self.carried_cells is not None:
            return self.carried_cells.take(run, axis=0)
        left = self._leaves(np.maximum(run - 1, 0))
        left[run == 0] = 0.0
        return left

    def _leaves(self, run: IntArray) -> FloatArray:
        """Return what cells of some runs leave at the start of the next run."""
        tau = self.timing.time_constant_s
        offset, duration = self._places(run)
        distance = self.start_s[run + 1] - self.start_s[run]
        since = np.subtract(distance[:, None], offset, out=offset)
        left = _faded(np.subtract(since, duration, out=duration), tau)
        left -= _faded(since, tau)
        return left

    def _run_at(self, times_s: FloatArray) -> IntArray:
        """Return the run that was the last to start at each time."""
        return np.maximum(np.searchsorted(self.start_s, times_s, side="right") - 1, 0)

    def cells_at(self, times_s: FloatArray, near: _Cells | None = None) -> _Cells:
        """Return where the cells lie of the run that was the last to start at each time.

        `near`, of as many times not far from these, is changed to that if few runs differ.
        """
        run = self._run_at(times_s)
        if near is None:
            return self._cells(run)
        other = np.flatnonzero(run != near.run)
        if 2 * other.size > run.size:
            return self._cells(run)
        if other.size:
            near.put(other, self._cells(run[other]))
        return near

    def between(self, first_s: FloatArray, last_s: FloatArray, cells: _Cells) -> FloatArray:
        """Return the time each cell, the gaps and the pauses lasted from one time to another.

        `cells` are those at the last times.
        """
        result = self._lasted(cells, last_s)
        earlier = self._run_at(first_s)
        other = np.flatnonzero(cells.run != earlier)
        if 2 * other.size > earlier.size:
            result -= self._lasted(self._cells(earlier), first_s)
            return result
        before = self._lasted(cells, first_s)
        if other.size:
            before[other] = self._lasted(self._cells(earlier[other]), first_s[other])
        result -= before
        return result

    def until(self, times_s: FloatArray) -> FloatArray:
        """Return the time each cell, the gaps and the pauses had lasted at each time."""
        return self._lasted(self.cells_at(times_s), times_s)

    def _lasted(self, cells: _Cells, times_s: FloatArray) -> FloatArray:
        """Return the same where the last run to start, and its cells, are known."""
        count = self.piece.size
        since = times_s - self.start_s[cells.run]
        inside = since[:, None] - cells.offset_s
        result = np.empty((times_s.size, count + 2))
        table = result[:, :count]
        within = np.maximum(inside, 0.0, out=inside if self.carried is None else None)
        np.minimum(within, cells.duration_s, out=within)
        np.add(within, cells.past_s, out=table)
        running = np.clip(since, 0.0, self.length_s[cells.run])
        running += self.past_s[cells.run]
        if self.carried is not None:
            level, run_level = self._levels(cells, since, inside)
            level *= self.timing.time_constant_s
            table -= level
            running -= self.timing.time_constant_s * run_level
        result[:, count] = running - table.sum(axis=1)
        result[:, count + 1] = times_s - running
        return result

    def _levels(
        self, cells: _Cells, since: FloatArray, inside: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the smoothed indicators of each cell and of running at each time."""
        assert self.carried is not None
        assert cells.left is not None
        tau, run = self.timing.time_constant_s, cells.run
        fade = np.exp(-np.maximum(since, 0.0) / tau)
        level = cells.left * fade[:, None]
        level += _faded(inside - cells.duration_s, tau)
        level -= _faded(inside, tau)
        running = self.carried.take(run) * fade
        running += _faded(since - self.length_s[run], tau)
        running -= fade
        return level, running

    def _carry(self) -> tuple[FloatArray, FloatArray | None]:
        """Return what earlier runs left at the start of each run, by doubling a linear scan."""
        tau = self.timing.time_constant_s
        distance = np.diff(self.start_s)
        running = np.zeros(len(self.start_s))
        running[1:] = _faded(distance - self.length_s[:-1], tau)
        running[1:] -= np.exp(-distance / tau)
        keep = np.concatenate([[0.0], np.exp(-distance / tau)])
        if distance.size and float(keep.max()) <= FORGOTTEN:
            return running, None
        left = np.zeros((len(self.start_s), self.piece.size))
        for chunk in _chunks(left[1:]):
            run = np.arange(chunk.start, min(chunk.stop, distance.size))
            left[1:][chunk] = self._leaves(run)
        reach = 1
        while reach < len(left) and float(keep.max()) > FORGOTTEN:
            # from the last run backwards, so that none is changed before it was added elsewhere
            for chunk in reversed(list(_chunks(left[reach:]))):
                left[reach:][chunk] += keep[reach:][chunk, None] * left[:-reach][chunk]
            running[reach:] = running[reach:] + keep[reach:] * running[:-reach]
            keep[reach:] = keep[reach:] * keep[:-reach]
            keep[:reach] = 0.0
            reach *= 2
        return running, left


def _faded(time_s: FloatArray, time_constant_s: float) -> FloatArray:
    """Return how much of a step is still to come so long after it; overwrites the times."""
    np.maximum(time_s, 0.0, out=time_s)
    time_s /= -time_constant_s
    return np.exp(time_s, out=time_s)
