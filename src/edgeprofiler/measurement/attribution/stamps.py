"""What a profiler's time stamps say of when layers ran.

Some profilers stamp each layer as it ends: steps between stamps follow the durations, and what
they exceed them by is the pause between layers. Others call back in a burst after the run: steps
have nothing to do with durations, and only the burst's begin tells that the run is over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.recording import StampKind, Timeline, stamp_kind

LEAST_GAP_S = 0.7e-6
"""Stamps are rounded to the microsecond, so shorter pauses between layers are none."""

COARSE_S = (1e-3, 1e-4, 1e-5)
"""Resolutions that clocks of profilers have, beside the microsecond."""

SAME_STEP_S = 2e-6
"""Clocks that agree to this say the same of a run's end."""


@dataclass(frozen=True, eq=False)
class Ends:
    """When runs ended and how long layers paused, as far as the stamps tell."""

    kind: StampKind
    end_s: FloatArray
    """End of each run's last layer, but for a constant; shape (runs,)."""
    gap_s: FloatArray | None
    """Pause after each layer, shape (layers,); `None` where the stamps do not tell."""
    resolution_s: float
    """Steps of the profiler's clock."""
    slack_s: FloatArray | None = None
    """By how much all pauses of a run together were longer than usual; `None` where the stamps do
    not tell; shape (runs,)."""
    also_s: tuple[FloatArray, ...] = ()
    """Other things that may have been the runs' ends."""


def ends_of(timeline: Timeline) -> Ends:
    """Return what the stamps of a timeline say of its runs' ends."""
    stamps = timeline.stamp_s
    nothing = Ends("none", timeline.run_end_s, None, 0.0)
    if stamps is None or not np.isfinite(stamps).any():
        return nothing
    resolution = _resolution(stamps)
    kind = stamp_kind(timeline.duration_s, stamps)
    if kind == "layer-end":
        return _in_sequence(timeline, stamps, resolution)
    begin = np.nanmin(np.where(np.isfinite(stamps), stamps, np.inf), axis=1)
    ends = [begin, timeline.run_end_s]
    late = timeline.run_end_s - begin
    known = late[np.isfinite(late)]
    if known.size and float(known.std()) < SAME_STEP_S:
        ends = [timeline.run_end_s]
    elif known.size and float(np.quantile(known, 0.99)) < SAME_STEP_S:
        ends = [timeline.run_end_s]  # the host knew that the run was over before the first call
    return Ends("callback-burst", ends[0], None, resolution, also_s=tuple(ends[1:]))


def _in_sequence(timeline: Timeline, stamps: FloatArray, resolution: float) -> Ends:
    duration = np.nan_to_num(timeline.duration_s)
    timed = np.flatnonzero(duration.any(axis=0))
    step = np.diff(stamps[:, timed], axis=1)
    over = step - duration[:, timed[1:]]
    gap = np.zeros(duration.shape[1])
    pause = np.nanmedian(over, axis=0)
    gap[timed[:-1]] = np.where(pause > max(LEAST_GAP_S, 0.7 * resolution), pause, 0.0)
    # every stamp tells when the run was over: together they do so better than the last alone
    rest = (duration + gap)[:, ::-1].cumsum(axis=1)[:, ::-1] - duration
    ends = (stamps + rest)[:, timed]
    usual = np.nanmedian(ends, axis=1)
    if gap[timed[:-1]].min(initial=np.inf) <= 0:  # too short for the stamps to tell
        return Ends("layer-end", usual, gap, resolution)
    longer = _longer(ends - usual[:, None])
    late = longer[:, None] * np.arange(timed.size - 1, -1, -1)
    # a run lasts until the pause behind its last layer is over, of which `gap` knows nothing
    ends = np.nanmedian(ends + late, axis=1) + longer
    return Ends("layer-end", ends, gap, resolution, longer * timed.size)


def _longer(ends_s: FloatArray) -> FloatArray:
    """Return by how much each pause of a run was longer than usual; shape (runs,).

    Pauses are longer in one run than in the next, as the host is busy or the clock moves: what each
    stamp says of the run's end then rises along the run. Stamps err too, which would scatter the
    slopes as well: they are drawn to none by so much as that is worth.

    Args:
        ends_s: when each layer's stamp says that the run ended; shape (runs, layers).
    """
    known = np.isfinite(ends_s)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    place = np.where(known, np.arange(ends_s.shape[1]), 0.0)
    place = np.where(known, place - place.sum(axis=1, keepdims=True) / count, 0.0)
    seen = np.where(known, ends_s, 0.0)
    seen = np.where(known, seen - seen.sum(axis=1, keepdims=True) / count, 0.0)
    square = np.maximum((place**2).sum(axis=1), 1e-12)
    slope = (place * seen).sum(axis=1) / square
    left = seen - slope[:, None] * place
    # in the middle of runs: some were interrupted, which is no error of stamps
    error = np.median((left**2).sum(axis=1) / np.maximum(count[:, 0] - 2, 1) / square)
    middle = float(np.median(slope))
    spread = (float(np.median(np.abs(slope - middle))) / 0.6745) ** 2
    return np.asarray((slope - middle) * max(1 - float(error) / max(spread, 1e-30), 0.0))


def _resolution(stamps: FloatArray) -> float:
    """Return the steps of the clock that stamps were read from, as far as they are coarse."""
    known = stamps[np.isfinite(stamps)].ravel()[:10_000]
    since = known - known[0]
    for step in COARSE_S:
        if float(np.abs(since - np.rint(since / step) * step).max()) < 0.01 * step:
            return step
    return 0.0
