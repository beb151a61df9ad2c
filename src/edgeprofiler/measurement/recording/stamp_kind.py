"""Whether a profiler stamped layers as they ended, or in a burst after the run."""

from __future__ import annotations

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.measurement.recording.recording import StampKind

FOLLOWS = 0.3
"""Slope of steps over durations from which steps follow durations: 0 in bursts, 1 in sequence."""

SHORTER = 0.2
"""Share of steps that may be far shorter than the layer's duration in a sequence of ends."""

EXACT_S = 2e-6
"""Stamps and durations are not better than this."""


def stamp_kind(duration_s: FloatArray, stamp_s: FloatArray) -> StampKind:
    """Return how stamps were taken: steps that follow durations are ends, others a burst.

    Args:
        duration_s: shape (runs, layers), NaN where unknown.
        stamp_s: the same.
    """
    timed = np.flatnonzero(np.nan_to_num(duration_s).any(axis=0))
    if timed.size < 2 or len(stamp_s) < 1:
        return "callback-burst"
    step = np.diff(stamp_s[:, timed], axis=1)
    duration = duration_s[:, timed[1:]]
    known = np.isfinite(step) & np.isfinite(duration)
    if not known.any():
        return "callback-burst"
    # layers differ in length, and each from run to run: steps in sequence follow both
    one, other = _centred(duration, known), _centred(step, known)
    along = float((one * other).sum()) / max(float((one**2).sum()), 1e-30)
    shorter = float((step[known] < 0.5 * duration[known] - EXACT_S).mean())
    return "layer-end" if along > FOLLOWS and shorter < SHORTER else "callback-burst"


def _centred(values: FloatArray, known: BoolArray) -> FloatArray:
    middle = float(np.median(values[known]))
    reach = 5 * float(np.median(np.abs(values[known] - middle))) + 1e-9
    return np.where(known, np.clip(values - middle, -reach, reach), 0.0)
