"""Lines that share a whole second, as those of a clock without fractions do."""

from __future__ import annotations

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray


def whole_seconds_shared(time_s: FloatArray) -> FloatArray:
    """Return times of lines whose stamps are whole seconds that some of them share.

    A tool that writes at a steady rate crosses each full second between two lines; a line through
    those crossings gives all times, also in seconds that begin or end in the middle. Where lines
    keep no steady rate, those of a second are spread over it. Seconds of the first stamp.
    """
    if len(time_s) < 2 or (time_s % 1 != 0).any() or not (np.diff(time_s) == 0).any():
        return time_s
    place: IntArray = np.arange(len(time_s))
    crossed = np.flatnonzero(np.diff(time_s) > 0)
    if len(crossed) >= 2:
        step, start = np.polyfit(crossed + 0.5, time_s[crossed + 1], 1)
        steady = start + step * place
        off = np.maximum(time_s - steady, steady - (time_s + 1))
        if step > 0 and float(off.max()) <= max(step, 0.1):
            return np.asarray(steady)
    _, first, counts = np.unique(time_s, return_index=True, return_counts=True)
    usual = int(np.median(counts[1:-1])) if len(counts) > 2 else int(counts.max())
    spread = np.maximum(counts, usual)
    offset = (place - np.repeat(first, counts)) / np.repeat(spread, counts)
    offset[: counts[0]] += (spread[0] - counts[0]) / spread[0]  # the first second began before us
    return np.asarray(time_s + offset)
