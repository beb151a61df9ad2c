"""How a sensor's conversions lie against the clock of the profiler."""

from __future__ import annotations

from dataclasses import dataclass, replace

NOMINAL_WINDOW_S = 1.1e-3
"""Integration window of the INA3221 as it comes; by which it is judged what a run shows."""

LATE_PLACES = 16
"""Places by which a conversion that is late by anything up to its period is stood for."""


@dataclass(frozen=True)
class Timing:
    """The window that one value integrates, and where it lies in time."""

    window_s: float
    """How long one conversion integrates."""
    lag_s: float = 0.0
    """From the end of that window to the moment when the value can be read, in the profiler's
    clock: less the time from a run's true end to its stamp, so it may be negative."""
    gap_s: float = 0.0
    """Unseen pause after each layer, where stamps do not tell it."""
    time_constant_s: float = 0.0
    """Of the rail, which smooths power before the sensor sees it."""
    averaged: int = 1
    """Conversions averaged into one value."""
    spacing_s: float = 0.0
    """Distance of the averaged conversions."""
    late_s: float = 0.0
    """A poll may be late by anything up to this, where no clock of conversions was found."""
    drift_s: float = 0.0
    """Change of the lag from the session's start to its end, as clocks run apart."""
    bend_s: float = 0.0
    """Departure of that change from a straight line, at the ends."""

    def with_values(self, values: dict[str, float]) -> Timing:
        """Return this timing with other values of some fields."""
        return replace(self, **values)  # type: ignore[arg-type]  # all fitted fields are floats

    def places(self) -> list[tuple[float, float]]:
        """Return weights and shifts (towards the past) of the windows that one value is made of."""
        comb = [(1 / self.averaged, n * self.spacing_s) for n in range(self.averaged)]
        if self.late_s <= 0:
            return comb
        late = [(n + 0.5) * self.late_s / LATE_PLACES for n in range(LATE_PLACES)]
        return [(weight / LATE_PLACES, shift + more) for weight, shift in comb for more in late]
