"""What an attribution found out beside the powers, and what it decided."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.attribution.timing import Timing

Method = Literal["nnls", "window", "network"]
METHODS: tuple[Method, ...] = ("nnls", "window", "network")

Level = Literal["layers", "network", "runtimes"]
"""What is reported: powers of layers (some merged), one power of the network, or only times."""

_NAN = math.nan


@dataclass(frozen=True)
class AttributionReport:
    """How a recording was attributed; numbers that do not apply are NaN."""

    method: Method
    level: Level
    runs: int
    samples: int
    """Polls of the sensor during the session."""
    conversions: int = 0
    """Distinct values among them that lie within the runs."""
    clock_recovered: bool = False
    period_s: float = _NAN
    timing: Timing | None = None
    fitted: tuple[str, ...] = ()
    """Names of the timings that were fitted; the others were given or are zero."""
    noise_w: float = _NAN
    """Of one conversion, from idle."""
    residual_w: float = _NAN
    within_layer_w: float = _NAN
    """Standard deviation of power within layers that the samples call for."""
    drift_w: float = _NAN
    drift_factor: float = _NAN
    closure: float = _NAN
    """Relative difference between the layers' energy and the session's mean power."""
    widened: float = _NAN
    """Factor on errors, at least 1: for halves that disagree and for residual beyond the noise."""
    rivals: int = 0
    groups: int = 0
    """Powers reported; fewer than the layers where neighbours were merged."""
    layers: int = 0
    seen: float = _NAN
    """Share of a run's length that conversions saw."""
    decisions: tuple[str, ...] = ()
    """What was merged or refused, and why."""

    def lines(self) -> list[str]:
        """Return the report for a person, a line a fact."""
        if not self.samples:
            return [f"{self.runs} runs; no power samples", *self.decisions]
        found = f"{self.samples} polls, {self.conversions} distinct conversions"
        clock = "clock recovered" if self.clock_recovered else "clock not recovered"
        if self.conversions:
            result = [f"{self.runs} runs; {found}, one every {_time(self.period_s)} ({clock})"]
        else:
            result = [f"{self.runs} runs; {self.samples} polls"]
        timing = self.timing
        if timing is not None:
            how = "fitted" if self.fitted else "given"
            text = (
                f"timing {how}: window {_time(timing.window_s)}, lag {_time(timing.lag_s)}, "
                f"gap {_time(timing.gap_s)}"
            )
            if timing.time_constant_s:
                text += f", rail {_time(timing.time_constant_s)}"
            if timing.blur_s:
                text += f", stamps +-{_time(timing.blur_s)}"
            if timing.averaged > 1:
                text += f", mean of {timing.averaged}"
            result.append(text)
        if math.isfinite(self.residual_w):
            noise = engineering(self.noise_w, "W") if math.isfinite(self.noise_w) else "unknown"
            result.append(
                f"residual {engineering(self.residual_w, 'W')} (sensor noise {noise}), "
                f"closure {self.closure:+.2%}, errors widened {self.widened:.2f} times"
            )
            result.append(
                f"drift {engineering(self.drift_w, 'W')} added, {self.drift_factor:.1%} scaled; "
                f"within layers {engineering(self.within_layer_w, 'W')}"
            )
        if self.groups:
            result.append(f"{self.groups} powers for {self.layers} layers that take time")
        return [*result, *self.decisions]

    def document(self) -> dict[str, Any]:
        """Return the report as JSON holds it; NaN becomes null."""
        found = asdict(self)
        return {key: _plain(value) for key, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _time(seconds: float) -> str:
    if seconds < 0:
        return "-" + engineering(-seconds, "s")
    return engineering(seconds, "s")
