"""What a recording holds for attribution: runs, conversions and idle, on one clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.conversions import Conversions, find_conversions
from edgeprofiler.measurement.attribution.fit import Samples
from edgeprofiler.measurement.attribution.intervals import Runs
from edgeprofiler.measurement.recording import PowerTrace, Recording

MIN_IDLE_CONVERSIONS = 10

STRETCHES = 10
"""Stretches of a session that are judged alone."""

PHASES = 40
"""Places within a run by which it is judged whether conversions see all of it."""


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
class Session:
    """A recording made ready: one clock, distinct conversions, power above a floor."""

    runs: Runs
    conversions: Conversions
    samples: Samples
    idle: Idle


def idle_of(recording: Recording) -> Idle:
    """Return idle power and the sensor's noise from the quiet before and after."""
    traces = (recording.idle_before, recording.idle_after)
    found = [
        find_conversions(trace) if trace is not None and _polls(trace) > 1 else None
        for trace in traces
    ]
    means = [
        float(trace.total_w[np.isfinite(trace.total_w)].mean())
        if trace is not None and _polls(trace)
        else float("nan")
        for trace in traces
    ]
    noises = [c.noise_w for c in found if c is not None and len(c) >= MIN_IDLE_CONVERSIONS]
    noise = float(np.sqrt(np.mean(np.square(noises)))) if noises else float("nan")
    return Idle(means[0], means[1], noise)


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


def prepare(recording: Recording) -> Session:
    """Return a recording's runs, conversions and idle on the runs' clock.

    Raises:
        InsufficientData: no complete run, no layer that takes time, or no conversion among them.
    """
    runs = Runs.of(recording.timeline)
    if len(runs) < 2 or not runs.layers:
        raise InsufficientData(
            f"{recording.name}: {len(runs)} complete runs with {runs.layers} timed layers; "
            "attribution needs at least two runs"
        )
    conversions = find_conversions(recording.trace)
    idle = idle_of(recording)
    if conversions.time_s.size < 2:
        raise InsufficientData(
            f"{recording.name}: the sensor gave one and the same value in all "
            f"{conversions.polls} polls; is it reading the right rail, and is it still alive?"
        )
    end = conversions.time_s - runs.origin_s
    first = runs.end_s[0] - runs.total_s[0]
    inside = (end > max(first, 0.0)) & (end < runs.end_s[-1])
    if not inside.any():
        raise InsufficientData(
            f"{recording.name}: no power sample lies between the first and the last run; "
            "sensor and runner must use one clock"
        )
    value = conversions.value_w[inside]
    known = [w for w in (idle.before_w, idle.after_w) if np.isfinite(w)]
    floor = min(known) if known else 0.0
    return Session(runs, conversions, Samples(end[inside], value - floor, floor), idle)


@dataclass(frozen=True)
class Coverage:
    """Which places of a run the conversions saw."""

    seen: float
    """Share of places seen at least a fifth as often as chance would."""
    seen_at_once: float
    """The same within a tenth of the session, in the median."""

    @property
    def locked(self) -> bool:
        """Whether some part of the run was never seen."""
        return self.seen < 0.9

    @property
    def sweeping(self) -> bool:
        """Whether places were seen one after another, so that slow drift looks like layers."""
        return not self.locked and self.seen_at_once < 0.6


def coverage(runs: Runs, end_s: FloatArray, window_s: float) -> Coverage:
    """Return how evenly conversions fall on the cycle of a run, from its start to the next."""
    start = runs.end_s - runs.total_s
    middle = end_s - 0.5 * window_s
    run = np.searchsorted(start, middle, side="right") - 1
    good = (run >= 0) & (run < len(start) - 1)
    run, middle = run[good], middle[good]
    if middle.size < 10 * PHASES:
        return Coverage(1.0, 1.0)
    since = middle - start[run]
    usual = float(np.median(runs.total_s))
    place = since[since < usual] / usual  # pauses need not be seen evenly
    # fewer places where few conversions fall into runs, so that chance leaves none empty
    bins = min(PHASES, place.size // 10)
    at_once = min(PHASES, place.size // (10 * STRETCHES))
    if bins < 4:
        expected = middle.size * usual / float(np.median(np.diff(start)))
        missing = expected - place.size > 6 * np.sqrt(expected)
        return Coverage(0.0, 0.0) if missing else Coverage(1.0, 1.0)
    whole = _seen(place, bins)
    if at_once < 4:
        return Coverage(whole, 1.0)
    parts = np.array_split(place, STRETCHES)
    return Coverage(whole, float(np.median([_seen(part, at_once) for part in parts])))


def _seen(place: FloatArray, bins: int) -> float:
    counts = np.bincount(np.minimum((place * bins).astype(np.int64), bins - 1), minlength=bins)
    return float(np.mean(counts >= max(0.2 * place.size / bins, 1)))
