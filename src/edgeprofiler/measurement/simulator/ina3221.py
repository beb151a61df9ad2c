"""An INA3221 that looks at a world of power steps: integrate, smooth, round, hold, be polled.

Current and voltage have registers of their own: the voltage is converted after the current.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.recording import PowerTrace
from edgeprofiler.measurement.simulator.model import SensorModel

Steps = Iterable[tuple[FloatArray, FloatArray]]

WANDER_S = 300.0
"""Time in which the sensor's oscillator wanders there and back, as a room's temperature does."""

DRAWN = 4096
"""Random numbers drawn at once, so that any stretch of the past comes out the same again."""

SETTLED = 25
"""Rail time constants before a stretch from which smoothing must be followed."""

_JITTER, _CURRENT, _VOLTAGE, _ODD, _WAIT = 71, 31, 32, 33, 34


@dataclass(frozen=True, eq=False)
class Chip:
    """One chip, drawn by seed; any stretch of the past may be asked for, again and again."""

    sensor: SensorModel
    seed: int
    phase_s: float
    period_s: float
    turn: float
    """Where in its wander the oscillator begins."""

    @staticmethod
    def draw(sensor: SensorModel, seed: int, origin_s: float = 0.0) -> Chip:
        """Return the chip of a seed; its clock begins about `origin_s`."""
        rng = np.random.default_rng([seed, 61])
        error = sensor.clock_ppm * 1e-6 * float(rng.choice([-1.0, 1.0]))
        phase = origin_s + float(rng.uniform(0, sensor.period_s))
        return Chip(sensor, seed, phase, sensor.period_s * (1 + error), float(rng.uniform()))

    def ends(self, number: IntArray) -> FloatArray:
        """Return when conversions of the current end."""
        even = self.phase_s + number * self.period_s
        wander = 0.1 * self.sensor.clock_ppm * 1e-6 * WANDER_S / (2 * np.pi)
        return np.asarray(even + wander * np.sin(2 * np.pi * (even / WANDER_S + self.turn)))

    def last_before(self, time_s: FloatArray) -> IntArray:
        """Return the number of the last value of the current that was ready at each time."""
        update = self.period_s * self.sensor.averaging
        number = np.floor((time_s - self.phase_s) / update).astype(np.int64) + 1
        late = self.ends(number * self.sensor.averaging) > time_s
        while bool(late.any()):
            number = number - late
            late = self.ends(number * self.sensor.averaging) > time_s
        return number

    def poll_times(self, start_s: float, end_s: float) -> FloatArray:
        """Return when polls between two times are done."""
        sensor = self.sensor
        first = int(np.ceil(start_s * sensor.poll_hz))
        ticks = np.arange(first, int(np.floor(end_s * sensor.poll_hz)) + 1)
        late = np.abs(self._normal(_JITTER, ticks)) * sensor.poll_jitter_s
        time = np.maximum.accumulate(ticks / sensor.poll_hz + late)
        return np.asarray(time[(time >= start_s) & (time <= end_s)])

    def trace(
        self, steps: Callable[[float, float], Steps], start_s: float, end_s: float
    ) -> PowerTrace:
        """Return all polls between two times of a world that is asked for steps of power."""
        sensor = self.sensor
        if sensor.waits:
            time, current, voltage = self._waited(start_s, end_s)
        else:
            time = self.poll_times(start_s, end_s)
            current = self.last_before(time - sensor.lag_s)
            voltage = self.last_before(time - sensor.lag_s - sensor.window_s)
        if not time.size:
            return self._as_trace(time, time.copy(), time.copy())
        amperes = self._converted(steps, current, 0.0, _CURRENT)
        odd = np.random.default_rng([self.seed, _ODD, int(start_s * 1e3)])
        amperes = amperes + sensor.current_step_a * (
            odd.choice([-1.0, 1.0], time.size) * (odd.random(time.size) < sensor.odd_polls)
        )
        drawn = self._converted(steps, voltage, sensor.window_s, _VOLTAGE, measured=False)
        volts = sensor.voltage_v - sensor.sag_ohm * drawn
        volts = volts + self._normal(_VOLTAGE, voltage) * sensor.voltage_noise_v
        return self._as_trace(time, amperes, in_steps(volts, sensor.voltage_step_v))

    def _as_trace(self, time: FloatArray, amperes: FloatArray, volts: FloatArray) -> PowerTrace:
        rails = (self.sensor.rail,)
        if self.sensor.registers:
            table = np.column_stack([time, volts * amperes, amperes, volts])
            return PowerTrace.of_table(table, rails, rails, rails)
        return PowerTrace.of_table(np.column_stack([time, volts * amperes]), rails, rails)

    def _converted(
        self, steps: Callable[[float, float], Steps], values: IntArray, later_s: float,
        stream: int, *, measured: bool = True,
    ) -> FloatArray:  # fmt: skip
        """Return the amperes of values, whose windows may lie later than the current's own."""
        sensor = self.sensor
        wanted, place = np.unique(values, return_inverse=True)
        members = (wanted[:, None] * sensor.averaging - np.arange(sensor.averaging)).ravel()
        ends = self.ends(members) + later_s
        mean = window_means(self._amperes(steps), ends, sensor)
        if measured:
            mean = mean + self._normal(stream, members) * sensor.noise_w / sensor.voltage_v
        held = mean.reshape(-1, sensor.averaging).mean(axis=1)
        return np.asarray(in_steps(held, sensor.current_step_a) if measured else held)[place]

    def _amperes(self, steps: Callable[[float, float], Steps]) -> Callable[[float, float], Steps]:
        def flowing(start_s: float, end_s: float) -> Iterator[tuple[FloatArray, FloatArray]]:
            for edges, power in steps(start_s, end_s):
                yield edges, amperes_of(power, self.sensor)

        return flowing

    def _waited(self, start_s: float, end_s: float) -> tuple[FloatArray, IntArray, IntArray]:
        """Return times of polls, and the numbers of the values that they met.

        At each read, the voltage's and then the current's, the kernel waits until the chip says
        that a round is done, looking at it in steps of a quarter of a round to a whole one.
        """
        rng = np.random.default_rng([self.seed, _WAIT, int(start_s * 1e3)])
        period, now = self.period_s * self.sensor.averaging, start_s
        times, current, voltage = [], [], []
        while now < end_s:
            met = []
            for _ in range(2):
                fresh = self.phase_s + np.ceil((now - self.phase_s) / period) * period
                looks = rng.uniform(0.25, 1.0, 64) * period
                waits = np.concatenate([[0.0], np.cumsum(looks)])
                now += float(waits[int(np.argmax(now + waits >= fresh))])
                met.append(now)
                now += float(rng.uniform(50e-6, 150e-6))
            if now < end_s:
                times.append(now)
                voltage.append(met[0])
                current.append(met[1])
        lag = self.sensor.lag_s
        return (
            np.array(times), self.last_before(np.array(current) - lag),
            self.last_before(np.array(voltage) - lag - self.sensor.window_s),
        )  # fmt: skip

    def _normal(self, stream: int, number: IntArray) -> FloatArray:
        """Return the normal number that belongs to each index, whatever is asked beside it."""
        block, inside = np.divmod(np.asarray(number, dtype=np.int64), DRAWN)
        result = np.empty(block.shape)
        for value in np.unique(block).tolist():
            rng = np.random.default_rng([self.seed, stream, abs(value), int(value < 0)])
            chosen = block == value
            result[chosen] = rng.normal(0.0, 1.0, DRAWN)[inside[chosen]]
        return result


