"""Power of a whole run from the session's mean power: right even where timing is not.

Errors of stamps and lag move power between runs and pauses, but not the mean of all samples. So
the mean power of runs follows from how long they lasted and from what pauses draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.runs import RunTimes

STRETCHES = 20

LONG_PAUSES = 0.95
"""Share of pauses that are shorter than a window where runs count as back to back."""


@dataclass(frozen=True)
class Whole:
    """Mean powers above the floor of runs and of the time between them."""

    run_w: float
    run_error_w: float
    between_w: float


def pauses_hold(runs: RunTimes, window_s: float) -> bool:
    """Return whether some pauses between runs are as long as a window.

    Only then is their power seen alone, and the end of a run apart from the next one's start.
    """
    pauses = runs.pauses_s
    return bool(pauses.size) and float(np.quantile(pauses, LONG_PAUSES)) >= window_s


def whole_power(runs: RunTimes, above_w: FloatArray, window_s: float, noise_w: float) -> Whole:
    """Return the mean power of runs and pauses, with the standard error of the first.

    Args:
        runs: when what ran.
        above_w: what was polled during the runs, above the floor; shape (polls,).
        window_s: what one integrates, roughly.
        noise_w: standard deviation of one conversion; NaN where unknown.
    """
    span = float(runs.end_s[-1] - runs.end_s[0])
    busy = min(float(runs.total_s[1:].sum()) / span, 1.0)
    between = _lowest(above_w, noise_w)
    if not pauses_hold(runs, window_s):  # the lowest values hold runs too
        between *= 0.5
    doubt = between + 0.02 * float(np.abs(above_w).mean())
    mean = float(above_w.mean())
    run = (mean - between * (1 - busy)) / busy
    parts = np.array([p.mean() for p in np.array_split(above_w, min(STRETCHES, above_w.size))])
    scatter = float(parts.std(ddof=1)) / np.sqrt(parts.size) if parts.size > 1 else np.inf
    return Whole(run, float(np.hypot(scatter, doubt * (1 - busy))) / busy, between)


def _lowest(above_w: FloatArray, noise_w: float) -> float:
    """Return the mean of the lowest cluster of values, as wide as the sensor's noise."""
    width = noise_w if np.isfinite(noise_w) and noise_w > 0 else 0.05 * float(np.ptp(above_w))
    centre = float(np.quantile(above_w, 0.01)) + 1.5 * width
    for _ in range(5):
        near = above_w[np.abs(above_w - centre) < 2.5 * width]
        centre = float(near.mean()) if near.size else centre
    return max(centre, 0.0)
