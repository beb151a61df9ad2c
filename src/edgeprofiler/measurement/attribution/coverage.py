"""Which places of a run the conversions saw: runs may keep step with the sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.runs import RunTimes

STRETCHES = 10
"""Stretches of a session that are judged alone."""

PHASES = 40
"""Places within a run by which it is judged whether conversions see all of it."""


@dataclass(frozen=True)
class ConversionCoverage:
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


def coverage(runs: RunTimes, end_s: FloatArray, window_s: float) -> ConversionCoverage:
    """Return how evenly conversions fall on the cycle of a run, from its start to the next."""
    start = runs.end_s - runs.total_s
    middle = end_s - 0.5 * window_s
    run = np.searchsorted(start, middle, side="right") - 1
    good = (run >= 0) & (run < len(start) - 1)
    run, middle = run[good], middle[good]
    if middle.size < 10 * PHASES:
        return ConversionCoverage(1.0, 1.0)
    since = middle - start[run]
    usual = float(np.median(runs.total_s))
    place = since[since < usual] / usual  # pauses need not be seen evenly
    # fewer places where few conversions fall into runs, so that chance leaves none empty
    bins = min(PHASES, place.size // 10)
    at_once = min(PHASES, place.size // (10 * STRETCHES))
    if bins < 4:
        expected = middle.size * usual / float(np.median(np.diff(start)))
        missing = expected - place.size > 6 * np.sqrt(expected)
        return ConversionCoverage(0.0, 0.0) if missing else ConversionCoverage(1.0, 1.0)
    whole = _seen(place, bins)
    if at_once < 4:
        return ConversionCoverage(whole, 1.0)
    parts = np.array_split(place, STRETCHES)
    return ConversionCoverage(whole, float(np.median([_seen(part, at_once) for part in parts])))


def _seen(place: FloatArray, bins: int) -> float:
    counts = np.bincount(np.minimum((place * bins).astype(np.int64), bins - 1), minlength=bins)
    return float(np.mean(counts >= max(0.2 * place.size / bins, 1)))
