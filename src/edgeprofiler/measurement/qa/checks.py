"""What is looked at in a recording, each with its finding and its remedy."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.attribution.design import design
from edgeprofiler.measurement.attribution.session import (
    Session,
    coverage,
    has_power,
    prepare,
    why_no_power,
)
from edgeprofiler.measurement.attribution.timing import Timing
from edgeprofiler.measurement.recording import Recording
from edgeprofiler.measurement.recording.impossible import TOLD_AS
from edgeprofiler.measurement.recording.opening import open_recording

Level = Literal["good", "doubtful", "bad", "unknown"]
_ORDER: dict[Level, int] = {"good": 0, "unknown": 0, "doubtful": 1, "bad": 2}


@dataclass(frozen=True)
class Thresholds:
    """Where a finding becomes doubtful and where bad."""

    conversions_per_layer: tuple[float, float] = (300, 50)
    """Distinct conversions that overlap a layer: below these."""
    idle_drift: tuple[float, float] = (0.05, 0.15)
    """Change of idle from before to after, as a share of power above idle: above these."""
    seen: tuple[float, float] = (0.98, 0.9)
    sampler_cpu: tuple[float, float] = (0.06, 0.2)
    latency_change: tuple[float, float] = (0.02, 0.1)
    missed: tuple[float, float] = (0.01, 0.1)
    unread: tuple[float, float] = (0.05, 0.2)
    """Share of polls during the runs that gave no total power: above these."""
    warming_c: tuple[float, float] = (10.0, 25.0)
    jitter: tuple[float, float] = (0.15, 0.5)
    """Relative spread of a run's time from stretch to stretch: above these."""


@dataclass(frozen=True)
class Observation:
    """One finding."""

    name: str
    level: Level
    finding: str
    remedy: str = ""


@dataclass(frozen=True)
class Verdict:
    """All findings, and the worst of them."""

    checks: tuple[Observation, ...]

    @property
    def level(self) -> Level:
        """The worst level of all checks."""
        return max((check.level for check in self.checks), key=lambda level: _ORDER[level])

    def document(self) -> dict[str, Any]:
        """Return the verdict as JSON holds it."""
        return {"verdict": self.level, "checks": [asdict(check) for check in self.checks]}


def qa(
    recording: Recording | str | Path, model: str | None = None, limits: Thresholds | None = None
) -> Verdict:
    """Judge a recording: is it good enough to attribute power from?

    Args:
        recording: a recording, its folder, or a folder of the reference's raw layout.
        model: which model of a raw layout that holds several.
        limits: where a finding becomes doubtful and where bad.

    >>> import edgeprofiler
    >>> edgeprofiler.qa("recordings/lenet").level
    'bad'
    """
    recording = open_recording(recording, model)
    limits = limits or Thresholds()
    checks = [_whole(recording)]
    if not has_power(recording):
        remedy = (
            "collect again"
            if recording.lost("power")
            else "record with a sensor: edgeprofiler doctor"
        )
        why = _impossible(recording) or why_no_power(recording)
        checks.append(Observation("power", "bad", why, remedy))
    else:
        try:
            session = prepare(recording)
        except InsufficientData as error:
            checks.append(Observation("power", "bad", str(error), "collect again"))
        else:
            checks += [
                _readings(recording, limits),
                _period(session),
                _conversions(session, limits),
                _step(session, limits),
                _idle(recording, session, limits),
            ]
    checks += [
        _clocks(recording),
        _throttling(recording),
        _warming(recording, limits),
        _steady(recording, limits),
        _sampler(recording, limits),
        _missed(recording, limits),
    ]
    return Verdict(tuple(checks))


def _above(value: float, limits: tuple[float, float]) -> Level:
    if math.isnan(value):
        return "unknown"
    return "bad" if value > limits[1] else "doubtful" if value > limits[0] else "good"


def _below(value: float, limits: tuple[float, float]) -> Level:
    if math.isnan(value):
        return "unknown"
    return "bad" if value < limits[1] else "doubtful" if value < limits[0] else "good"


