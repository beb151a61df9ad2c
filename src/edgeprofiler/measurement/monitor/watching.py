"""Power as it is drawn now, a line at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.monitor.measuring import live_sensor
from edgeprofiler.measurement.recording import PowerTrace
from edgeprofiler.measurement.recording.impossible import impossible
from edgeprofiler.measurement.recording.streams import power_from_energy
from edgeprofiler.measurement.sensors.protocol import Sensor, opened


@dataclass(frozen=True)
class Look:
    """What rails drew in one interval."""

    time_s: float
    """Its end, seconds since the first poll."""
    total_w: float
    """Mean of the board's power; NaN where the sensor gave none."""
    peak_w: float
    rails_w: Mapping[str, float]
    energy_j: float
    """Since the first poll, of what is known."""
    warnings: tuple[str, ...] = ()


def watch(
    sensor: Sensor | str | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    period_s: float = 1e-2,
    every_s: float = 1.0,
    times: int | None = None,
) -> Iterator[Look]:
    """Yield what the board draws, every second until nobody asks any more.

    Args:
        sensor: a sensor, the name of one, or `None` for the first that works here.
        options: options of the named sensor.
        period_s: time between polls.
        every_s: length of an interval.
        times: intervals after which it ends; never where `None`.

    Raises:
        Unavailable: no sensor works here.
        OSError: it was lost.
    """
    live = live_sensor(sensor, options or {})
    energy_j, until_s, last = 0.0, 0.0, None
    with opened(live):
        start_s = time.monotonic()
        number = 0
        while times is None or number < times:
            number += 1
            polls = _polls(live, start_s + number * every_s, period_s)
            if last is not None and live.kind == "energy":
                polls = np.concatenate([last, polls])
            last = polls[-1:]
            look = _look(live, polls, start_s)
            if np.isfinite(look.total_w):
                energy_j += look.total_w * (look.time_s - until_s)
            until_s = look.time_s
            yield replace(look, energy_j=energy_j)


def _polls(sensor: Sensor, end_s: float, period_s: float) -> FloatArray:
    """Return time and value of each rail until a moment; at least one poll."""
    rows: list[list[float]] = []
    while not rows or time.monotonic() < end_s:
        rows.append([time.monotonic(), *sensor.read()])
        time.sleep(period_s)
    return np.array(rows)


def _look(sensor: Sensor, polls: FloatArray, start_s: float) -> Look:
    table = power_from_energy(polls) if sensor.kind == "energy" else polls
    rails = {rail: table[:, n] for n, rail in enumerate(sensor.rails, 1)}
    total = PowerTrace(table[:, 0], rails, sensor.total_rails).total_w
    wrong = impossible(total)
    for mask, _ in wrong:
        total = np.where(mask, np.nan, total)
    known = total[np.isfinite(total)]
    return Look(
        float(polls[-1, 0]) - start_s,
        float(known.mean()) if len(known) else float("nan"),
        float(known.max()) if len(known) else float("nan"),
        {rail: _mean(values) for rail, values in rails.items()},
        0.0,
        tuple(f"{int(mask.sum())} readings are {what}: left out" for mask, what in wrong),
    )


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
