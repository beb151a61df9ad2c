"""Which layer ran when, as far as durations and the ends of runs tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.recording import Timeline

CLOCK_RUNS = 31
"""Runs whose middle duration tells the clock at which the board runs. Layers jitter by 5 % or so,
which leaves 0.3 % of a run of 24 layers; a governor holds a clock for longer than 31 runs."""

CLOCK_MOVED = 0.03
"""A board's clock has moved where runs became longer by more than this (in logarithm)."""


@dataclass(frozen=True, eq=False)
class RunTimes:
    """Durations and ends of all complete runs, of the layers that take time.

    Times are seconds since `origin_s`; shapes are (runs,) and (runs, layers).
    """

    origin_s: float
    active: IntArray
    """Indices of the timeline's layers that take time."""
    duration_s: FloatArray
    end_s: FloatArray
    slack_s: FloatArray | None
    """Time of a run that no layer explains, less what is usual; `None` where nothing tells it."""
    clock: FloatArray | None = None
    """How much faster the board ran than usual at each run, in logarithm; `None` if steady."""
    spare_s: float = np.inf
    """Usual time from a run's call to its end that no layer takes: pauses between layers last no
    longer. Infinite where starts of runs do not tell it."""

    @staticmethod
    def of(
        timeline: Timeline, end_s: FloatArray | None = None, slack_s: FloatArray | None = None
    ) -> RunTimes:
        """Return the complete runs of a timeline in order of their ends.

        Args:
            timeline: what the profiler told.
            end_s: when each run of the timeline ended, where that is known better.
            slack_s: by how much each run was longer than its layers, less what is usual, where
                stamps of layers tell it.
        """
        end = timeline.run_end_s if end_s is None else end_s
        usable = np.isfinite(end) & ~np.isnan(timeline.duration_s).all(axis=1)
        duration = np.nan_to_num(timeline.duration_s[usable], nan=0.0)
        active = np.flatnonzero(duration.any(axis=0))
        duration = np.ascontiguousarray(duration[:, active])
        end = end[usable]
        origin = float(end[0]) if end.size else 0.0
        slack, spare = None, np.inf
        if timeline.run_start_s is not None and end.size:
            slack = end - timeline.run_start_s[usable] - duration.sum(axis=1)
            usual = float(np.nanmedian(slack)) if np.isfinite(slack).any() else np.nan
            slack = np.nan_to_num(slack - usual, nan=0.0) if np.isfinite(usual) else None
            # clocks that leave no time at all disagree, and tell nothing
            spare = usual if usual > 0 else np.inf
        if slack_s is not None:
            slack = np.nan_to_num(slack_s[usable], nan=0.0)
        clock = _clock(duration.sum(axis=1))
        return RunTimes(origin, active, duration, end - origin, slack, clock, spare)

    def __len__(self) -> int:
        return len(self.end_s)

    @property
    def layers(self) -> int:
        """Number of layers that take time."""
        return int(self.active.size)

    @cached_property
    def before_s(self) -> FloatArray:
        """Sum of the durations of the earlier layers of the same run; shape (runs, layers)."""
        before = np.zeros_like(self.duration_s)
        np.cumsum(self.duration_s[:, :-1], axis=1, out=before[:, 1:])
        return before

    @cached_property
    def total_s(self) -> FloatArray:
        """Time of all layers of each run; shape (runs,)."""
        return np.asarray(self.duration_s.sum(axis=1))

    @cached_property
    def past_s(self) -> FloatArray:
        """Time of each layer in all earlier runs; shape (runs + 1, layers)."""
        return past(self.duration_s)

    @cached_property
    def past_total_s(self) -> FloatArray:
        """Time of all layers in all earlier runs; shape (runs + 1,)."""
        return np.concatenate([[0.0], np.cumsum(self.total_s)])

    @cached_property
    def mean_s(self) -> FloatArray:
        """Mean duration of each layer; shape (layers,)."""
        return np.asarray(self.duration_s.mean(axis=0))

    @cached_property
    def pauses_s(self) -> FloatArray:
        """From the end of each run to the first layer of the next; shape (runs - 1,)."""
        return np.asarray(np.diff(self.end_s) - self.total_s[1:])

    @property
    def pause_s(self) -> float:
        """Usual time between the end of a run and the first layer of the next."""
        return float(np.median(self.pauses_s)) if self.pauses_s.size else 0.0

    def take(self, chosen: IntArray) -> RunTimes:
        """Return some of the runs; what lies between them counts as pause."""
        return replace(
            self,
            duration_s=self.duration_s[chosen],
            end_s=self.end_s[chosen],
            slack_s=None if self.slack_s is None else self.slack_s[chosen],
            clock=None if self.clock is None else self.clock[chosen],
        )

    def joined(self, label: IntArray, gap_s: FloatArray) -> RunTimes:
        """Return these runs with neighbouring layers of one label, and gaps between, as one layer.

        Args:
            label: of each layer, ascending; shape (layers,).
            gap_s: pause after each layer; shape (layers,).
        """
        first = np.flatnonzero(np.diff(label, prepend=label[0] - 1))
        length = np.add.reduceat(self.duration_s + gap_s, first, axis=1)
        return replace(self, active=self.active[first], duration_s=length)

    def split(self, parts: IntArray) -> RunTimes:
        """Return these runs with each layer as several equal ones; shape of `parts` (layers,)."""
        length = np.repeat(self.duration_s / parts, parts, axis=1)
        return replace(self, active=np.repeat(self.active, parts), duration_s=length)


def past(duration_s: FloatArray) -> FloatArray:
    """Return the sums of all earlier rows, and of all; shape (rows + 1, layers)."""
    sums = np.zeros((len(duration_s) + 1, duration_s.shape[1]))
    np.cumsum(duration_s, axis=0, out=sums[1:])
    return sums


def _clock(total_s: FloatArray) -> FloatArray | None:
    if len(total_s) < 4 * CLOCK_RUNS:
        return None
    length = np.log(np.maximum(total_s, 1e-12))
    padded = np.pad(length, CLOCK_RUNS // 2, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, CLOCK_RUNS), axis=1)
    clock = np.asarray(middle.mean() - middle)
    return None if clock_range(clock) < CLOCK_MOVED else clock


def clock_range(clock: FloatArray) -> float:
    """Return how far a clock moved, but for its rarest states."""
    return float(np.subtract(*np.quantile(clock, [0.99, 0.01])))
