"""From one register's polls to powers of layers: clock, then timing, then powers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.clock import ConversionClock
from edgeprofiler.measurement.attribution.conversions import NEAR_TICK_S, Conversions, converted
from edgeprofiler.measurement.attribution.evidence import Evidence, Register
from edgeprofiler.measurement.attribution.fit import Fit, fit
from edgeprofiler.measurement.attribution.prior import Prior
from edgeprofiler.measurement.attribution.problem import Mixture, Samples
from edgeprofiler.measurement.attribution.report import ToldBy
from edgeprofiler.measurement.attribution.runs import RunTimes, clock_range
from edgeprofiler.measurement.attribution.search import (
    Place,
    Reach,
    coarse,
    finest,
    natural,
    near,
    unnatural,
    with_pauses,
)
from edgeprofiler.measurement.attribution.sight import seen_clock, tightened
from edgeprofiler.measurement.attribution.timing import Timing

PLAIN = ("lag_s", "window_s")
DRIFTING = ("drift_s", "bend_s")


@dataclass(frozen=True)
class Effort:
    """How much work goes where, each with what set it."""

    timing_samples: int = 4000
    """Conversions that decide what effects there are; errors of timing are then a microsecond."""
    timing_samples_per_layer: int = 60
    """More of them where there are many layers to tell apart."""
    most_cells: int = 5_000_000
    """Conversions times columns of the last fit: 0.3 GB in all."""
    longest_gap_s: float = 40e-6
    full: float = 0.95
    """Share of the room for pauses from which they count as ended by it. Assumed."""
    follows: tuple[float, ...] = (0.0, 2.0)
    """Powers of the clock that power may follow: voltage falls with the clock, or it does not. With
    1 and 3 between, ResNet-18, MobileNetV2 and VGG-11 came out the same."""
    clock_moved: float = 0.08
    """Range of the clock, in logarithm, from which that is looked for. Only a search needs it: a
    fit finds itself how power follows the clock."""
    evidence: float = 3.0
    """Gain in log-likelihood for which an effect is added."""
    slow_polls: float = 0.93
    """A clock is looked for in what polls saw unless polls that count as they come leave less than
    so much of what late polls leave."""
    clearly: float = 0.8
    """Nor where that is so on a coarse grid already, which does them equal harm."""
    sharper: float = 0.8
    """A clock that was seen must leave less than this share of the variance."""
    kept: float = 0.6
    """And so many of its conversions must have polls that agree."""


@dataclass(frozen=True, eq=False)
class Solved:
    """What one register says of the layers."""

    register: Register
    runs: RunTimes
    conversions: Conversions
    told_by: ToldBy
    """How the clock of the conversions was told: by repeats, by sight, or not at all."""
    samples: Samples
    floor_w: float
    problem: Mixture
    fit: Fit

    @property
    def power_w(self) -> FloatArray:
        """Of layers, gaps, between runs, at the register's usual voltage; shape (states,)."""
        return self.fit.mean_w + self.floor_w


def solve(
    evidence: Evidence,
    number: int,
    kinds: Sequence[str],
    *,
    averaged: Sequence[int] = (),
    timing: Timing | None = None,
    effort: Effort | None = None,
) -> Solved:
    """Return powers of layers as one register tells them.

    Args:
        evidence: runs and their ends, and the registers.
        number: of the register.
        kinds: of the layers that take time.
        averaged: conversions that a value is the mean of, as the settings say; empty: not said.
        timing: of the sensor, if it is known.
        effort: how much work goes where.
    """
    effort = effort or Effort()
    register, found = evidence.registers[number], evidence.conversions[number]
    start = _Start(evidence, register, tuple(kinds), register.floor_w, tuple(averaged))
    problem = start.problem(found, evidence.runs)
    if timing is not None:
        last = fit(problem, timing, (), rounds=4, texture=_may_vary(timing))
        return start.solved(problem, found, last)
    problem, places = start.look(problem, found, effort)
    names: tuple[str, ...] = PLAIN
    if not found.clocked:
        seen = start.by_sight(problem, places, effort)
        if seen is not None:
            problem, found = seen
            places = coarse(problem, found.period_s, averaged)
            names = (*PLAIN, *DRIFTING)
    best = _with_gaps(problem, places, names, effort, found, averaged)
    if found.clocked and _doubtful(problem, best.timing, found.period_s, effort):
        place = natural(problem, best.timing, found.period_s)
        without = [Place(place.left, place.timing.with_values({"gap_s": 0.0}))]
        other = _with_gaps(problem, without, names, effort, found, averaged, start=place.timing)
        best = max(best, other, key=lambda tried: tried.log_likelihood)
    some = _affordable(problem, effort)
    last = fit(some, best.timing, best.fitted, rounds=4, start=best, texture=_may_vary(best.timing))
    if last.timing.time_constant_s > 0:
        # power that rises within long layers looks like a rail until layers may vary within
        plain = [p for p in places if p.timing.time_constant_s == 0]
        best = _with_gaps(problem, plain, names, effort, found, averaged)
        other = fit(some, best.timing, best.fitted, rounds=4, start=best, texture=True)
        last = max(last, other, key=lambda tried: tried.log_likelihood)
    return start.solved(some, found, last, "sight" if DRIFTING[0] in names else None)


