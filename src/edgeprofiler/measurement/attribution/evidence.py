"""What a recording holds for attribution: registers as they were polled, runs, power at rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.measurement.attribution.clock import find_clock
from edgeprofiler.measurement.attribution.conversions import Conversions, converted
from edgeprofiler.measurement.attribution.runs import RunTimes
from edgeprofiler.measurement.attribution.stamps import Ends, ends_of
from edgeprofiler.measurement.recording import PowerTrace, Recording

MIN_IDLE_POLLS = 50


@dataclass(frozen=True, eq=False)
class Register:
    """One value that a chip holds between conversions: a rail's current, or its power."""

    rail: str
    time_s: FloatArray
    """Of polls that gave something, in the runs' clock."""
    watts: FloatArray
    """A current at the rail's usual voltage; shape (polls,)."""
    step_w: float
    """The smallest step by which it moves; 0 where none shows."""
    floor_w: float
    """Its power at rest; the lowest that it had where that was not recorded."""
    volts: FloatArray | None = None
    """The rail's voltage as its own register gave it; `None` where only power was recorded."""


@dataclass(frozen=True, eq=False)
class Idle:
    """Power of the board at rest before and after the runs; NaN where it was not recorded."""

    before_w: float
    after_w: float
    noise_w: float
    """Standard deviation of one conversion at rest."""

    @property
    def mean_w(self) -> float:
        """Mean of what was recorded."""
        known = [w for w in (self.before_w, self.after_w) if np.isfinite(w)]
        return float(np.mean(known)) if known else float("nan")


@dataclass(frozen=True, eq=False)
class Evidence:
    """A recording made ready: runs and registers on one clock."""

    runs: RunTimes
    ends: Ends
    registers: tuple[Register, ...]
    """Of the rails that make up the board."""
    idle: Idle
    polls: int

    @property
    def chief(self) -> int:
        """Which register moves most: its clock and timing stand for the board's."""
        return int(np.argmax([np.ptp(register.watts) for register in self.registers]))

    @cached_property
    def conversions(self) -> tuple[Conversions, ...]:
        """Conversions of each register, as repeated values tell them."""
        return tuple(
            converted(r.time_s, r.watts, find_clock(r.time_s, r.watts)) for r in self.registers
        )

    @property
    def floor_w(self) -> float:
        """Power of the board at rest; the lowest that it had where that was not recorded."""
        known = self.idle.mean_w
        return known if np.isfinite(known) else sum(r.floor_w for r in self.registers)

    def during(self, times_s: FloatArray) -> BoolArray:
        """Return which times lie between the first run's start and the last one's end."""
        first = self.runs.end_s[0] - self.runs.total_s[0]
        return np.asarray((times_s > first) & (times_s < self.runs.end_s[-1]))


def idle_of(recording: Recording) -> Idle:
    """Return idle power and the sensor's noise from the quiet before and after."""
    before, after = (
        trace if trace is not None and _polls(trace) else None
        for trace in (recording.idle_before, recording.idle_after)
    )
    noises = [_noise(trace) for trace in (before, after) if trace is not None]
    known = [noise for noise in noises if np.isfinite(noise)]
    return Idle(
        float("nan") if before is None else float(np.nanmean(before.total_w)),
        float("nan") if after is None else float(np.nanmean(after.total_w)),
        float(np.sqrt(np.mean(np.square(known)))) if known else float("nan"),
    )


def _noise(trace: PowerTrace) -> float:
    """Return the scatter within stretches of a second, in which slow drift does not count."""
    good = np.isfinite(trace.total_w)
    time, watts = trace.time_s[good], trace.total_w[good]
    if watts.size < MIN_IDLE_POLLS:
        return float("nan")
    stretch = np.unique((time - time[0]).astype(np.int64), return_inverse=True)[1]
    mean = np.bincount(stretch, watts) / np.bincount(stretch)
    freedom = max(watts.size - mean.size, 1)
    return float(np.sqrt(((watts - mean[stretch]) ** 2).sum() / freedom))


