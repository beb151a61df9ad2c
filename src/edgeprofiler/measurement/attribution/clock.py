"""The clock of a sensor's conversions, told from polls that repeat a value and polls that do not.

Between two polls of one value no conversion ended (or two conversions gave the same value, which
happens); between two polls of different values one did. A clock is the period and phase that
explain the most of these, over all polls at once: one odd poll is one piece of evidence among
thousands and shifts nothing. Conversions may last less than two polls, and a little less than one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray, IntArray

HOLE_POLLS = 20
"""Polls that lie farther apart than so many usual steps tell nothing."""

STRETCH_CHANGES = 150
"""Changes of value that one stretch of the session needs to tell the clock's phase by itself."""

SEARCHED = 4000
"""Pairs of neighbours that a search for the period looks at; the final phase uses all."""


@dataclass(frozen=True)
class ClockLimits:
    """When a clock is believed.

    Set on 240 recordings without one (a conversion at each poll; polls slower than conversions):
    the largest gain by chance was 16.
    """

    gain: float = 30.0
    """Least gain in log-likelihood over changes without rhythm."""
    off_beat: float = 0.08
    """Largest share of changes among pairs between which no conversion ended."""
    on_beat: float = 3.0
    """Changes must be so much more frequent where a conversion ended."""


@dataclass(frozen=True, eq=False)
class ConversionClock:
    """When conversions can first be read: `phase_s + n * period_s`, but for a slow wander."""

    period_s: float
    phase_s: float
    knot_s: FloatArray
    """Times between which the wander is taken as linear; one time: it is constant."""
    wander_s: FloatArray
    sure_s: float = 0.0
    """Standard error of a tick."""

    def wander(self, times_s: FloatArray) -> FloatArray:
        """Return how late the clock is at some times."""
        return np.interp(times_s, self.knot_s, self.wander_s)

    def beats(self, times_s: FloatArray) -> FloatArray:
        """Return the number of conversions up to each time, with the part of the next."""
        return np.asarray((times_s - self.phase_s - self.wander(times_s)) / self.period_s)

    def ticks(self, numbers: IntArray | FloatArray) -> FloatArray:
        """Return when conversions of these numbers could be read."""
        even: FloatArray = np.asarray(self.phase_s + numbers * self.period_s, np.float64)
        return np.asarray(even + self.wander(even))

    def moved(self, times_s: FloatArray, shift_s: FloatArray) -> ConversionClock:
        """Return this clock with its wander changed by a shift that is linear between times."""
        knots = np.union1d(self.knot_s, times_s)
        return replace(
            self, knot_s=knots, wander_s=self.wander(knots) + np.interp(knots, times_s, shift_s)
        )


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Pairs of neighbouring polls, and whether the value changed between them."""

    first_s: FloatArray
    second_s: FloatArray
    changed: BoolArray

    def take(self, chosen: BoolArray | IntArray) -> Neighbours:
        """Return some of the pairs."""
        return Neighbours(self.first_s[chosen], self.second_s[chosen], self.changed[chosen])

    def within(self, start_s: float, stop_s: float, most: int) -> Neighbours:
        """Return at most `most` pairs that lie between two times, the same ones each time."""
        chosen = np.flatnonzero((self.first_s >= start_s) & (self.second_s <= stop_s))
        if chosen.size > most:
            keep = np.random.default_rng(chosen.size).choice(chosen.size, most, replace=False)
            chosen = chosen[np.sort(keep)]
        return self.take(chosen)


def neighbours(time_s: FloatArray, value: FloatArray, least: float = 0.0) -> Neighbours:
    """Return the pairs of neighbouring polls, without those that have a hole between them.

    Values that differ by no more than `least` count as the same.
    """
    step = np.diff(time_s)
    whole = (step < HOLE_POLLS * float(np.median(step))) & (step > 0)
    changed = np.abs(np.diff(value)) > least
    return Neighbours(time_s[:-1][whole], time_s[1:][whole], changed[whole])


def find_clock(
    time_s: FloatArray,
    value: FloatArray,
    limits: ClockLimits | None = None,
    *,
    period_s: float | None = None,
) -> ConversionClock | None:
    """Return the clock of the conversions behind some polls; `None` where none shows.

    Args:
        time_s: when each poll was, ascending.
        value: what it gave: of one register alone, for two that convert in turn change twice.
        limits: when a clock is believed.
        period_s: of another register of the chip; looked for if `None`.
    """
    limits = limits or ClockLimits()
    moves = np.abs(np.diff(value))
    moves = moves[moves > 0]
    if moves.size < 20:
        return None
    # a product of two registers moves twice a conversion, but for the voltage's sake only a little
    for least in (0.0, float(np.median(moves))):
        found = _find(neighbours(time_s - time_s[0], value, least), limits, period_s)
        if found is not None:
            return replace(
                found, phase_s=found.phase_s + time_s[0], knot_s=found.knot_s + time_s[0]
            )
    return None


def _find(pairs: Neighbours, limits: ClockLimits, period_s: float | None) -> ConversionClock | None:
    if int(pairs.changed.sum()) < 20 or bool(pairs.changed.all()):
        return None
    if period_s is None:
        rate = _rate(pairs)
        if rate is None:
            return None
        period_s = 1 / rate
    clock = _tracked(pairs, period_s)
    # the wander is followed now, so that all pairs can be judged at once
    first, second = clock.beats(pairs.first_s), clock.beats(pairs.second_s)
    gain, on, off = _evidence(Neighbours(first, second, pairs.changed), 1.0, 512)
    best = int(np.argmax(gain))
    if gain[best] < limits.gain or off[best] > limits.off_beat:
        return None
    return None if on[best] < limits.on_beat * off[best] else clock


def _rate(pairs: Neighbours) -> float | None:
    """Return the number of conversions a second, good enough to be followed over the session."""
    length = float(pairs.second_s[-1])
    usual = float(np.median(pairs.second_s - pairs.first_s))
    stretch = min(max(4.0, 400 * usual), length)
    middle = 0.5 * length
    some = pairs.within(middle - stretch / 2, middle + stretch / 2, SEARCHED)
    if some.changed.size < 20:
        return None
    found: list[tuple[float, float]] = []
    for rate in _candidates(pairs, usual, stretch):
        near = rate + np.linspace(-1.1, 1.1, 23) / stretch
        gains = [float(_evidence(some, 1 / value, 64)[0].max()) for value in near if value > 0]
        place = int(np.argmax(gains))
        found.append((gains[place], float(near[place])))
    if not found:
        return None
    # a fine grid decides: ticks that are rare among polls are lost between steps of a coarse one
    return max(_refined(some, rate, stretch) for _, rate in sorted(found)[-4:])[1]


def _refined(pairs: Neighbours, rate: float, stretch: float) -> tuple[float, float]:
    """Return the gain of the best rate near one, and that rate."""
    best = 0.0
    for width in (0.12, 0.03):
        near = rate + np.linspace(-1, 1, 13) * width / stretch
        gains = [float(_evidence(pairs, 1 / value, 256)[0].max()) for value in near]
        best = max(gains)
        weight = np.exp(np.maximum(np.array(gains) - best, -50.0))
        rate = float((weight * near).sum() / weight.sum())
    return best, rate


def _candidates(pairs: Neighbours, usual: float, stretch: float) -> list[float]:
    """Return rates at which changes of value are periodic, the strongest first."""
    length = float(pairs.second_s[-1])
    step = usual / 6
    size = 1 << int(np.ceil(np.log2(stretch / step)))
    middle = 0.5 * (pairs.first_s + pairs.second_s)
    # less the mean over all pairs: the rhythm of the polls themselves drops out
    weight = pairs.changed - float(pairs.changed.mean())
    power = np.zeros(size // 2 + 1)
    for part in range(max(int(length / stretch), 1)):
        inside = (middle >= part * stretch) & (middle < (part + 1) * stretch)
        if int(inside.sum()) < 20:
            continue
        place = ((middle[inside] - part * stretch) / step).astype(np.int64)
        series = np.bincount(place, weights=weight[inside], minlength=size)[:size]
        power += np.abs(np.fft.rfft(series)) ** 2
    rates = np.arange(power.size) / (size * step)
    lowest, highest = 1 / min(400 * usual, length / 10), 1 / (0.8 * usual)
    power[(rates < lowest) | (rates > highest)] = 0.0
    result: list[float] = []
    for rank in range(6):
        strongest = int(np.argmax(power))
        if power[strongest] <= 0:
            break
        power[max(strongest - 3, 0) : strongest + 4] = 0.0
        multiples = (1.0, 0.5, 2.0, 1 / 3, 3.0) if rank < 3 else (1.0,)
        for multiple in multiples:
            rate = float(rates[strongest]) * multiple
            if lowest < rate < highest and all(abs(r - rate) > 0.5 / stretch for r in result):
                result.append(rate)
    return result


def _evidence(
    pairs: Neighbours, period: float, bins: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return, for phases, the gain in log-likelihood and the shares of changes on and off beat."""
    long = pairs.second_s - pairs.first_s >= period
    count = np.array([[int(((pairs.changed == c) & long).sum())] for c in (False, True)])
    short = pairs.take(~long)
    parts = [short.take(short.changed == c) for c in (False, True)]
    covered = [_covered(part.first_s, part.second_s, period, bins) for part in parts]
    held_on, changed_on = covered[0] + count[0], covered[1] + count[1]
    changed, held = int(pairs.changed.sum()), int((~pairs.changed).sum())
    changed_off, held_off = changed - changed_on, held - held_on
    gain = _likelihood(changed_on, held_on) + _likelihood(changed_off, held_off)
    gain -= float(_likelihood(np.array([changed]), np.array([held]))[0])
    on = changed_on / np.maximum(changed_on + held_on, 1)
    off = (changed_off + 0.5) / (changed_off + held_off + 1)
    return np.where(on > off, gain, 0.0), on, off


