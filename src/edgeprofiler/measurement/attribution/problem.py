"""What is to be explained: conversions during runs, and how a timing explains them."""

from __future__ import annotations

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

    def cycles(self, timing: Timing, power: FloatArray, blur_s: float) -> Cycles:
        """Return how the unknowns of runs move each conversion, given states' powers."""
        total = self.energy(timing, power + self.floor_w)
        running = power + self.floor_w
        running[-1] = 0.0
        busy = self.energy(timing, running)
        above = self.energy(timing, power - power[-1])
        schedule, window = self.schedule(timing), timing.window_s
        ends, places = self.ends_s(timing), timing.places()
        farthest = max(shift for _, shift in places)
        first = schedule.run_at(ends - farthest - window)
        seen = int(np.max(schedule.run_at(ends) - first, initial=0))
        reach = min(seen, MOST_RUNS_SEEN) + 1
        effect = np.zeros((ends.size, reach, UNKNOWNS))
        rows = np.arange(ends.size)
        near = max(blur_s, LEAST_BLUR_S)
        for weight, shift in places:
            last = ends - shift
            begin = last - window
            run_last, run_begin = schedule.run_at(last), schedule.run_at(begin)
            for unknown, energy in ((COMMON, total), (RUNNING, busy)):
                parts = _by_run(energy, begin, last, run_begin, run_last, reach)
                for ahead, joules in enumerate(parts):
                    place = np.minimum(run_begin + ahead - first, reach - 1)
                    effect[rows, place, unknown] += weight / window * joules
            for moment, run, sign in ((last, run_last, -1.0), (begin, run_begin, 1.0)):
                watts = (above.until(moment + near) - above.until(moment - near)) / (2 * near)
                place = np.minimum(run - first, reach - 1)
                effect[rows, place, SHIFT] += sign * weight / window * 1e-6 * watts
        return Cycles(first, effect)

    def slopes(
        self, timing: Timing, names: tuple[str, ...], steps: dict[str, float],
        power: FloatArray, blur_s: float,
    ) -> FloatArray:  # fmt: skip
        """Return how predictions change with each timing; shape (samples, names)."""
        energy = self.energy(timing, power)
        here = self.predicted(timing, energy, blur_s)
        result = np.empty((len(self.samples), len(names)))
        for place, name in enumerate(names):
            moved = timing.with_values({name: getattr(timing, name) + steps[name]})
            same = name not in LAID_OUT
            there = self.predicted(moved, energy if same else self.energy(moved, power), blur_s)
            result[:, place] = (there - here) / steps[name]
        return result

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


def _by_run(
    energy: Energy, begin: FloatArray, last: FloatArray, run_begin: IntArray,
    run_last: IntArray, reach: int,
) -> list[FloatArray]:  # fmt: skip
    """Return the joules of each conversion that fell to each of the runs it saw."""
    starts, at_begin, at_last = energy.at_starts, energy.until(begin), energy.until(last)
    result = []
    for ahead in range(min(int(np.max(run_last - run_begin, initial=0)), reach - 1) + 1):
        run = run_begin + ahead
        high = np.where(run < run_last, starts[np.minimum(run + 1, starts.size - 1)], at_last)
        low = at_begin if ahead == 0 else starts[np.minimum(run, starts.size - 1)]
        result.append(np.where(run <= run_last, high - low, 0.0))
    return result
