"""What is to be explained: conversions during runs, and how a timing explains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.attribution.cycles import COMMON, RUNNING, SHIFT, UNKNOWNS, Cycles
from edgeprofiler.measurement.attribution.prior import Prior
from edgeprofiler.measurement.attribution.runs import RunTimes
from edgeprofiler.measurement.attribution.schedule import Energy, Schedule, windows
from edgeprofiler.measurement.attribution.timing import Timing

MOST_RUNS_SEEN = 24
"""Runs of one conversion whose unknowns are followed; a window over more averages them out."""

LEAST_BLUR_S = 0.5e-6
"""Power at a window's end is taken over at least this to both sides: stamps are microseconds."""

LAID_OUT = ("gap_s", "time_constant_s")
"""Timings that change how runs lie in time; the others only move windows over them."""

_GAUSS = ((5 / 18, -0.7746), (8 / 18, 0.0), (5 / 18, 0.7746))
"""Weights and places that stand for anything between -1 and 1."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Conversions within the session, in the runs' clock, and their power above a floor."""

    end_s: FloatArray
    """When each could first be read."""
    above_w: FloatArray

    def __len__(self) -> int:
        return len(self.end_s)

    def take(self, chosen: IntArray) -> Samples:
        """Return some of the samples."""
        return Samples(self.end_s[chosen], self.above_w[chosen])

    def some(self, most: int) -> Samples:
        """Return at most `most` samples, spread over the session; the same ones each time."""
        if len(self) <= most:
            return self
        chosen = np.random.default_rng(len(self)).choice(len(self), most, replace=False)
        return self.take(np.sort(chosen))

    def stretches(self, most: int, stretches: int = 20) -> Samples:
        """Return about `most` samples in stretches, in which neighbours stay neighbours."""
        if len(self) <= most:
            return self
        length = most // stretches
        starts = np.linspace(0, len(self) - length, stretches).astype(np.int64)
        return self.take((starts[:, None] + np.arange(length)).ravel())


