"""How long each layer, the gaps and the pauses had lasted up to any time.

The difference of that at a window's two ends is the share that each had of it. Two effects change
it: a rail that smooths power by a time constant, and ends of runs that are not known to better
than some width, which blurs every edge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.attribution.runs import RunTimes, past

FORGOTTEN = 1e-9
"""Share of a smoothed power that no longer counts."""

CHUNK = 65_536
"""Cells that are computed at once: few enough for temporaries to stay in a core's own cache."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """Runs laid out in time, backwards from their ends.

    States are the layers, then all gaps within runs, then the time between runs.
    """

    runs: RunTimes
    gap_s: FloatArray
    """Unseen pause after each layer; shape (layers,)."""
    extra_s: FloatArray | None = None
    """Longer gaps of each run, for each layer; shape (runs,)."""
    time_constant_s: float = 0.0
    """Of the rail."""
    factor: FloatArray | None = None
    """Power of what runs, above the floor, in each run as a factor; shape (runs,)."""

    @property
    def states(self) -> int:
        """Number of states: layers, gaps, between runs."""
        return self.runs.layers + 2

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.runs.layers

    def offset_s(self, run: IntArray) -> FloatArray:
        """Return the start of each layer after its run's start; shape (runs asked for, layers)."""
        before = np.concatenate([[0.0], np.cumsum(self.gap_s)[:-1]])
        offset = self.runs.before_s.take(run, axis=0)
        if before[-1] > 0:
            offset += before
        if self.extra_s is not None:
            offset += self.extra_s[run][:, None] * np.arange(self.layers)
        return offset

    @cached_property
    def length_s(self) -> FloatArray:
        """From the start of each run to the end of its last gap; shape (runs,)."""
        extra = 0.0 if self.extra_s is None else self.extra_s * self.layers
        return np.asarray(self.runs.total_s + float(self.gap_s.sum()) + extra)

    @cached_property
    def start_s(self) -> FloatArray:
        """Start of each run's first layer; shape (runs,)."""
        return np.asarray(self.runs.end_s - self.length_s)

    @cached_property
    def past_s(self) -> FloatArray:
        """Time of each layer in all earlier runs, times their factors; (runs + 1, layers)."""
        if self.factor is None:
            return self.runs.past_s
        return past(self.runs.duration_s * self.factor[:, None])

    @cached_property
    def past_length_s(self) -> FloatArray:
        """Length of all earlier runs; shape (runs + 1,)."""
        return np.concatenate([[0.0], np.cumsum(self.length_s)])

    def run_at(self, times_s: FloatArray) -> IntArray:
        """Return the run that was the last to start at each time."""
        return np.maximum(np.searchsorted(self.start_s, times_s, side="right") - 1, 0)

    def lasted(self, times_s: FloatArray, blur_s: float = 0.0) -> FloatArray:
        """Return how long each state had lasted at each time; shape (times, states).

        Args:
            times_s: ascending or not.
            blur_s: ends of runs are uncertain by anything up to this, to both sides.
        """
        result = np.empty((times_s.size, self.states))
        rows = max(CHUNK // self.states, 1)
        for first in range(0, times_s.size, rows):
            part = slice(first, first + rows)
            self._lasted(times_s[part], blur_s, result[part])
        return result

    def paused(self, times_s: FloatArray) -> FloatArray:
        """Return how long the time between runs had lasted at each time."""
        run = self.run_at(times_s)
        since = times_s - self.start_s[run]
        running = np.clip(since, 0.0, self.length_s[run]) + self.past_length_s[run]
        if self.time_constant_s > 0:
            running -= self.time_constant_s * self._run_level(run, since)
        return np.asarray(times_s - self.start_s[0] - running)

    def _lasted(self, times_s: FloatArray, blur_s: float, result: FloatArray) -> None:
        layers, run = self.layers, self.run_at(times_s)
        since = times_s - self.start_s[run]
        inside = since[:, None] - self.offset_s(run)
        duration = self.runs.duration_s.take(run, axis=0)
        table = result[:, :layers]
        length = self.length_s[run]
        if blur_s <= 0:
            np.minimum(np.maximum(inside, 0.0), duration, out=table)
            running = np.clip(since, 0.0, length)
        else:
            np.subtract(ramp(inside, blur_s), ramp(inside - duration, blur_s), out=table)
            running = ramp(since, blur_s) - ramp(since - length, blur_s)
            self._begun(times_s, run, blur_s, table, running)
        if self.time_constant_s > 0:
            table -= self.time_constant_s * self._level(run, since, inside, duration)
            running -= self.time_constant_s * self._run_level(run, since)
        busy = table.sum(axis=1)
        if self.factor is not None:
            table *= self.factor[run][:, None]
        table += self.past_s.take(run, axis=0)
        running += self.past_length_s[run]
        result[:, layers] = running - busy - self.runs.past_total_s[run]
        result[:, layers + 1] = times_s - self.start_s[0] - running

    def _begun(
        self, times_s: FloatArray, run: IntArray, blur_s: float, table: FloatArray,
        running: FloatArray,
    ) -> None:  # fmt: skip
        """Add what the next run may already have done within the blur."""
        following = np.minimum(run + 1, len(self.runs) - 1)
        ahead = self.start_s[following] - times_s
        near = np.flatnonzero((ahead < blur_s) & (following > run))
        if not near.size:
            return
        run = following[near]
        inside = -ahead[near][:, None] - self.offset_s(run)
        table[near] += ramp(inside, blur_s) - ramp(inside - self.runs.duration_s[run], blur_s)
        running[near] += ramp(-ahead[near], blur_s)
        running[near] -= ramp(-ahead[near] - self.length_s[run], blur_s)

    def _level(
        self, run: IntArray, since: FloatArray, inside: FloatArray, duration: FloatArray
    ) -> FloatArray:
        """Return the smoothed indicator of each layer."""
        tau = self.time_constant_s
        level = self._carried[0].take(run, axis=0) * _left(since, tau)[:, None]
        level += _left(inside - duration, tau)
        level -= _left(inside, tau)
        return np.asarray(level)

    def _run_level(self, run: IntArray, since: FloatArray) -> FloatArray:
        """Return the smoothed indicator of a run being on."""
        tau = self.time_constant_s
        level = self._carried[1][run] * _left(since, tau)
        level += _left(since - self.length_s[run], tau) - _left(since, tau)
        return np.asarray(level)

    @cached_property
    def _carried(self) -> tuple[FloatArray, FloatArray]:
        """What earlier runs left in the smoothed indicators at each run's start."""
        tau, count = self.time_constant_s, len(self.runs)
        distance = np.diff(self.start_s)
        keep = np.concatenate([[0.0], np.exp(-distance / tau)])
        on, layers = np.zeros(count), np.zeros((count, self.layers))
        on[1:] = _left(distance - self.length_s[:-1], tau) - _left(distance, tau)
        since = distance[:, None] - self.offset_s(np.arange(count - 1))
        layers[1:] = _left(since - self.runs.duration_s[:-1], tau) - _left(since, tau)
        reach = 1
        while reach < count and float(keep.max()) > FORGOTTEN:  # a linear scan by doubling
            layers[reach:] = layers[reach:] + keep[reach:, None] * layers[:-reach]
            on[reach:] = on[reach:] + keep[reach:] * on[:-reach]
            keep[reach:] = keep[reach:] * keep[:-reach]
            keep[:reach] = 0.0
            reach *= 2
        return layers, on

    @cached_property
    def segments(self) -> Segments:
        """The same runs as one chain of stretches of one state each."""
        return Segments.of(self)


@dataclass(frozen=True, eq=False)
class Segments:
    """Runs as a chain of stretches in which one state lasts; shape (runs, stretches of a run)."""

    edge_s: FloatArray
    """Start of each stretch, and the end of the last; one-dimensional."""
    length_s: FloatArray
    state: IntArray
    """State of each stretch of a run: the same in every run."""
    every: int
    """Stretches of a layer: itself, and the gap behind it where there are gaps."""
    time_constant_s: float
    factor: FloatArray | None

    @staticmethod
    def of(schedule: Schedule) -> Segments:
        """Return the stretches of a schedule; gaps are stretches only where there are any."""
        runs, layers = schedule.runs, schedule.layers
        gap = np.broadcast_to(schedule.gap_s, runs.duration_s.shape)
        if schedule.extra_s is not None:
            gap = gap + schedule.extra_s[:, None]
        every = 2 if float(gap.max(initial=0.0)) > 0 else 1
        state = np.full(every * layers + 1, layers)
        state[:-1:every], state[-1] = np.arange(layers), layers + 1
        length = np.empty((len(runs), state.size))
        length[:, :-1:every] = runs.duration_s
        if every > 1:
            length[:, 1:-1:every] = gap
        length[:-1, -1] = np.maximum(schedule.start_s[1:] - runs.end_s[:-1], 0.0)
        length[-1, -1] = 0.1
        edge = _integral(length, 1.0)
        edge += schedule.start_s[0]
        return Segments(edge, length, state, every, schedule.time_constant_s, schedule.factor)

    def place_of(self, times_s: FloatArray) -> IntArray:
        """Return the stretch that each time falls into, counted through all runs."""
        place = np.searchsorted(self.edge_s, times_s, side="right") - 1
        return np.clip(place, 0, self.length_s.size - 1)

    def at(self, times_s: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return the state at each time, how far into it (0 to 1), and how long it lasts."""
        place = self.place_of(times_s)
        length = self.length_s.ravel()[place]
        within = (times_s - self.edge_s[place]) / np.maximum(length, 1e-12)
        return self.state[place % self.state.size], np.clip(within, 0.0, 1.0), length

    def energy(self, power: FloatArray) -> Energy:
        """Return the energy of states' powers, shape (states,), up to any time."""
        watts = np.broadcast_to(power[self.state], self.length_s.shape)
        if self.factor is not None:
            ran = self.state < self.state.max() - 1
            watts = np.where(ran, watts * self.factor[:, None], watts)
        total = _integral(self.length_s, watts)
        rail = Rail.of(self, watts) if self.time_constant_s > 0 else None
        return Energy(self, total, rail)

    @cached_property
    def kept(self) -> FloatArray:
        """Share of a step at each stretch's start that a rail still holds back at its end.

        Shape (stretches of a run, runs): a rail goes through all runs at once, stretch by stretch.
        """
        return np.exp(np.ascontiguousarray(self.length_s.T) / -self.time_constant_s)

    @cached_property
    def kept_so_far(self) -> FloatArray:
        """The same of a step at a run's start, at each stretch's start; (stretches + 1, runs)."""
        result = np.ones((self.state.size + 1, len(self.length_s)))
        np.cumprod(self.kept, axis=0, out=result[1:])
        return result


@dataclass(frozen=True, eq=False)
class Rail:
    """Power before and behind a rail that smooths."""

    segments: Segments
    watts: FloatArray
    """Of each stretch, before it; shape (runs, stretches of a run)."""
    own_w: FloatArray
    """What a run adds to the smoothed power at each of its stretches' starts, and at its end;
    shape (stretches of a run + 1, runs)."""
    carried_w: FloatArray
    """Smoothed power at each run's start, and at the end of the last; shape (runs + 1,)."""

    @staticmethod
    def of(segments: Segments, watts: FloatArray) -> Rail:
        """Return a rail behind stretches."""
        keep = segments.kept
        own = np.zeros((keep.shape[0] + 1, keep.shape[1]))
        for stretch in range(len(keep)):
            here = watts[:, stretch]
            own[stretch + 1] = here + (own[stretch] - here) * keep[stretch]
        level, share = own[-1].copy(), segments.kept_so_far[-1].copy()
        level[0] += float(watts[-1, -1]) * share[0]
        reach = 1
        while reach < level.size and float(share.max()) > FORGOTTEN:  # a scan by doubling
            level[reach:] = level[reach:] + share[reach:] * level[:-reach]
            share[reach:] = share[reach:] * share[:-reach]
            share[:reach] = 0.0
            reach *= 2
        return Rail(segments, watts, own, np.concatenate([watts[-1, -1:], level]))

    def level_w(self, place: IntArray) -> FloatArray:
        """Return smoothed power at the start of stretches, counted through all runs."""
        run, stretch = np.divmod(place, self.segments.state.size)
        kept = self.segments.kept_so_far[stretch, run]
        return np.asarray(self.own_w[stretch, run] + self.carried_w[run] * kept)


@dataclass(frozen=True, eq=False)
class Energy:
    """Energy that a chain of stretches has used up to any time, behind the rail."""

    segments: Segments
    total_j: FloatArray
    """At each edge, before the rail."""
    rail: Rail | None

    def until(self, times_s: FloatArray) -> FloatArray:
        """Return the energy up to each time."""
        rail, edge = self.rail, self.segments.edge_s
        if rail is None:
            return np.interp(times_s, edge, self.total_j)
        tau = self.segments.time_constant_s
        place = self.segments.place_of(times_s)
        since = times_s - edge[place]
        watts = rail.watts[np.divmod(place, self.segments.state.size)]
        # what the rail holds back is in proportion to how far it is behind
        level = watts + (rail.level_w(place) - watts) * np.exp(-since / tau)
        return np.asarray(self.total_j[place] + watts * since - tau * level)

    @cached_property
    def at_starts(self) -> FloatArray:
        """Energy up to the start of each run, and up to the end; shape (runs + 1,)."""
        total = self.total_j[:: self.segments.state.size]
        if self.rail is None:
            return total
        return np.asarray(total - self.segments.time_constant_s * self.rail.carried_w)


def _integral(length_s: FloatArray, height: FloatArray | float) -> FloatArray:
    """Return the integral of stretches' heights up to each edge; shape (stretches + 1,)."""
    sums = np.zeros(length_s.size + 1)
    after = sums[1:]
    np.multiply(length_s, height, out=after.reshape(length_s.shape))
    np.cumsum(after, out=after)  # in place: pages of a fresh array cost more than the sum
    return sums


def ramp(since: FloatArray, blur_s: float) -> FloatArray:
    """Return how long something has lasted whose start lies within `blur_s` of where it seems."""
    result = np.clip(since + blur_s, 0.0, 2 * blur_s)
    result *= result
    result *= 0.25 / blur_s
    result += np.maximum(since - blur_s, 0.0)
    return np.asarray(result)


def windows(
    until: Callable[[FloatArray], FloatArray],
    ends_s: FloatArray,
    window_s: float,
    places: list[tuple[float, float]],
) -> FloatArray:
    """Return the mean over each conversion's windows of a quantity whose integral is known."""
    result: FloatArray | None = None
    for weight, shift in places:
        last = ends_s - shift
        part = until(last)
        part -= until(last - window_s)
        part *= weight / window_s
        result = part if result is None else np.add(result, part, out=result)
    assert result is not None
    return result


def _left(since: FloatArray, time_constant_s: float) -> FloatArray:
    """Return how much of a step is still to come so long after it."""
    result = np.maximum(since, 0.0)
    result /= -time_constant_s
    return np.asarray(np.exp(result, out=result))