def _covered(first: FloatArray, second: FloatArray, period: float, bins: int) -> IntArray:
    """Return how many of some intervals, none as long as a period, hold each phase."""
    start = first / period
    whole = np.floor(start)
    low = np.ceil((start - whole) * bins - 0.5).astype(np.int64)
    high = np.ceil((second / period - whole) * bins - 0.5).astype(np.int64)
    size = 2 * bins + 2
    edge = np.bincount(low, minlength=size)[:size] - np.bincount(high, minlength=size)[:size]
    inside = np.cumsum(edge)
    return np.asarray(inside[:bins] + inside[bins : 2 * bins])


def _likelihood(changed: IntArray, held: IntArray) -> FloatArray:
    """Return the log-likelihood of so many changes with the share that fits them best."""
    total = np.maximum(changed + held, 1e-9)
    share = np.clip(changed / total, 1e-6, 1 - 1e-6)
    return np.asarray(changed * np.log(share) + held * np.log(1 - share))


PHASES = 512
"""Phases at which a stretch is judged."""


_TURN = (np.arange(PHASES) + 0.5) / PHASES


def _tracked(pairs: Neighbours, period: float) -> ConversionClock:
    """Follow the phase from the middle of the session to both ends, and smooth what is found."""
    changes = np.cumsum(pairs.changed)
    count = max(int(changes[-1]) // STRETCH_CHANGES, 1)
    borders = np.searchsorted(changes, np.linspace(0, changes[-1], count + 1))
    borders[-1] = changes.size
    parts = [np.arange(borders[n], borders[n + 1]) for n in range(count)]
    times = np.array([float(pairs.first_s[part].mean()) for part in parts])
    phase, error = np.zeros(count), np.zeros(count)
    half = count // 2
    for order in (range(half, count), range(half - 1, -1, -1)):
        for n in order:
            expected = _expected(times, phase, n, half)
            phase[n], error[n] = _phase(pairs.take(parts[n]), period, expected)
    return _smooth(times, phase, error, period)


def _expected(times: FloatArray, phase: FloatArray, n: int, half: int) -> float | None:
    """Return the phase of a stretch as its neighbours towards the middle foretell it."""
    if n == half:
        return None
    known = np.arange(max(n - 4, half), n) if n > half else np.arange(n + 1, min(n + 5, half + 1))
    if known.size < 3:
        return float(phase[known].mean())
    line = np.polyfit(times[known] - times[n], phase[known], 1)
    return float(line[1])


def _phase(pairs: Neighbours, period: float, expected: float | None) -> tuple[float, float]:
    """Return the phase, in seconds, that a stretch shows, and its standard error."""
    gain, _, _ = _evidence(pairs, period, PHASES)
    middle = float(_TURN[int(np.argmax(gain))]) if expected is None else expected / period
    away = (_TURN - middle + 0.5) % 1.0 - 0.5
    near = np.abs(away) < 0.35
    weight = np.where(near, np.exp(np.maximum(gain - gain[near].max(), -40.0)), 0.0)
    weight /= weight.sum()
    mean = float((weight * away).sum())
    spread = float(np.sqrt((weight * (away - mean) ** 2).sum()))
    # phases between two steps of the grid look alike
    return (middle + mean) * period, (spread + 0.3 / PHASES) * period


def _smooth(
    times: FloatArray, phase: FloatArray, error: FloatArray, period: float
) -> ConversionClock:
    """Return the clock whose wander needs no more knots than the stretches' phases call for."""
    knots, shift = fit_knots(times, phase, error)
    if knots.size > 1:  # a straight line is another period
        slope = float(np.polyfit(knots, shift, 1)[0])
        start = float(shift[0]) - slope * float(knots[0])
        longer = period * (1 + slope)
        even = start * (1 + slope)
        return ConversionClock(
            longer, even, knots, shift - start - slope * knots, float(error.min())
        )
    return ConversionClock(period, float(shift[0]), knots, np.zeros(1), float(error.min()))


def fit_knots(
    times: FloatArray, value: FloatArray, error: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return knots and values of the simplest broken line through uncertain points.

    How many knots is decided by Schwarz's criterion; single points that are far off count little.
    """
    count = times.size
    best: tuple[float, FloatArray, FloatArray] | None = None
    for size in (1, 2, 3, 5, 9, 17, 33):
        if size > max(count // 3, min(count, 2)):
            break
        knots = np.linspace(times[0], times[-1], size) if size > 1 else times[:1]
        basis = hats(times, knots)
        weight = 1 / error**2
        for _ in range(3):
            gram = basis.T @ (basis * weight[:, None])
            gram += np.eye(size) * 1e-9 * float(np.trace(gram))
            shift = np.linalg.solve(gram, basis.T @ (weight * value))
            off = np.abs(value - basis @ shift) / error
            weight = np.minimum(1.0, 4.0 / np.maximum(off, 1e-9)) ** 2 / error**2
        cost = float(np.minimum(off**2, 16.0).sum()) + 1.5 * size * float(np.log(count + 1))
        if best is None or cost < best[0]:
            best = (cost, knots, shift)
    assert best is not None
    return best[1], best[2]


def hats(times: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the weight of each knot at each time, linear between knots; (times, knots)."""
    if knots.size == 1:
        return np.ones((times.size, 1))
    step = float(knots[1] - knots[0])
    inside = np.clip(times, knots[0], knots[-1])
    return np.asarray(np.maximum(1 - np.abs(inside[:, None] - knots) / step, 0.0))