@dataclass(eq=False)
class Mixture:
    """Conversions to be explained by runs of layers."""

    runs: RunTimes
    gap_s: FloatArray | None
    """Pause after each layer, as stamps tell it; `None` where it is to be found."""
    samples: Samples
    prior: Prior
    floor_w: float
    """Power that the samples are above."""
    scale_w: float
    """The runs' mean power above the floor, roughly: powers are of this size."""
    span_s: tuple[float, float]
    """Begin and end of the session."""
    least_w: float
    """Standard deviation of a conversion that rounding alone would leave."""
    follows: float = 0.0
    """How much faster than the clock the power of what runs follows it; 0: not at all."""
    product_s: float | None = None
    """Period of conversions whose values are a current times the voltage of another moment; `None`
    where the registers were recorded apart, or no clock is known."""
    _schedule: dict[tuple[float, float, float], Schedule] | None = field(default=None, repr=False)

    def schedule(self, timing: Timing) -> Schedule:
        """Return the runs as a timing lays them out; the last two are kept."""
        key = (timing.gap_s, timing.time_constant_s, self.follows)
        kept = self._schedule or {}
        if key not in kept:
            gap = np.full(self.runs.layers, timing.gap_s) if self.gap_s is None else self.gap_s
            made = Schedule(
                self.runs, gap, self._extra(timing.gap_s), timing.time_constant_s, self._factor()
            )
            self._schedule = {**dict(list(kept.items())[-1:]), key: made}
            return made
        return kept[key]

    def with_samples(self, samples: Samples) -> Mixture:
        """Return the same problem for other samples."""
        return replace(self, samples=samples)

    def stretches(self, most: int, reach_s: float) -> Mixture:
        """Return the problem for about `most` samples in stretches, with the runs around them.

        Args:
            most: number of samples.
            reach_s: how far before a sample there may be something that it saw.
        """
        if len(self.samples) <= most:
            return self
        samples = self.samples.stretches(most)
        end = samples.end_s
        cuts = np.flatnonzero(np.diff(end) > 2 * reach_s + 10 * float(np.median(np.diff(end))))
        first = end[np.concatenate([[0], cuts + 1])] - reach_s
        last = end[np.concatenate([cuts, [end.size - 1]])] + reach_s
        begin = np.searchsorted(self.runs.end_s, first)
        stop = np.searchsorted(self.runs.end_s, last) + 2
        chosen = np.zeros(len(self.runs) + 1, dtype=np.int64)
        np.add.at(chosen, begin, 1)
        np.add.at(chosen, np.minimum(stop, len(self.runs)), -1)
        inside = np.flatnonzero(np.cumsum(chosen)[:-1] > 0)
        return replace(self, samples=samples, runs=self.runs.take(inside), _schedule=None)

    def _extra(self, gap_s: float) -> FloatArray | None:
        """Return how much longer each run's gaps were, where stamps or starts of runs tell."""
        if self.runs.slack_s is None:
            return None
        if self.gap_s is not None:
            least = float(self.gap_s[:-1].min(initial=np.inf))
            each = self.runs.slack_s / self.runs.layers
            return np.asarray(np.maximum(each, -least)) if 0 < least < np.inf else None
        if gap_s <= 0:
            return None
        longest = 2 * gap_s * self.runs.layers
        slack = np.clip(self.runs.slack_s, -0.5 * longest, longest)
        return np.asarray(np.maximum(slack / self.runs.layers, -gap_s))

    def _factor(self) -> FloatArray | None:
        if self.runs.clock is None or self.follows == 0:
            return None
        factor = np.exp(self.follows * self.runs.clock)
        weight = self.runs.total_s
        return np.asarray(factor * (weight.sum() / (factor * weight).sum()))

    def ends_s(self, timing: Timing) -> FloatArray:
        """Return the ends of the conversions' windows."""
        ends = self.samples.end_s - timing.lag_s
        if timing.drift_s or timing.bend_s:
            ends = ends - timing.drift_s * self.line() - timing.bend_s * self.bow()
        return ends

    def line(self) -> FloatArray:
        """Return each sample's place in the session, from -1/2 to 1/2."""
        first, last = self.span_s
        return np.asarray((self.samples.end_s - first) / (last - first) - 0.5)

    def bow(self) -> FloatArray:
        """Return a bow over the session with mean 0 that rises by 1 from middle to ends."""
        return np.asarray(4 * (self.line() ** 2 - 1 / 12))

    def shares(self, timing: Timing, blur_s: float) -> FloatArray:
        """Return the share that each state had of each conversion; shape (samples, states)."""
        schedule = self.schedule(timing)
        if timing.time_constant_s > 0:
            blur_s = 0.0  # a rail smooths by far more

        def until(times_s: FloatArray) -> FloatArray:
            return schedule.lasted(times_s, blur_s)

        return windows(until, self.ends_s(timing), timing.window_s, timing.places())

    def energy(self, timing: Timing, power: FloatArray) -> Energy:
        """Return the energy of states' powers, shape (states,), up to any time."""
        return self.schedule(timing).segments.energy(power)

    def predicted(self, timing: Timing, energy: Energy, blur_s: float) -> FloatArray:
        """Return what the conversions would be."""
        ends, places = self.ends_s(timing), timing.places()
        if blur_s <= 0 or timing.time_constant_s > 0:
            return windows(energy.until, ends, timing.window_s, places)
        parts = [
            weight * windows(energy.until, ends + place * blur_s, timing.window_s, places)
            for weight, place in _GAUSS
        ]
        return np.asarray(sum(parts))

    def edges(self, timing: Timing, power: FloatArray, blur_s: float) -> Edges:
        """Return what was drawn around the ends of the conversions' windows.

        Args:
            timing: of the sensor.
            power: of states, shape (states,).
            blur_s: half the width by which ends of runs are uncertain.
        """
        energy, schedule = self.energy(timing, power), self.schedule(timing)
        near, ends = max(blur_s, LEAST_BLUR_S), self.ends_s(timing)
        pairs = []
        for weight, shift in timing.places():
            last, begin = (
                Edge(
                    time,
                    schedule.run_at(time),
                    energy.until(time),
                    (energy.until(time + near) - energy.until(time - near)) / (2 * near),
                )
                for time in (ends - shift, ends - shift - timing.window_s)
            )
            pairs.append((weight, last, begin))
        return Edges(timing, schedule, power, energy, pairs)

    def cycles(self, edges: Edges) -> Cycles:
        """Return how the unknowns of runs move each conversion."""
        timing, power, schedule = edges.timing, edges.power, edges.schedule
        ends, window = self.ends_s(timing), timing.window_s
        farthest = max(shift for _, shift in timing.places())
        first = schedule.run_at(ends - farthest - window)
        seen = int(np.max(schedule.run_at(ends) - first, initial=0))
        reach = min(seen, MOST_RUNS_SEEN) + 1
        effect = np.zeros((ends.size, reach, UNKNOWNS))
        rows = np.arange(ends.size)
        starts_s = schedule.segments.edge_s[:: schedule.segments.state.size]
        starts = _total(edges.energy.at_starts, starts_s, self.floor_w)
        pause, paused = power[-1] + self.floor_w, schedule.paused(starts_s)
        for weight, last, begin in edges.pairs:
            total = [_total(end.joule, end.time_s, self.floor_w) for end in (begin, last)]
            busy = [
                joule - pause * schedule.paused(end.time_s)
                for joule, end in zip(total, (begin, last), strict=True)
            ]
            for unknown, at_starts, (low, high) in (
                (COMMON, starts, total),
                (RUNNING, starts - pause * paused, busy),
            ):
                parts = _by_run(at_starts, low, high, begin.run, last.run, reach)
                for ahead, joules in enumerate(parts):
                    place = np.minimum(begin.run + ahead - first, reach - 1)
                    effect[rows, place, unknown] += weight / window * joules
            for end, sign in ((last, -1.0), (begin, 1.0)):
                place = np.minimum(end.run - first, reach - 1)
                moved = 1e-6 * (end.watts - power[-1])
                effect[rows, place, SHIFT] += sign * weight / window * moved
        return Cycles(first, effect)

    def slopes(
        self, edges: Edges, names: tuple[str, ...], steps: dict[str, float], blur_s: float
    ) -> FloatArray:
        """Return how predictions change with each timing; shape (samples, names)."""
        timing, window = edges.timing, edges.timing.window_s
        result = np.empty((len(self.samples), len(names)))
        late = edges.mean(lambda end: end.watts)
        for place, name in enumerate(names):
            if name == "window_s":
                begun = sum(weight * begin.watts for weight, _, begin in edges.pairs)
                result[:, place] = (begun - edges.mean(lambda end: end.joule)) / window
            elif name in LAID_OUT:
                if name == "gap_s" and timing.time_constant_s == 0:
                    result[:, place] = edges.mean(edges.by_gap)
                else:
                    result[:, place] = self._slope(edges, name, steps[name], blur_s)
            else:
                result[:, place] = -late * self._along(name)
        return result

    def _along(self, name: str) -> FloatArray | float:
        """Return by how much a timing makes each conversion late."""
        if name == "lag_s":
            return 1.0
        return self.line() if name == "drift_s" else self.bow()

    def _slope(self, edges: Edges, name: str, step: float, blur_s: float) -> FloatArray:
        """Return how predictions change with a timing by which runs lie elsewhere."""
        timing = edges.timing
        moved = timing.with_values({name: getattr(timing, name) + step})
        here = self.predicted(timing, edges.energy, blur_s)
        there = self.predicted(moved, self.energy(moved, edges.power), blur_s)
        return np.asarray((there - here) / step)

    def crossed(self, timing: Timing, power: FloatArray, blur_s: float) -> FloatArray:
        """Return how a supply that sags changes products of current and voltage, in W^2.

        A chip converts the voltage after the current, so that a product holds the sag of what was
        drawn a window later, or, before that register moves, a round earlier. Once for each.

        Args:
            timing: of the sensor.
            power: of states, shape (states,).
            blur_s: half the width by which ends of runs are uncertain.

        Returns:
            Shape (samples, 2); no column where registers were recorded apart.
        """
        if self.product_s is None:
            return np.empty((len(self.samples), 0))
        whole = power + self.floor_w
        energy = self.energy(timing, whole)
        here = self.predicted(timing, energy, blur_s)
        square = self.predicted(timing, self.energy(timing, whole**2), blur_s)
        after = timing.lag_s - timing.window_s
        lags = (after, after + self.product_s)
        there = [self.predicted(timing.with_values({"lag_s": lag}), energy, blur_s) for lag in lags]
        return np.column_stack([here * one - square for one in there])

    def texture(self, timing: Timing, orders: IntArray) -> FloatArray:
        """Return what power that varies within layers adds, for waves of one watt.

        Within a layer power may go as a half, a whole, ... wave of a cosine about its mean. A
        window that begins or ends in the layer sees the wave's integral up to there. Steps of power
        hold waves in inverse proportion to their order, so that from the third on they are lower.

        Args:
            timing: of the sensor.
            orders: number of waves for each layer; shape (layers,).

        Returns:
            Shape (samples, sum of orders).
        """
        segments, ends = self.schedule(timing).segments, self.ends_s(timing)
        waves = np.concatenate([orders, [0, 0]])
        column = np.cumsum(waves) - waves
        result = np.zeros((ends.size, int(orders.sum())))
        for weight, shift in timing.places():
            for moment, sign in ((ends - shift, 1.0), (ends - shift - timing.window_s, -1.0)):
                state, within, length = segments.at(moment)
                for order in range(1, int(orders.max(initial=0)) + 1):
                    rows = np.flatnonzero(waves[state] >= order)
                    scale = sign * weight / timing.window_s * length[rows] * min(1.0, 2 / order)
                    wave = np.sin(order * np.pi * within[rows]) / (order * np.pi)
                    result[rows, column[state[rows]] + order - 1] += scale * wave
        return result


