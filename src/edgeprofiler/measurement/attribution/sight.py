"""The clock of conversions from what they saw, where polls are too slow to see it tick.

Where each poll meets a new conversion, values never repeat, and each is late by anything up to a
period. But once powers are known roughly, a value says how late it may be: what the window of that
age would have seen is known. A period and a phase under which thousands of values agree with their
ages are no accident.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.clock import ConversionClock, fit_knots
from edgeprofiler.measurement.attribution.fit import Fit
from edgeprofiler.measurement.attribution.problem import Mixture, Samples


@dataclass(frozen=True)
class Sharpness:
    """How closely ages are looked at, each with what set it."""

    ages: int = 24
    """Ages within a period: a twentieth of a period is about a layer."""
    off: float = 0.07
    """Largest departure from the period that is looked for: chips' clocks differ by 3 %."""
    peaks: int = 12
    """Strongest frequencies that are looked at closely."""
    phases: int = 96
    gain: float = 40.0
    """Least gain in log-likelihood; recordings without a clock gave up to 20 in their own units."""
    stretch: int = 250
    """Polls that tell the phase by themselves."""
    tolerance: float = 0.05
    """Standard deviation, as a share of the runs' power, by which values may miss their age's."""


def seen_clock(
    problem: Mixture, rough: Fit, sharpness: Sharpness | None = None
) -> tuple[float, ConversionClock] | None:
    """Return the clock under which polls best agree with what they saw, and the gain.

    Args:
        problem: whose samples are polls.
        rough: powers that were found with polls that may be late by a period.
        sharpness: how closely ages are looked at.
    """
    sharpness = sharpness or Sharpness()
    period = rough.timing.late_s
    ages = (np.arange(sharpness.ages) + 0.5) / sharpness.ages
    score = _scores(problem, rough, ages * period, sharpness)
    time = problem.samples.end_s - problem.samples.end_s[0]
    length = float(time[-1])
    if length < 100 * period:
        return None
    # ages turn with the phase, so a clock is a line in the spectrum of their first waves
    step = period / 12
    size = 1 << int(np.ceil(np.log2(2 * length / step)))
    wave = score @ np.exp(-2j * np.pi * ages)
    place = (time / step).astype(np.int64)
    series = np.bincount(place, wave.real, size) - 1j * np.bincount(place, wave.imag, size)
    spectrum = np.abs(np.fft.fft(series[:size]))[: size // 2]
    rates = np.arange(size // 2) / (size * step)
    close = np.flatnonzero(np.abs(rates * period - 1) < sharpness.off)
    strongest = close[np.argsort(spectrum[close])[-sharpness.peaks :]]
    trials = [
        (*_phase(time, score, rate, sharpness), rate)
        for peak in strongest
        for rate in rates[peak] + np.linspace(-1.2, 1.2, 7) / (size * step)
    ]
    gain, phase, rate = max(trials)
    for width in (0.3, 0.1):
        near = rate + np.linspace(-1, 1, 9) * width / length
        gain, phase, rate = max((*_phase(time, score, value, sharpness), value) for value in near)
    if gain < sharpness.gain:
        return None
    found = 1 / rate
    start = float(problem.samples.end_s[0]) + phase * found
    return gain, ConversionClock(found, start, np.zeros(1), np.zeros(1))


def _scores(problem: Mixture, rough: Fit, ages_s: FloatArray, sharpness: Sharpness) -> FloatArray:
    """Return the log-likelihood of each poll for each age, less its mean; (polls, ages)."""
    timing, seen = rough.timing, problem.samples.above_w
    energy = problem.energy(timing, rough.mean_w)
    plain = timing.with_values({"late_s": 0.0})
    off = np.empty((seen.size, ages_s.size))
    for place, age in enumerate(ages_s.tolist()):
        older = plain.with_values({"lag_s": timing.lag_s + age})
        off[:, place] = seen - problem.predicted(older, energy, 0.0)
    usual = float(np.quantile(np.abs(off).min(axis=1), 0.7))
    error = max(sharpness.tolerance / 5 * problem.scale_w, usual)
    score = -0.5 * np.minimum((off / error) ** 2, 16.0)
    return np.asarray(score - score.mean(axis=1, keepdims=True))


def _phase(
    time: FloatArray, score: FloatArray, rate: float, sharpness: Sharpness
) -> tuple[float, float]:
    """Return the gain of the best phase at a rate, and that phase as a share of the period."""
    phases, ages = sharpness.phases, score.shape[1]
    place = ((time * rate) % 1.0 * phases).astype(np.int64)
    table = np.stack([np.bincount(place, score[:, age], phases) for age in range(ages)], axis=1)
    ahead = (np.arange(phases)[:, None] - np.arange(phases)[None, :]) % phases
    age = ahead * ages // phases
    total = table[np.arange(phases)[:, None], age].sum(axis=0)
    best = int(np.argmax(total))
    return float(total[best]), (best + 0.5) / phases


def tightened(
    problem: Mixture,
    polls: Samples,
    clock: ConversionClock,
    found: Fit,
    sharpness: Sharpness | None = None,
) -> tuple[ConversionClock, FloatArray, float]:
    """Return a better clock, how late after its tick each poll sees a new value, and the doubt.

    What the fitted timing drifts by is the clock's; ticks come from there. When a poll begins to
    see the new value is another matter: reads may be late. Both are doubts of a period's part.

    Args:
        problem: whose samples are the conversions under that clock.
        polls: all polls.
        clock: as found so far.
        found: powers and timing under it.
        sharpness: how closely ages are looked at.
    """
    sharpness = sharpness or Sharpness()
    everywhere = problem.with_samples(polls)
    timing = found.timing
    late = timing.drift_s * everywhere.line() + timing.bend_s * everywhere.bow()
    spread = np.linspace(0, late.size - 1, 9).astype(np.int64)
    clock = clock.moved(polls.end_s[spread], -late[spread])
    timing = timing.with_values({"drift_s": 0.0, "bend_s": 0.0})
    beats = clock.beats(polls.end_s)
    nearest = np.rint(beats)
    at_ticks = problem.with_samples(Samples(clock.ticks(nearest), polls.above_w))
    energy = problem.energy(timing, found.mean_w)
    new = polls.above_w - at_ticks.predicted(timing, energy, 0.0)
    older = timing.with_values({"lag_s": timing.lag_s + clock.period_s})
    old = polls.above_w - at_ticks.predicted(older, energy, 0.0)
    error = float(np.median(found.deviation))
    # how much likelier it is that a poll still saw the conversion before the nearest tick
    before = 0.5 * (np.minimum((new / error) ** 2, 16.0) - np.minimum((old / error) ** 2, 16.0))
    first, last = float(problem.runs.end_s[0]) + 0.03, float(problem.runs.end_s[-1]) - 0.01
    inside = np.flatnonzero((polls.end_s > first) & (polls.end_s < last))
    count = int(np.clip(inside.size // sharpness.stretch, 1, 60))
    parts = np.array_split(inside, count)
    rows = np.array([_border((beats - nearest)[part], before[part]) for part in parts])
    middle = np.array([float(polls.end_s[part].mean()) for part in parts])
    knots, shift = fit_knots(middle, rows[:, 0], rows[:, 1])
    delay = np.interp(polls.end_s, knots, shift) * clock.period_s
    return clock, delay, 1.5 * float(np.median(rows[:, 1])) * clock.period_s


def _border(away: FloatArray, before: FloatArray) -> tuple[float, float]:
    """Return where, around a tick, polls begin to see the new conversion, with its error."""
    order = np.argsort(away)
    gain = np.concatenate([[0.0], np.cumsum(before[order])])
    edge = np.concatenate([[-0.5], away[order], [0.5]])
    middle, width = 0.5 * (edge[:-1] + edge[1:]), np.diff(edge)
    weight = np.exp(np.maximum(0.5 * (gain - gain.max()), -30.0)) * width
    weight /= weight.sum()
    mean = float((weight * middle).sum())
    return mean, float(np.sqrt((weight * (middle - mean) ** 2).sum())) + 1e-3
