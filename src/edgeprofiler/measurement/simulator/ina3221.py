"""An INA3221 that looks at a world of power steps: integrate, smooth, quantise, hold, be polled."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.simulator.model import SensorModel

Steps = Iterable[tuple[FloatArray, FloatArray]]


def poll(
    steps: Steps, sensor: SensorModel, length_s: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return times and watts of all polls of a world that lasts `length_s`."""
    ends = _conversion_ends(sensor, length_s, rng)
    values = convert(steps, sensor, ends, rng)
    updates = ends[sensor.averaging - 1 :: sensor.averaging]
    held = values[: len(updates) * sensor.averaging].reshape(-1, sensor.averaging).mean(axis=1)
    held = quantise(held, sensor)
    ticks = np.arange(int(length_s * sensor.poll_hz)) / sensor.poll_hz
    late = np.abs(rng.normal(0.0, sensor.poll_jitter_s, ticks.size)) if sensor.poll_jitter_s else 0
    time = np.maximum.accumulate(ticks + late)
    index = np.searchsorted(updates + sensor.lag_s, time, side="right") - 1
    seen = index >= 0
    return time[seen], held[index[seen]]


def _conversion_ends(sensor: SensorModel, length_s: float, rng: np.random.Generator) -> FloatArray:
    period = sensor.period_s * (1 + sensor.clock_ppm * 1e-6 * rng.choice([-1.0, 1.0]))
    count = int(length_s / period) - 1
    ends = sensor.window_s + rng.uniform(0, period) + np.arange(count) * period
    wander = 0.1 * sensor.clock_ppm * 1e-6 * length_s / (2 * np.pi)
    ends += wander * np.sin(2 * np.pi * (ends / length_s + rng.uniform()))
    return np.asarray(ends[(ends > sensor.window_s) & (ends < length_s)])


def convert(
    steps: Steps, sensor: SensorModel, ends: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the mean power in the window before each end, smoothed by the rail, with noise."""
    begin = ends - sensor.window_s
    queries = np.concatenate([begin, ends])
    order = np.argsort(queries, kind="stable")
    energy = np.empty(queries.size)
    energy[order] = smoothed_energy(steps, queries[order], sensor.rail_time_constant_s)
    mean = (energy[ends.size :] - energy[: ends.size]) / sensor.window_s
    return np.asarray(mean + rng.normal(0.0, 1.0, ends.size) * sensor.noise_w)


def smoothed_energy(steps: Steps, times: FloatArray, constant_s: float) -> FloatArray:
    """Return the energy in joules up to each of `times` (ascending), behind a first-order rail."""
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


def quantise(power_w: FloatArray, sensor: SensorModel) -> FloatArray:
    """Return power as the product of a quantised voltage and a quantised current."""
    voltage = sensor.voltage_v
    if sensor.voltage_step_v:
        voltage = round(voltage / sensor.voltage_step_v) * sensor.voltage_step_v
    current = power_w / sensor.voltage_v
    if sensor.current_step_a:
        current = np.round(current / sensor.current_step_a) * sensor.current_step_a
    return np.asarray(voltage * current)