def _graded(name: str, level: Level, finding: str, remedy: str) -> Observation:
    """Return a finding whose remedy is needed only where it is not good."""
    return Observation(name, level, finding, "" if level == "good" else remedy)


def _whole(recording: Recording) -> Observation:
    runs, layers = recording.timeline.runs, len(recording.timeline.layer_names)
    finding = f"{runs} runs of {layers} layers"
    if not runs:
        lost = recording.lost("runs")
        finding = f"no complete run is left: {lost}" if lost else "no complete run"
        return Observation("runs", "bad", finding, "collect again")
    if not recording.complete:
        return Observation(
            "runs", "doubtful", f"{finding}; interrupted", "edgeprofiler collect --resume"
        )
    return Observation("runs", "good", finding)


def _impossible(recording: Recording) -> str:
    return next((text for text in recording.warnings if text.startswith(TOLD_AS)), "")


def _readings(recording: Recording, limits: Thresholds) -> Observation:
    lost = float(np.isnan(recording.trace.total_w).mean())
    level = _above(lost, limits.unread)
    wrong = _impossible(recording)
    if wrong:
        finding, _, remedy = wrong.partition("; see ")
        return Observation(
            "readings", level if level == "bad" else "doubtful", finding, f"see {remedy}"
        )
    return _graded(
        "readings",
        level,
        f"{lost:.1%} of the polls gave no total power",
        "see the kernel's log for errors of the sensor's bus",
    )


def _period(session: Session) -> Observation:
    found = session.conversions
    period, poll = engineering(found.period_s, "s"), engineering(found.poll_s, "s")
    if found.clocked:
        return Observation("period", "good", f"a new value every {period}, polled every {poll}")
    return Observation(
        "period", "doubtful",
        f"no clock found in the changes of value (about {period}, polled every {poll})",
        "poll at least three times a conversion, or slow the conversions down",
    )  # fmt: skip


def _conversions(session: Session, limits: Thresholds) -> Observation:
    some = session.samples.thinned(5000)
    share = (design(session.runs, some.end_s, Timing(1.1e-3))[:, :-2] > 0).mean(axis=0)
    fewest = float(share.min()) * len(session.samples)
    level = _below(fewest, limits.conversions_per_layer)
    return _graded(
        "conversions",
        level,
        f"{len(session.samples)} distinct; at least {fewest:.0f} overlap each layer",
        "record more runs",
    )


def _step(session: Session, limits: Thresholds) -> Observation:
    seen = coverage(session.runs, session.samples.end_s, 1.1e-3)
    remedy = "collect with dithered pauses between runs"
    if seen.locked:
        return Observation(
            "step", "bad",
            f"runs are locked to the sensor: it saw {seen.seen:.0%} of a run", remedy,
        )  # fmt: skip
    if seen.sweeping:
        return Observation(
            "step", "bad",
            "runs are nearly locked to the sensor: it saw one part after the other", remedy,
        )  # fmt: skip
    level = _below(seen.seen, limits.seen)
    return _graded(
        "step",
        level,
        f"the sensor saw {seen.seen:.0%} of a run's length, in no step with it",
        remedy,
    )


def _idle(recording: Recording, session: Session, limits: Thresholds) -> Observation:
    idle = session.idle
    if math.isnan(idle.mean_w):
        return Observation(
            "idle", "doubtful", "idle power was not recorded", "collect with --idle 60"
        )
    if math.isnan(idle.after_w) or math.isnan(idle.before_w):
        known = engineering(idle.mean_w, "W")
        return Observation(
            "idle", "unknown", f"{known}, on one side of the runs only: drift is unknown"
        )
    above = max(float(np.nanmean(recording.trace.total_w)) - idle.mean_w, 1e-3)
    drift = idle.after_w - idle.before_w
    level = _above(abs(drift) / above, limits.idle_drift)
    text = f"{engineering(idle.before_w, 'W')} before, {engineering(idle.after_w, 'W')} after"
    return _graded("idle", level, text, "warm the board up before collecting")


