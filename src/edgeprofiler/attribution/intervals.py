"""When each layer ran: intervals rebuilt backwards from each run's end and the durations.

A profiler that calls back after the run gives durations that are true and stamps that are not.
So a layer ends where the later layers, each with an unseen gap behind it, leave room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.network import FloatArray, IntArray
from edgeprofiler.recording import Timeline


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
        slack = np.zeros(len(end))
        if timeline.run_start_s is not None:
            slack = np.nan_to_num(end - timeline.run_start_s[usable] - total, nan=0.0)
            slack = slack - (float(np.median(slack)) if slack.size else 0.0)
        return Runs(origin, active, duration, before, past[:-1], total, end - origin, slack)

    def __len__(self) -> int:
        return len(self.end_s)

    @property
    def layers(self) -> int:
        """Number of layers that take time."""
        return int(self.active.size)

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
        )
