"""When each layer ran: intervals rebuilt backwards from each run's end and the durations.

A profiler that calls back after the run gives durations that are true and stamps that are not.
So a layer ends where the later layers, each with an unseen gap behind it, leave room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.recording import Timeline

LONG_PAUSES = 0.95
"""Share of pauses that are shorter than a window where runs count as back to back."""

LONGEST_GAP_S = 60e-6
"""Longest gap between layers that is believed where starts of runs are unknown."""


@dataclass(frozen=True, eq=False)
class Runs:
    """Durations and ends of all runs, with prefix sums, for the layers that take time.

    Times are seconds since `origin_s`; shapes are (runs,) and (runs, layers).
    """

    origin_s: float
    active: IntArray
    """Indices of the timeline's layers that take time."""
    duration_s: FloatArray
    before_s: FloatArray
    """Sum of the durations of the earlier layers of the same run."""
    past_s: FloatArray
    """Sum of the durations of this layer in all earlier runs."""
    total_s: FloatArray
    end_s: FloatArray
    slack_s: FloatArray
    """Time between start and end that no layer explains, less its median; 0 without starts."""
    longest_gap_s: float = LONGEST_GAP_S
    """A gap after each layer is not longer: from starts, or what is believed without them."""

    @staticmethod
    def of(timeline: Timeline) -> Runs:
        """Return the complete runs of a timeline in order of their ends."""
        usable = np.isfinite(timeline.run_end_s) & ~np.isnan(timeline.duration_s).all(axis=1)
        duration = np.nan_to_num(timeline.duration_s[usable], nan=0.0)
        end = timeline.run_end_s[usable]
        origin = float(end[0]) if end.size else 0.0
        active = np.flatnonzero(duration.any(axis=0))
        duration = np.ascontiguousarray(duration[:, active])
        past = np.zeros((len(duration) + 1, active.size))
        np.cumsum(duration, axis=0, out=past[1:])
        before = np.zeros_like(duration)
        np.cumsum(duration[:, :-1], axis=1, out=before[:, 1:])
        total = duration.sum(axis=1)
        slack, longest = np.zeros(len(end)), LONGEST_GAP_S
        if timeline.run_start_s is not None:
            slack = np.nan_to_num(end - timeline.run_start_s[usable] - total, nan=0.0)
            usual = float(np.median(slack)) if slack.size else 0.0
            slack = slack - usual
            if usual > 0:
                longest = min(longest, usual / max(active.size, 1))
        return Runs(
            origin, active, duration, before, past[:-1], total, end - origin, slack, longest
        )

    def __len__(self) -> int:
        return len(self.end_s)

    @property
    def layers(self) -> int:
        """Number of layers that take time."""
        return int(self.active.size)

    def pauses_hold(self, window_s: float) -> bool:
        """Return whether some pauses between runs are as long as a window.

        Only then is their power seen alone, and the end of a run apart from the next one's start.
        """
        pause = np.diff(self.end_s) - self.total_s[1:]
        return bool(pause.size) and float(np.quantile(pause, LONG_PAUSES)) >= window_s

    def grouped(self, labels: IntArray) -> Runs:
        """Return these runs with neighbouring layers of one label as one layer.

        `labels` has shape (layers,) and ascends; gaps inside a group are then not modelled.
        """
        first = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1))
        return Runs(
            self.origin_s,
            first,
            np.add.reduceat(self.duration_s, first, axis=1),
            np.ascontiguousarray(self.before_s[:, first]),
            np.add.reduceat(self.past_s, first, axis=1),
            self.total_s,
            self.end_s,
            self.slack_s,
            self.longest_gap_s,
        )
