"""What an attribution found out beside the powers, and what it decided."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from edgeprofiler.core.plain import plain
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.attribution.timing import Timing

Method = Literal["layers", "window", "network"]
METHODS: tuple[Method, ...] = ("layers", "window", "network")

Level = Literal["layers", "network", "runtimes"]
"""What is reported: powers of layers, one power of the network, or only times."""

ToldBy = Literal["repeats", "sight", "nothing"]
"""What told the clock of the conversions: polls that repeat a value, what polls saw, or nothing:
then each poll counts as a conversion that ended just then."""

_NAN = math.nan

_CLOCKS: dict[ToldBy, str] = {
    "repeats": "clock told by repeated values",
    "sight": "clock told by what polls saw",
    "nothing": "no clock: each poll counts as fresh",
}


@dataclass(frozen=True)
class AttributionReport:
    """How a recording was attributed; numbers that do not apply are NaN."""

    method: Method
    level: Level
    runs: int
    samples: int
    """Polls of the sensor during the session."""
    conversions: int = 0
    """Distinct values among them that lie within the runs and were used."""
    clock: ToldBy = "nothing"
    period_s: float = _NAN
    stamps: str = ""
    """How the profiler's stamps were taken."""
    timing: Timing | None = None
    timing_error: dict[str, float] = field(default_factory=dict)
    """Standard error of each timing that was fitted; the others were given or are zero."""
    noise_w: float = _NAN
    """Of one conversion, from idle."""
    residual_w: float = _NAN
    """Standard deviation of what the fit leaves."""
    sensor_noise_w: float = _NAN
    """The part of it that belongs to single conversions."""
    run_factor: float = _NAN
    """Relative standard deviation of power from run to run."""
    end_error_s: float = _NAN
    """Standard deviation of the error of a run's end."""
    blurred: float = _NAN
    """By how much runs' ends may be off for all that is left over, as a share of a run."""
    within_layer_w: float = _NAN
    """Standard deviation of power within layers that the samples call for."""
    drift_w: float = _NAN
    sag_ohm: float = _NAN
    """Of the supply, where its voltage was recorded."""
    told: float = _NAN
    """Share of the variance between layers that the samples took away."""
    expected_error: float = _NAN
    """Energy-weighted root mean square of the layers' errors, relative to power above idle."""
    halves: float = _NAN
    """Mean square difference of two halves of the session, in units of its variance."""
    widened: float = _NAN
    """Factor on errors, at least 1: for halves that disagree."""
    layers: int = 0
    seen: float = _NAN
    """Share of a run's length that conversions saw."""
    decisions: tuple[str, ...] = ()
    """What was refused or assumed, and why."""

    def lines(self) -> list[str]:
        """Return the report for a person, a line a fact."""
        if not self.samples:
            return [f"{self.runs} runs; no power samples", *self.decisions]
        if not self.conversions:
            return [f"{self.runs} runs; {self.samples} polls", *self.decisions]
        found = f"{self.samples} polls, {self.conversions} conversions used"
        every = f"one every {_time(self.period_s)} ({_CLOCKS[self.clock]})"
        result = [f"{self.runs} runs; {found}, {every}"]
        if self.stamps:
            result.append(f"stamps: {self.stamps}")
        if self.timing is not None:
            result.append(self._timing(self.timing))
        if math.isfinite(self.residual_w):
            known = math.isfinite(self.noise_w)
            noise = engineering(self.noise_w, "W") if known else "not recorded"
            result.append(
                f"residual {engineering(self.residual_w, 'W')}: conversions alone "
                f"{engineering(self.sensor_noise_w, 'W')} (at rest {noise}), power from run to run "
                f"{self.run_factor:.1%}, ends of runs +-{_time(self.end_error_s)}"
            )
            text = f"drift {engineering(self.drift_w, 'W')}"
            if self.within_layer_w > 0:
                text += f"; within layers {engineering(self.within_layer_w, 'W')}"
            if math.isfinite(self.sag_ohm):
                text += f"; the supply sags by {engineering(self.sag_ohm, 'Ohm')}"
            result.append(text)
        if math.isfinite(self.told):
            result.append(
                f"{self.told:.0%} of what layers differ by is told by the samples, the rest by "
                f"layers like them; expected error of layers {self.expected_error:.0%}"
            )
            text = f"halves of the session differ by {self.halves:.1f} times their variance"
            if self.widened > 1:
                text += f": errors widened {self.widened:.2f} times"
            result.append(text)
        return [*result, *self.decisions]

    def _timing(self, timing: Timing) -> str:
        parts = [
            ("window", timing.window_s, "window_s"),
            ("lag", timing.lag_s, "lag_s"),
            ("gap", timing.gap_s, "gap_s"),
            ("rail", timing.time_constant_s, "time_constant_s"),
        ]
        told = []
        for name, value, key in parts:
            error = self.timing_error.get(key, _NAN)
            if value or name in ("window", "lag", "gap"):
                doubt = f" +-{_time(error)}" if math.isfinite(error) else ""
                told.append(f"{name} {_time(value)}{doubt}")
        if timing.averaged > 1:
            told.append(f"mean of {timing.averaged} conversions")
        if timing.late_s:
            told.append(f"polls late by up to {_time(timing.late_s)}")
        return f"timing {'fitted' if self.timing_error else 'given'}: {', '.join(told)}"

    def document(self) -> dict[str, Any]:
        """Return the report as JSON holds it; NaN becomes null."""
        return {key: plain(value) for key, value in asdict(self).items()}


def _time(seconds: float) -> str:
    if seconds < 0:
        return "-" + engineering(-seconds, "s")
    return engineering(seconds, "s")