def amperes_of(power_w: FloatArray, sensor: SensorModel) -> FloatArray:
    """Return the current that a supply that sags must give for a power."""
    if not sensor.sag_ohm:
        return np.asarray(power_w / sensor.voltage_v)
    half = 0.5 * sensor.voltage_v / sensor.sag_ohm
    return np.asarray(half - np.sqrt(half**2 - power_w / sensor.sag_ohm))


def window_means(
    steps: Callable[[float, float], Steps], ends: FloatArray, sensor: SensorModel
) -> FloatArray:
    """Return the mean of what flows over the window before each end, smoothed by the rail."""
    queries = np.concatenate([ends - sensor.window_s, ends])
    order = np.argsort(queries, kind="stable")
    reach = SETTLED * sensor.rail_time_constant_s
    first, last = float(queries[order[0]]), float(queries[order[-1]])
    total = np.empty(queries.size)
    total[order] = smoothed_energy(
        steps(first - reach - 1e-6, last + 1e-6), queries[order], sensor.rail_time_constant_s
    )
    return np.asarray((total[ends.size :] - total[: ends.size]) / sensor.window_s)


def smoothed_energy(steps: Steps, times: FloatArray, constant_s: float) -> FloatArray:
    """Return the integral up to each of `times` (ascending), behind a first-order rail."""
    result = np.empty(times.size)
    energy, level, done = 0.0, None, 0
    for edges, power in steps:
        lengths = np.diff(edges)
        total = energy + np.concatenate([[0.0], np.cumsum(lengths * power)])
        stop = int(np.searchsorted(times, edges[-1], side="right"))
        inside = times[done:stop]
        result[done:stop] = np.interp(inside, edges, total)
        if constant_s > 0:
            first = float(power[0]) if level is None else level
            levels = _rail_levels(lengths, power, constant_s, first)
            place = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, power.size - 1)
            decay = np.exp(-(inside - edges[place]) / constant_s)
            here = power[place] + (levels[place] - power[place]) * decay
            result[done:stop] -= constant_s * here
            level = float(levels[-1])
        energy, done = float(total[-1]), stop
    result[done:] = result[done - 1] if done else 0.0
    return result


def _rail_levels(
    lengths: FloatArray, power: FloatArray, constant_s: float, first: float
) -> FloatArray:
    """Return the smoothed power at every boundary, by doubling the reach of a linear scan."""
    keep = np.exp(-lengths / constant_s)
    add = power * (1 - keep)
    add[0] += first * keep[0]
    reach = 1
    while reach < add.size and float(keep.max()) > 1e-18:
        add[reach:] = add[reach:] + keep[reach:] * add[:-reach]
        keep[reach:] = keep[reach:] * keep[:-reach]
        keep[:reach] = 0.0
        reach *= 2
    return np.concatenate([[first], add])


def in_steps(values: FloatArray, step: float) -> FloatArray:
    """Return values in whole steps; as they are where the step is 0."""
    return np.asarray(np.round(values / step) * step if step else values)
