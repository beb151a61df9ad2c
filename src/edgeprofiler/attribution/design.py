"""The share of each conversion's integration window that each layer ran in.

Column k of a design is layer k, or one of the equal cells that layers are cut into; two more
are the gaps within a run and the time between runs. Rows sum to one. Behind a rail that smooths
power with a time constant, shares are smoothed too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from edgeprofiler.attribution.intervals import Runs
from edgeprofiler.attribution.timing import Timing
from edgeprofiler.network import FloatArray, IntArray

CHUNK = 32_768
"""Shares that are computed at once: few enough for temporaries to stay in a core's own cache."""


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
    counts = np.ones(runs.layers, dtype=np.int64) if cells is None else cells
    states = _states(runs, _inner(timing), tuple(counts.tolist()))
    shares = np.zeros((ends_s.size, states.columns))
    for weight, shift in timing.places():
        for chunk in _chunks(shares):
            last = ends_s[chunk] - (timing.lag_s + shift)
            part = states.between(last - timing.window_s, last)
            part *= weight / timing.window_s
            shares[chunk] += part
    return shares


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
    """Smoothed indicators of cells and of running, at the start of each run."""

    @staticmethod
    def of(runs: Runs, timing: Timing, cells: IntArray) -> _States:
        piece = np.arange(float(cells.sum())) - np.repeat(np.cumsum(cells) - cells, cells)
        gap = np.full(len(runs), timing.gap_s)
        if timing.slack_share:
            gap = np.maximum(gap + timing.slack_share / runs.layers * runs.slack_s, 0.0)
        length = runs.total_s + runs.layers * gap
        past = np.cumsum(length) - length
        start = runs.end_s - length
        states = _States(runs, timing, cells, piece, gap, start, length, past, None)
        if timing.time_constant_s <= 0:
            return states
        return replace(states, carried=states._carry())

    @property
    def columns(self) -> int:
        """Number of states: cells, gaps, between runs."""
        return self.piece.size + 2

    def _cells(self, run: IntArray) -> _Cells:
        runs = self.runs
        offset = runs.before_s.take(run, axis=0)
        offset += self.gap_s.take(run)[:, None] * np.arange(runs.layers)
        duration, past = runs.duration_s.take(run, axis=0), runs.past_s.take(run, axis=0)
        if self.piece.size > runs.layers:
            share = 1.0 / self.cells
            # rows stay together in memory so, as they do not by indexing columns
            offset = np.repeat(offset, self.cells, axis=1)
            duration = np.repeat(duration * share, self.cells, axis=1)
            past = np.repeat(past * share, self.cells, axis=1)
            offset += self.piece * duration
        return _Cells(run, offset, duration, past)

    def _run_at(self, times_s: FloatArray) -> IntArray:
        """Return the run that was the last to start at each time."""
        return np.maximum(np.searchsorted(self.start_s, times_s, side="right") - 1, 0)

    def between(self, first_s: FloatArray, last_s: FloatArray) -> FloatArray:
        """Return the time each cell, the gaps and the pauses lasted from one time to another."""
        run, earlier = self._run_at(last_s), self._run_at(first_s)
        cells = self._cells(run)
        result = self._lasted(cells, last_s)
        other = np.flatnonzero(run != earlier)
        if 2 * other.size > run.size:
            result -= self._lasted(self._cells(earlier), first_s)
            return result
        before = self._lasted(cells, first_s)
        if other.size:
            before[other] = self._lasted(self._cells(earlier[other]), first_s[other])
        result -= before
        return result

    def until(self, times_s: FloatArray) -> FloatArray:
        """Return the time each cell, the gaps and the pauses had lasted at each time."""
        return self._lasted(self._cells(self._run_at(times_s)), times_s)

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
            tau = self.timing.time_constant_s
            level = self._levels(cells, since, inside)
            table -= tau * level[:, :count]
            running -= tau * level[:, count]
        result[:, count] = running - table.sum(axis=1)
        result[:, count + 1] = times_s - running
        return result

    def _levels(self, cells: _Cells, since: FloatArray, inside: FloatArray) -> FloatArray:
        """Return the smoothed indicators of each cell and of running at each time."""
        assert self.carried is not None
        tau, run = self.timing.time_constant_s, cells.run
        fade = np.exp(-np.maximum(since, 0.0) / tau)
        level = self.carried.take(run, axis=0)
        level *= fade[:, None]
        level[:, :-1] += _faded(inside - cells.duration_s, tau)
        level[:, :-1] -= _faded(inside, tau)
        level[:, -1] += _faded(since - self.length_s[run], tau)
        level[:, -1] -= fade
        return level

    def _carry(self) -> FloatArray:
        """Return what earlier runs left at the start of each run, by doubling a linear scan."""
        tau = self.timing.time_constant_s
        distance = np.diff(self.start_s)
        left = np.empty((len(self.start_s), self.piece.size + 1))
        left[0] = 0.0
        for chunk in _chunks(left[1:]):
            cells = self._cells(np.arange(chunk.start, min(chunk.stop, distance.size)))
            since_start = distance[chunk][:, None] - cells.offset_s
            part = left[1:][chunk, :-1]
            part[:] = _faded(since_start - cells.duration_s, tau)
            part -= _faded(since_start, tau)
        left[1:, -1] = _faded(distance - self.length_s[:-1], tau)
        left[1:, -1] -= np.exp(-distance / tau)
        keep = np.concatenate([[0.0], np.exp(-distance / tau)])
        reach = 1
        while reach < len(left) and float(keep.max()) > 1e-9:
            # from the last run backwards, so that none is changed before it was added elsewhere
            for chunk in reversed(list(_chunks(left[reach:]))):
                left[reach:][chunk] += keep[reach:][chunk, None] * left[:-reach][chunk]
            keep[reach:] = keep[reach:] * keep[:-reach]
            keep[:reach] = 0.0
            reach *= 2
        return left


def _faded(time_s: FloatArray, time_constant_s: float) -> FloatArray:
    """Return how much of a step is still to come so long after it; overwrites the times."""
    np.maximum(time_s, 0.0, out=time_s)
    time_s /= -time_constant_s
    return np.exp(time_s, out=time_s)