@dataclass(frozen=True, eq=False)
class Edge:
    """One end of the conversions' windows; shapes (samples,)."""

    time_s: FloatArray
    run: IntArray
    """The run that was the last to start."""
    joule: FloatArray
    """Energy up to there."""
    watts: FloatArray
    """Power there, over what ends of runs are uncertain by."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Both ends of all windows that conversions are made of."""

    timing: Timing
    schedule: Schedule
    power: FloatArray
    """Of states, above the floor; shape (states,)."""
    energy: Energy
    pairs: list[tuple[float, Edge, Edge]]
    """Weight of a window, its end and its begin."""

    def mean(self, of: Callable[[Edge], FloatArray]) -> FloatArray:
        """Return the conversions' means of what has a given integral up to either end."""
        parts = [weight * (of(last) - of(begin)) for weight, last, begin in self.pairs]
        return np.asarray(sum(parts)) / self.timing.window_s

    def by_gap(self, end: Edge) -> FloatArray:
        """Return how energy up to an end changes with the pause after each layer.

        Runs keep their ends. What follows in the run has that many pauses, and lies earlier by
        them; each run before took from the time between runs.
        """
        segments, layers = self.schedule.segments, self.schedule.layers
        run, stretch = np.divmod(segments.place_of(end.time_s), segments.state.size)
        gap, pause = self.power[layers], self.power[layers + 1]
        inside = stretch < segments.state.size - 1
        following = np.where(inside, layers - stretch // segments.every, 0)
        return np.asarray(layers * (gap - pause) * (run + 1) - following * (gap - end.watts))


def _total(joule: FloatArray, time_s: FloatArray, floor_w: float) -> FloatArray:
    """Return energies with what the floor draws."""
    return joule + floor_w * time_s


def _by_run(
    starts: FloatArray, at_begin: FloatArray, at_last: FloatArray, run_begin: IntArray,
    run_last: IntArray, reach: int,
) -> list[FloatArray]:  # fmt: skip
    """Return the joules of each conversion that fell to each of the runs it saw.

    Args:
        starts: energy up to the start of each run, and up to the end of the last.
        at_begin: up to the begin of each window.
        at_last: up to its end.
        run_begin: run that was the last to start at the begin.
        run_last: and at the end.
        reach: most runs that one conversion sees.
    """
    result = []
    for ahead in range(min(int(np.max(run_last - run_begin, initial=0)), reach - 1) + 1):
        run = run_begin + ahead
        high = np.where(run < run_last, starts[np.minimum(run + 1, starts.size - 1)], at_last)
        low = at_begin if ahead == 0 else starts[np.minimum(run, starts.size - 1)]
        result.append(np.where(run <= run_last, high - low, 0.0))
    return result