def _polls(trace: PowerTrace) -> int:
    """Return the number of readings of the board's power."""
    return int(np.isfinite(trace.total_w).sum()) if trace.total_rails else 0


def has_power(recording: Recording) -> bool:
    """Return whether a sensor gave the board's power during the runs."""
    return _polls(recording.trace) > 0


def why_no_power(recording: Recording) -> str:
    """Return why a recording has no power during the runs: never recorded, lost, or not told."""
    lost = recording.lost("power")
    if lost:
        return f"the polls of the power sensor are lost ({lost})"
    sensor = recording.device.get("sensor", "none")
    trace = recording.trace
    if trace.rails_w and not trace.total_rails:
        return f"the rails recorded ({', '.join(trace.rails_w)}) do not tell the board's power"
    if trace.rails_w or sensor != "none":
        name = "" if sensor == "none" else f" {sensor}"
        return f"the power sensor{name} gave no reading during the runs"
    return "no power sensor was recorded"


def gather(recording: Recording) -> Evidence:
    """Return a recording's runs, registers and idle on the runs' clock.

    Raises:
        InsufficientData: no complete run, no layer that takes time, or no power among them.
    """
    ends = ends_of(recording.timeline)
    runs = RunTimes.of(recording.timeline, ends.end_s, ends.slack_s)
    if len(runs) < 2 or not runs.layers:
        raise InsufficientData(
            f"{recording.name}: {len(runs)} complete runs with {runs.layers} timed layers; "
            "attribution needs at least two runs"
        )
    trace = recording.trace
    registers = tuple(_register(recording, rail, runs.origin_s) for rail in trace.total_rails)
    total = trace.total_w
    moving = total[np.isfinite(total)]
    if not moving.size or float(np.ptp(moving)) == 0:
        raise InsufficientData(
            f"{recording.name}: the sensor gave one and the same value in all "
            f"{moving.size} polls; is it reading the right rail, and is it still alive?"
        )
    found = Evidence(runs, ends, registers, idle_of(recording), len(trace))
    if not bool((found.during(trace.time_s - runs.origin_s) & np.isfinite(total)).any()):
        raise InsufficientData(
            f"{recording.name}: no power sample lies between the first and the last run; "
            "sensor and runner must use one clock"
        )
    return found


def _register(recording: Recording, rail: str, origin_s: float) -> Register:
    trace = recording.trace
    current, volts = trace.currents_a.get(rail), trace.voltages_v.get(rail)
    watts = trace.rails_w[rail]
    good = np.isfinite(watts) & np.isfinite(trace.time_s)
    if current is not None and volts is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            product = current * _middle(volts)
        if np.isfinite(product[good]).any():
            watts = product
            good &= np.isfinite(watts)
        else:
            volts = None
    watts = np.ascontiguousarray(watts[good])
    return Register(
        rail, trace.time_s[good] - origin_s, watts, _step(watts), _floor(recording, rail, watts),
        None if current is None or volts is None else volts[good],
    )  # fmt: skip


def _middle(values: FloatArray) -> float:
    """Return the median of what is finite; not finite where nothing is, or where it overflows."""
    known = values[np.isfinite(values)]
    with np.errstate(over="ignore"):
        return float(np.median(known)) if known.size else float("nan")


def _floor(recording: Recording, rail: str, watts: FloatArray) -> float:
    rests = [
        float(np.nanmean(idle.rails_w[rail]))
        for idle in (recording.idle_before, recording.idle_after)
        if idle is not None and np.isfinite(idle.rails_w.get(rail, np.empty(0))).any()
    ]
    if rests:
        return float(np.mean(rests))
    return float(np.quantile(watts, 0.01)) if watts.size else 0.0


def _step(watts: FloatArray) -> float:
    """Return the usual smallest distance of two values that a register takes."""
    values = np.unique(watts)
    steps = np.diff(values)
    steps = steps[steps > 1e-9]
    return float(np.median(steps)) if steps.size and steps.size < watts.size // 4 else 0.0
