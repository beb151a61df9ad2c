"""What a collection is to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core.errors import UsageError
from edgeprofiler.measurement.recording import chip_numbers

DEFAULT_DITHER_S = 0.007
"""About one round of an INA3221 over its three channels with its default settings."""


DEFAULT_IDLE_S = 30.0


@dataclass(frozen=True)
class RecordingPlan:
    """How much to record.

    `dither_s` is the longest pause between two runs: each is drawn evenly from 0 to it, so that
    the sensor's conversions fall everywhere in a run. `None` takes the sensor's own period; 0
    runs back to back.
    """

    runs: int = 1000
    idle_s: float | None = None
    """`None`: 30 where a sensor watches, none where nothing does."""
    warmup: int = 50
    dither_s: float | None = None
    seed: int = 0
    period_s: float = 1e-3
    """Time between polls of the sensor."""

    def __post_init__(self) -> None:
        if self.runs < 1 or self.warmup < 0:
            raise UsageError("a collection needs at least 1 run and no negative warm-up")
        if self.idle_s is not None and not 0 <= self.idle_s < 1e6:
            raise UsageError(f"idle time {self.idle_s} s must lie between 0 and 1,000,000")
        if self.seed < 0:
            raise UsageError(f"seed {self.seed} must be 0 or more")
        if self.dither_s is not None and not 0 <= self.dither_s < 10:
            raise UsageError(f"dither {self.dither_s} s must lie between 0 and 10")
        if not 1e-4 <= self.period_s <= 10:
            raise UsageError(f"period {self.period_s} s must lie between 0.0001 and 10")

    def idling_s(self, *, watched: bool) -> float:
        """Return how long to idle before and after."""
        if self.idle_s is not None:
            return self.idle_s
        return DEFAULT_IDLE_S if watched else 0.0


def dither_for(plan: RecordingPlan, settings: Mapping[str, Any]) -> float:
    """Return the longest pause: the plan's, or one round of the sensor's conversions."""
    if plan.dither_s is not None:
        return plan.dither_s
    intervals = [1e-3 * milliseconds for milliseconds in chip_numbers(settings, "update_interval")]
    return min(max([DEFAULT_DITHER_S, *intervals]), 1.0)