def _doubtful(problem: Mixture, timing: Timing, period_s: float, effort: Effort) -> bool:
    """Return whether a search may have ended at a wrong window or lag.

    Then the window is one that no chip has, with pauses that make up for it, or pauses are as long
    as there is room for, to make up for the lag.
    """
    longest = _longest_gap(problem.runs, effort)
    full = problem.gap_s is None and timing.gap_s > effort.full * longest > 0
    return full or unnatural(timing, period_s)


def _may_vary(timing: Timing) -> bool:
    """Return whether a window's ends are sharp enough to see inside layers."""
    return timing.time_constant_s == 0 and timing.late_s == 0


def _long(runs: RunTimes, timing: Timing) -> bool:
    """Return whether layers are so long that power which varies within them moves the timing."""
    return _may_vary(timing) and float(runs.mean_s.max()) > LONG * timing.window_s


LONG = 0.4
"""Length of such layers, in windows: those of ResNet-18 on a default chip last 0.15."""


def _some(problem: Mixture, effort: Effort) -> Mixture:
    """Return as much of a problem as decides about its timing."""
    most = max(effort.timing_samples, effort.timing_samples_per_layer * problem.runs.layers)
    reach = Reach()
    return problem.stretches(most, reach.latest_s + reach.longest_s + SLOWEST_S)


SLOWEST_S = 0.03
"""A mean of several conversions reaches back so far."""


