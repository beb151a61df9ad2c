"""How a sensor's conversions lie against the clock of the profiler."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Timing:
    """The window that one value integrates, and where it lies in time."""

    window_s: float
    """How long one conversion integrates."""
    lag_s: float = 0.0
    """From the end of that window to the moment when the value can be read, in the profiler's
    clock: less the time from a run's true end to its stamp, so it may be negative."""
    gap_s: float = 0.0
    """Unseen pause after each layer."""
    time_constant_s: float = 0.0
    """Of the rail."""
    slack_share: float = 0.0
    """How much of the change from run to run of the time that no layer explains lies in gaps."""
    blur_s: float = 0.0
    """Standard deviation of the error of a run's time stamps."""
    averaged: int = 1
    """Conversions averaged into one value."""
    spacing_s: float = 0.0
    """Distance of the averaged conversions."""

    def with_value(self, name: str, value: float) -> Timing:
        """Return this timing with another value of one field."""
        return replace(self, **{name: value})  # type: ignore[arg-type]  # all fitted fields are floats

    def places(self) -> list[tuple[float, float]]:
        """Return weights and shifts (towards the past) of the windows that one value is made of."""
        blur, comb = [(1.0, 0.0)], [(1.0, 0.0)]
        if self.blur_s > 0:
            blur = [(weight, place * self.blur_s) for weight, place in _BLUR]
        if self.averaged > 1:
            comb = [(1 / self.averaged, n * self.spacing_s) for n in range(self.averaged)]
        return [(a * b, shift + step) for a, shift in blur for b, step in comb]


def _normal_places() -> list[tuple[float, float]]:
    place = np.linspace(-1.8, 1.8, 5)
    weight = np.exp(-0.5 * place**2)
    weight /= weight.sum()
    place /= np.sqrt((weight * place**2).sum())
    return list(zip(weight.tolist(), place.tolist(), strict=True))


_BLUR = _normal_places()
"""Five points that stand for a normal distribution of deviation one."""
