"""The published rule: average the power samples that fall into a layer's own window.

Kept for comparison and bit for bit: whole microwatts and microseconds, both ends inclusive. A
layer whose windows hold no sample has no power. It is far from the truth wherever layers are
shorter than the sensor's window (see docs/measurement.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.recording import Recording, Timeline


@dataclass(frozen=True, eq=False)
class WindowPowers:
    """Power of every layer in every run; NaN where no sample fell into the window."""

    power_w: FloatArray
    """Shape (runs, layers)."""
    samples: IntArray
    """Number of samples of each window; shape (runs, layers)."""

    @property
    def layer_power_w(self) -> FloatArray:
        """Mean over the runs that have a sample, NaN where none has; shape (layers,)."""
        seen = np.isfinite(self.power_w)
        total = np.where(seen, self.power_w, 0.0).sum(axis=0)
        count = seen.sum(axis=0)
        mean: FloatArray = np.divide(
            total, count, out=np.full(total.shape, np.nan), where=count > 0
        )
        return mean


def window_powers(recording: Recording) -> WindowPowers:
    """Return the mean of the samples in `[stamp - duration, stamp]` for every run and layer."""
    time, power = recording.trace.time_s, recording.trace.total_w
    good = np.isfinite(power)
    polls = np.rint(time[good] * 1e6).astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(np.rint(power[good] * 1e6).astype(np.int64))])
    timeline = recording.timeline
    known = np.isfinite(timeline.duration_s)
    duration = np.where(known, timeline.duration_s, 0.0)
    # a stamp and a duration are rounded to the microsecond before they are subtracted
    stop = np.rint(_stamps(timeline) * 1e6).astype(np.int64)
    start = stop - np.rint(duration * 1e6).astype(np.int64)
    first = np.searchsorted(polls, start, side="left")
    last = np.searchsorted(polls, stop, side="right")
    count = np.where(known, last - first, 0)
    total = (sums[last] - sums[first]).astype(np.float64)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return WindowPowers(mean / 1e6, count)


def _stamps(timeline: Timeline) -> FloatArray:
    """Return the profiler's stamps, or ends rebuilt from durations where it gave none."""
    if timeline.stamp_s is not None:
        return np.nan_to_num(timeline.stamp_s, nan=0.0)
    duration = np.nan_to_num(timeline.duration_s, nan=0.0)
    later = duration.sum(axis=1, keepdims=True) - np.cumsum(duration, axis=1)
    return np.asarray(timeline.run_end_s[:, None] - later)