def _clocks(recording: Recording) -> Observation:
    before, after = recording.state_before, recording.state_after
    pinned = [s.clocks_pinned for s in (before, after) if s is not None]
    if False in pinned:
        return Observation("clocks", "doubtful", "not pinned", "sudo jetson_clocks")
    if before is not None and after is not None:
        moved = [
            name
            for name, hertz in before.clocks_hz.items()
            if hertz > 0 and abs(after.clocks_hz.get(name, hertz) / hertz - 1) > 0.02
        ]
        if moved:
            return Observation(
                "clocks", "doubtful", f"{', '.join(moved)} changed", "sudo jetson_clocks"
            )
    if True in pinned:
        return Observation("clocks", "good", "pinned")
    return Observation("clocks", "unknown", "not recorded")


def _throttling(recording: Recording) -> Observation:
    states = [s for s in (recording.state_before, recording.state_after) if s is not None]
    reasons = sorted({reason for s in states for reason in s.throttle_reasons})
    if any(s.throttled for s in states):
        why = f": {', '.join(reasons)}" if reasons else ""
        return Observation(
            "throttling", "bad", f"the device throttled{why}", "cool it, or lower its mode"
        )
    if any(s.throttled is False for s in states):
        return Observation("throttling", "good", "none")
    return Observation("throttling", "unknown", "not recorded")


def _warming(recording: Recording, limits: Thresholds) -> Observation:
    before, after = recording.state_before, recording.state_after
    both = (
        sorted(before.temperatures_c.keys() & after.temperatures_c.keys())
        if before is not None and after is not None
        else []
    )
    if before is None or after is None or not both:
        return Observation("temperature", "unknown", "not recorded")
    name = max(both, key=lambda key: after.temperatures_c[key] - before.temperatures_c[key])
    first, last = before.temperatures_c[name], after.temperatures_c[name]
    level = _above(last - first, limits.warming_c)
    return _graded(
        "temperature",
        level,
        f"{name} {first:.0f} to {last:.0f} C",
        "warm the board up before collecting",
    )


def _steady(recording: Recording, limits: Thresholds) -> Observation:
    total = np.nansum(recording.timeline.duration_s, axis=1)
    if total.size < 20 or not float(total.mean()) > 0:
        return Observation("steadiness", "unknown", "too few runs")
    pieces = [float(np.median(piece)) for piece in np.array_split(total, 20)]
    spread = float(np.ptp(pieces)) / float(np.median(pieces))
    level = _above(spread, limits.jitter)
    return _graded(
        "steadiness",
        level,
        f"a run's time moves by {spread:.1%} over the session",
        "pin the clocks: sudo jetson_clocks",
    )


def _sampler(recording: Recording, limits: Thresholds) -> Observation:
    share, change = recording.sampler.cpu_share, recording.sampler.latency_change
    level = max(
        _above(share, limits.sampler_cpu),
        _above(change, limits.latency_change),
        key=lambda found: _ORDER[found],
    )
    if math.isnan(share) and math.isnan(change):
        return Observation("sampler", "unknown", "its cost was not measured")
    parts = [] if math.isnan(share) else [f"{share:.1%} of a core"]
    if not math.isnan(change):
        parts.append(f"latency {change:+.1%} with it on")
    return _graded("sampler", level, ", ".join(parts), "poll less often")


def _missed(recording: Recording, limits: Thresholds) -> Observation:
    ticks, missed = recording.sampler.ticks, recording.sampler.missed_ticks
    if ticks <= 0:
        return Observation("ticks", "unknown", "not recorded")
    level = _above(missed / ticks, limits.missed)
    return _graded(
        "ticks",
        level,
        f"{missed} of {ticks} missed ({missed / ticks:.2%})",
        "poll less often, or leave a core to the sampler",
    )