def _affordable(problem: Mixture, effort: Effort) -> Mixture:
    columns = problem.runs.layers + 100
    return problem.with_samples(problem.samples.stretches(effort.most_cells // columns, 100))


def _ticking(problem: Mixture, clock: ConversionClock) -> Place:
    """Return the best place under a clock, without pauses between layers."""
    return finest(problem, coarse(problem, clock.period_s))[0]


def _with_gaps(
    problem: Mixture, places: list[Place], names: tuple[str, ...], effort: Effort,
    found: Conversions, averaged: Sequence[int], *, start: Timing | None = None,
) -> Fit:  # fmt: skip
    """Return a fit with the pauses between layers that the samples call for."""
    some = _some(problem, effort)
    best = plain = _likeliest(some, finest(problem, places), names)
    if problem.gap_s is not None:
        return best
    longest = _longest_gap(problem.runs, effort)
    period = found.period_s if found.clocked else None
    for place in with_pauses(problem, plain.timing, longest, period, averaged, start=start):
        least = best.log_likelihood + (effort.evidence if best is plain else 0.0)
        other = fit(
            some, place.timing, (*names, *_rail(place.timing), "gap_s"), rounds=8, start=plain,
            texture=_long(problem.runs, place.timing), every=False, least=least,
        )  # fmt: skip
        if other.log_likelihood > least and other.timing.gap_s > 0:
            best = other
    return best


def _rail(timing: Timing) -> tuple[str, ...]:
    return ("time_constant_s",) if timing.time_constant_s > 0 else ()


def _likeliest(problem: Mixture, places: list[Place], names: tuple[str, ...]) -> Fit:
    """Return the likeliest of the fits from some places."""
    best: Fit | None = None
    for place in places:
        found = fit(
            problem, place.timing, (*names, *_rail(place.timing)), rounds=6,
            texture=_long(problem.runs, place.timing), every=False,
            least=-np.inf if best is None else best.log_likelihood,
        )  # fmt: skip
        if best is None or found.log_likelihood > best.log_likelihood:
            best = found
    assert best is not None
    return best


def _longest_gap(runs: RunTimes, effort: Effort) -> float:
    """Return the longest pause after each layer that leaves room for the runs."""
    if not runs.pauses_s.size:
        return 0.0
    pause = min(float(np.quantile(runs.pauses_s, 0.02)), runs.spare_s)
    return min(pause / runs.layers, effort.longest_gap_s)


@dataclass(frozen=True, eq=False)
class _Start:
    """What stays the same while clocks and timings are tried."""

    evidence: Evidence
    register: Register
    kinds: tuple[str, ...]
    floor_w: float
    averaged: tuple[int, ...]

    def problem(self, found: Conversions, runs: RunTimes) -> Mixture:
        """Return the conversions within a session as a problem."""
        samples = self._samples(found, runs)
        above = samples.above_w
        # pauses dilute the mean, and long windows the spread: the larger is nearer to the runs'
        spread = 0.5 * float(np.subtract(*np.quantile(above, [0.98, 0.02]))) if above.size else 0.0
        scale = max(float(above.mean()) if above.size else 0.0, spread, 1e-3)
        gap = self.evidence.ends.gap_s
        return Mixture(
            runs=runs,
            gap_s=None if gap is None else gap[runs.active],
            samples=samples,
            prior=Prior(self.kinds, runs.mean_s, scale),
            floor_w=self.floor_w,
            scale_w=scale,
            span_s=(float(runs.end_s[0]), float(runs.end_s[-1])),
            least_w=self.register.step_w / float(np.sqrt(12)),
            product_s=found.period_s if found.clocked and self.register.volts is None else None,
        )

    def _samples(self, found: Conversions, runs: RunTimes) -> Samples:
        reach = Reach()
        before = reach.latest_s + max(reach.longest_s, 1.1 * found.period_s)
        end, value = found.time_s, found.value
        first = float(runs.end_s[0] - runs.total_s[0]) + before
        inside = (end > first) & (end < float(runs.end_s[-1]) + reach.earliest_s)
        # long breaks hold nothing of the layers, and need not have the power of pauses
        run = np.maximum(np.searchsorted(runs.end_s, end) - 1, 0)
        longest = before + max(6 * runs.pause_s, 3e-3)
        inside &= end - runs.end_s[run] < longest + float(runs.total_s.max())
        return Samples(end[inside], value[inside] - self.floor_w)

    def look(
        self, problem: Mixture, found: Conversions, effort: Effort
    ) -> tuple[Mixture, list[Place]]:
        """Return the problem with the likeliest ends of runs, with coarse places."""
        period = found.clock.period_s if found.clock is not None else None
        problems = [problem]
        for ends in self.evidence.ends.also_s:
            runs = replace(self.evidence.runs, end_s=ends - self.evidence.runs.origin_s)
            problems.append(self.problem(found, runs))
        clock = problem.runs.clock
        if clock is not None and clock_range(clock) > effort.clock_moved:
            problems = [replace(p, follows=power) for p in problems for power in effort.follows]
        tried = [(p, coarse(p, period, self.averaged)) for p in problems]
        best, places = min(tried, key=lambda pair: pair[1][0].left)
        return replace(best, follows=0.0), places

    def by_sight(
        self, problem: Mixture, places: list[Place], effort: Effort
    ) -> tuple[Mixture, Conversions] | None:
        """Return the conversions under a clock that what was seen calls for, if one does."""
        late, fresh = (
            next(p for p in places if (p.timing.late_s > 0) == is_late) for is_late in (True, False)
        )
        if fresh.left <= effort.clearly * late.left:
            return None
        fresh_left = near(problem, fresh).left
        if fresh_left <= effort.slow_polls * near(problem, late).left:
            return None  # something speaks for each poll being fresh
        best: tuple[Place, ConversionClock, Mixture] | None = None
        trials: list[tuple[float, ConversionClock]] = []
        for late_s in dict.fromkeys(p.timing.late_s for p in places if p.timing.late_s > 0):
            place = next(p for p in places if p.timing.late_s == late_s)
            some = problem.with_samples(problem.samples.some(effort.timing_samples))
            rough = fit(some, near(problem, place).timing, (), rounds=1, every=False)
            seen = seen_clock(problem, rough)
            if seen is not None:
                trials.append(seen)
        for _, clock in sorted(trials, key=lambda trial: -trial[0])[:2]:
            _, ready = self._under(clock, problem, np.zeros(1), NEAR_TICK_S)
            if len(ready.samples) < effort.kept * self._possible(problem, clock):
                continue  # polls of one conversion disagree, so it was none
            place = _ticking(ready, clock)
            least = effort.sharper * fresh_left if best is None else best[0].left
            if place.left < least:
                best = (place, clock, ready)
        if best is None:
            return None
        place, clock, ready = best
        clock, _, ready = self._tighter(place, clock, ready, effort)
        _, found, ready = self._tighter(_ticking(ready, clock), clock, ready, effort)
        return ready, found

    def _tighter(
        self, place: Place, clock: ConversionClock, ready: Mixture, effort: Effort
    ) -> tuple[ConversionClock, Conversions, Mixture]:
        """Return a clock that agrees better, with its conversions, by a fit from a place."""
        polls = Samples(self.register.time_s, self.register.watts - self.floor_w)
        some = _some(ready, effort)
        near_fit = fit(some, place.timing, (*PLAIN, *DRIFTING), rounds=6, every=False)
        clock, delay, margin = tightened(ready, polls, clock, near_fit)
        return clock, *self._under(clock, ready, delay, margin)

    @staticmethod
    def _possible(problem: Mixture, clock: ConversionClock) -> float:
        """Return how many conversions a clock has, and polls can have seen, during the runs."""
        span = float(np.ptp(problem.samples.end_s))
        return min(span / clock.period_s, float(len(problem.samples)))

    def _under(
        self, clock: ConversionClock, problem: Mixture, delay: FloatArray, margin: float
    ) -> tuple[Conversions, Mixture]:
        time = self.register.time_s - delay
        found = converted(time, self.register.watts, clock, margin)
        return found, self.problem(found, problem.runs)

    def solved(
        self, problem: Mixture, found: Conversions, last: Fit, told: ToldBy | None = None
    ) -> Solved:
        """Return what was found in the end."""
        by: ToldBy = told or ("repeats" if found.clocked else "nothing")
        return Solved(
            self.register, problem.runs, found, by, problem.samples, self.floor_w, problem, last
        )
