"""The share of each conversion's integration window that each layer ran in.

Column k of a design is layer k, or one of the equal cells that layers are cut into; two more
are the gaps within a run and the time between runs. Rows sum to one. Behind a rail that smooths
power with a time constant, shares are smoothed too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from edgeprofiler.attribution.intervals import Runs
from edgeprofiler.attribution.timing import Timing
from edgeprofiler.network import FloatArray, IntArray

CHUNK = 4096
"""Conversions whose shares are computed at once, so that memory stays small."""


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
    shares = np.zeros((ends_s.size, int(counts.sum()) + 2))
    for weight, shift in timing.places():
        for first in range(0, ends_s.size, CHUNK):
            last = ends_s[first : first + CHUNK] - (timing.lag_s + shift)
            time = states.until(np.concatenate([last, last - timing.window_s]))
            part = time[: last.size] - time[last.size :]
            shares[first : first + CHUNK] += part * (weight / timing.window_s)
    return shares


def occupied(runs: Runs, times_s: FloatArray, timing: Timing) -> FloatArray:
    """Return how long each state had lasted at each time; shape (times, layers + 2)."""
    states = _states(runs, _inner(timing), (1,) * runs.layers)
    result = np.empty((times_s.size, runs.layers + 2))
    for first in range(0, times_s.size, CHUNK):
        result[first : first + CHUNK] = states.until(times_s[first : first + CHUNK])
    return result


def _inner(timing: Timing) -> Timing:
    """Return what of a timing decides the states; where the window lies does not."""
    return replace(timing, window_s=0.0, lag_s=0.0, blur_s=0.0)


@lru_cache(maxsize=1)  # searches move the window over the same states, and rails cost much
def _states(runs: Runs, timing: Timing, cells: tuple[int, ...]) -> _States:
    return _States.of(runs, timing, np.array(cells, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class _States:
    """How long each state had lasted up to any time."""

    runs: Runs
    timing: Timing
    layer: IntArray
    """Layer of each cell."""
    piece: IntArray
    """Place of each cell in its layer."""
    share: FloatArray
    """Share of its layer that a cell is."""
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
        layer = np.repeat(np.arange(runs.layers), cells)
        piece = np.arange(layer.size) - np.repeat(np.cumsum(cells) - cells, cells)
        share = 1.0 / cells[layer]
        gap = np.full(len(runs), timing.gap_s)
        if timing.slack_share:
            gap = np.maximum(gap + timing.slack_share / runs.layers * runs.slack_s, 0.0)
        length = runs.total_s + runs.layers * gap
        past = np.cumsum(length) - length
        start = runs.end_s - length
        states = _States(runs, timing, layer, piece, share, gap, start, length, past, None)
        if timing.time_constant_s <= 0:
            return states
        return replace(states, carried=states._carry())

    def _offsets(self, run: IntArray | slice) -> tuple[FloatArray, FloatArray]:
        """Return start after the run's start, and duration, of every cell of some runs."""
        gaps = self.gap_s[run][:, None] * np.arange(self.runs.layers)
        offset, duration = self.runs.before_s[run] + gaps, self.runs.duration_s[run]
        if self.layer.size > self.runs.layers:
            duration = duration[:, self.layer] * self.share
            offset = offset[:, self.layer] + self.piece * duration
        return offset, duration

    def until(self, times_s: FloatArray) -> FloatArray:
        """Return the time each cell, the gaps and the pauses had lasted at each time."""
        runs, count = self.runs, self.layer.size
        run = np.maximum(np.searchsorted(self.start_s, times_s, side="right") - 1, 0)
        since = times_s - self.start_s[run]
        offset, duration = self._offsets(run)
        inside = np.subtract(since[:, None], offset, out=offset)
        result = np.empty((times_s.size, count + 2))
        cells = result[:, :count]
        np.clip(inside, 0.0, duration, out=cells)
        past = runs.past_s[run]
        cells += past if count == runs.layers else past[:, self.layer] * self.share
        running = np.clip(since, 0.0, self.length_s[run])
        running += self.past_s[run]
        if self.carried is not None:
            tau = self.timing.time_constant_s
            level = self._levels(run, since, inside, duration)
            cells -= tau * level[:, :count]
            running -= tau * level[:, count]
        result[:, count] = running - cells.sum(axis=1)
        result[:, count + 1] = times_s - running
        return result

    def _levels(
        self, run: IntArray, since: FloatArray, inside: FloatArray, duration: FloatArray
    ) -> FloatArray:
        """Return the smoothed indicators of each cell and of running at each time."""
        assert self.carried is not None
        tau = self.timing.time_constant_s
        fade = np.exp(-np.maximum(since, 0.0) / tau)
        level = self.carried[run] * fade[:, None]
        level[:, :-1] += np.exp(-np.maximum(inside - duration, 0.0) / tau)
        level[:, :-1] -= np.exp(-np.maximum(inside, 0.0) / tau)
        level[:, -1] += np.exp(-np.maximum(since - self.length_s[run], 0.0) / tau)
        level[:, -1] -= fade
        return level

    def _carry(self) -> FloatArray:
        """Return what earlier runs left at the start of each run, by doubling a linear scan."""
        tau = self.timing.time_constant_s
        distance = np.diff(self.start_s)
        offset, duration = self._offsets(slice(None, -1))
        left = np.empty((len(self.start_s), self.layer.size + 1))
        left[0] = 0.0
        since_start = distance[:, None] - offset
        left[1:, :-1] = np.exp(-np.maximum(since_start - duration, 0.0) / tau)
        left[1:, :-1] -= np.exp(-np.maximum(since_start, 0.0) / tau)
        left[1:, -1] = np.exp(-np.maximum(distance - self.length_s[:-1], 0.0) / tau)
        left[1:, -1] -= np.exp(-distance / tau)
        keep = np.concatenate([[0.0], np.exp(-distance / tau)])
        reach = 1
        while reach < len(left) and float(keep.max()) > 1e-9:
            left[reach:] = left[reach:] + keep[reach:, None] * left[:-reach]
            keep[reach:] = keep[reach:] * keep[:-reach]
            keep[:reach] = 0.0
            reach *= 2
        return left
