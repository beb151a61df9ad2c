"""What is looked at in a recording, each with its finding and its remedy."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.attribution.conversions import Conversions
from edgeprofiler.measurement.attribution.coverage import coverage
from edgeprofiler.measurement.attribution.evidence import (
    Evidence,
    gather,
    has_power,
    why_no_power,
)
from edgeprofiler.measurement.attribution.forecast import Forecast, forecast
from edgeprofiler.measurement.attribution.problem import Samples
from edgeprofiler.measurement.attribution.timing import NOMINAL_WINDOW_S
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
    layer_error: tuple[float, float] = (0.1, 0.25)
    """Expected error of layers' powers: above these. One value for all layers is 0.2 to 0.3 off."""
    coarse_stamps: tuple[float, float] = (0.02, 0.2)
    """Steps of the profiler's clock, as a share of a run: above these."""
    idle_drift: tuple[float, float] = (0.05, 0.15)
    """Change of idle from before to after, as a share of runs' power above idle: above these."""
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
        lost = recording.lost("power")
        remedy = "collect again" if lost else "record with a sensor: edgeprofiler doctor"
        why = _impossible(recording) or why_no_power(recording)
        checks.append(Observation("power", "bad", why, remedy))
    else:
        try:
            ready = _Ready.of(recording)
        except InsufficientData as error:
            checks.append(Observation("power", "bad", str(error), "collect again"))
        else:
            checks += [
                _readings(recording, limits),
                _registers(ready),
                _period(ready),
                _stamps(ready, limits),
                _conversions(ready, limits),
                _layers(ready, limits),
                _step(ready, limits),
                _idle(recording, ready, limits),
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
    return _above(-value, (-limits[0], -limits[1]))


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
    finding = f"{lost:.1%} of the polls gave no total power"
    return _graded(
        "readings", level, finding, "see the kernel's log for errors of the sensor's bus"
    )


@dataclass(frozen=True, eq=False)
class _Ready:
    """What attribution would begin with."""

    evidence: Evidence
    conversions: Conversions
    samples: Samples
    """Conversions during the runs, above idle."""
    window_s: float
    """What a conversion integrates, as an INA3221 does: a sixth of a round, or half of a short."""
    forecast: Forecast

    @staticmethod
    def of(recording: Recording) -> _Ready:
        evidence = gather(recording)
        found = evidence.conversions[evidence.chief]
        inside = evidence.during(found.time_s)
        floor = evidence.registers[evidence.chief].floor_w
        samples = Samples(found.time_s[inside], found.value[inside] - floor)
        short = found.clocked and found.period_s < SHORT_ROUND_S
        window = 0.5 * found.period_s if short else NOMINAL_WINDOW_S
        told = forecast(evidence.runs, samples, window, evidence.idle.noise_w)
        return _Ready(evidence, found, samples, window, told)


SHORT_ROUND_S = 2e-3
"""A round that is shorter is of one channel, whose current takes half of it."""

ISOLATED_S = 1.5
"""A layer alone takes a second of running, and half of one around it."""


def _registers(ready: _Ready) -> Observation:
    apart = [register.rail for register in ready.evidence.registers if register.volts is not None]
    if apart:
        return Observation("registers", "good", f"current and voltage apart: {', '.join(apart)}")
    return Observation(
        "registers", "unknown",
        "power only; where a chip converts current and voltage in turn their product is of no "
        "one moment",
        "record with a sensor that gives both",
    )  # fmt: skip


def _period(ready: _Ready) -> Observation:
    found = ready.conversions
    period, poll = engineering(found.period_s, "s"), engineering(found.poll_s, "s")
    if found.clocked:
        return Observation("period", "good", f"a new value every {period}, polled every {poll}")
    return Observation(
        "period", "doubtful",
        f"values do not repeat between polls ({poll} apart), so that their clock does not show",
        "poll 1.2 times a conversion or more (`collect --period`), or slower conversions",
    )  # fmt: skip


def _stamps(ready: _Ready, limits: Thresholds) -> Observation:
    ends, runs = ready.evidence.ends, ready.evidence.runs
    kind = {
        "none": "ends of runs only",
        "callback-burst": "in a burst after each run",
        "layer-end": "as each layer ended",
    }[ends.kind]
    mean_s = float(runs.total_s.mean())
    share = ends.resolution_s / mean_s if mean_s > 0 else math.inf
    level = _above(share, limits.coarse_stamps)
    if level == "good":
        return Observation("stamps", "good", kind)
    return Observation(
        "stamps", level,
        f"{kind}, in steps of {engineering(ends.resolution_s, 's')}, {share:.0%} of a run",
        "stamp with a clock of microseconds",
    )  # fmt: skip


def _conversions(ready: _Ready, limits: Thresholds) -> Observation:
    fewest = float(ready.forecast.overlaps.min())
    finding = f"{len(ready.samples)} distinct; at least {fewest:.0f} overlap each layer"
    level = _below(fewest, limits.conversions_per_layer)
    return _graded("conversions", level, finding, "record more runs")


def _layers(ready: _Ready, limits: Thresholds) -> Observation:
    error = ready.forecast.error()
    level = _above(error, limits.layer_error)
    finding = f"layers' powers can be told to about {error:.0%} of their power above idle"
    return Observation("layers", level, finding, "" if level == "good" else _cures(ready, limits))


def _cures(ready: _Ready, limits: Thresholds) -> str:
    """Return what would tell layers better, and how long each takes."""
    runs = ready.evidence.runs
    wanted = limits.layer_error[0]
    longer = ready.forecast.longer_for(wanted)
    length = float(runs.end_s[-1] - runs.end_s[0])
    alone = f"`collect --isolate`: each layer alone, {_minutes(runs.layers * ISOLATED_S)}"
    if not math.isfinite(longer):
        return alone
    more = (
        f"{math.ceil(longer * len(runs) / 100) * 100} runs with dithered pauses for {wanted:.0%}, "
        f"{_minutes(longer * length)}"
    )
    sooner = _minutes(longer * length / FASTER)
    faster = f"; as root with `collect --sensor-option fast=true` {sooner}"
    if ready.window_s < NOMINAL_WINDOW_S:
        faster = ""
    return f"{more}{faster}; or {alone}"


FASTER = 5.6
"""Conversions of one channel at what `fast` sets, for each of three channels at the default."""


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _step(ready: _Ready, limits: Thresholds) -> Observation:
    seen = coverage(ready.evidence.runs, ready.samples.end_s, ready.window_s)
    level = _below(seen.seen, limits.seen)
    finding = f"the sensor saw {seen.seen:.0%} of a run's length, in no step with it"
    if seen.locked:
        level, finding = "bad", f"runs are locked to the sensor: it saw {seen.seen:.0%} of a run"
    elif seen.sweeping:
        level = "bad"
        finding = "runs are nearly locked to the sensor: it saw one part after the other"
    return _graded("step", level, finding, "collect with dithered pauses between runs")


def _idle(recording: Recording, ready: _Ready, limits: Thresholds) -> Observation:
    idle = ready.evidence.idle
    if math.isnan(idle.mean_w):
        return Observation(
            "idle", "doubtful", "idle power was not recorded", "collect with --idle 60"
        )
    if math.isnan(idle.after_w) or math.isnan(idle.before_w):
        known = engineering(idle.mean_w, "W")
        return Observation(
            "idle", "unknown", f"{known}, on one side of the runs only: drift is unknown"
        )
    running = float(np.nanquantile(recording.trace.total_w, 0.95))  # pauses dilute the mean
    above = max(running - idle.mean_w, 1e-3)
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
    not_known = Observation("temperature", "unknown", "not recorded")
    if before is None or after is None:
        return not_known
    both = sorted(before.temperatures_c.keys() & after.temperatures_c.keys())
    if not both:
        return not_known
    name = max(both, key=lambda key: after.temperatures_c[key] - before.temperatures_c[key])
    first, last = before.temperatures_c[name], after.temperatures_c[name]
    level = _above(last - first, limits.warming_c)
    finding = f"{name} {first:.0f} to {last:.0f} C"
    return _graded("temperature", level, finding, "warm the board up before collecting")


def _steady(recording: Recording, limits: Thresholds) -> Observation:
    total = np.nansum(recording.timeline.duration_s, axis=1)
    if total.size < 20 or not float(total.mean()) > 0:
        return Observation("steadiness", "unknown", "too few runs")
    pieces = [float(np.median(piece)) for piece in np.array_split(total, 20)]
    middle = float(np.median(pieces))
    if not middle > 0:
        return Observation("steadiness", "unknown", "most runs took no time")
    spread = float(np.ptp(pieces)) / middle
    finding = f"a run's time moves by {spread:.1%} over the session"
    remedy = "pin the clocks: sudo jetson_clocks"
    return _graded("steadiness", _above(spread, limits.jitter), finding, remedy)


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
    finding = f"{missed} of {ticks} missed ({missed / ticks:.2%})"
    remedy = "poll less often, or leave a core to the sampler"
    return _graded("ticks", _above(missed / ticks, limits.missed), finding, remedy)
