"""One value a conversion, from polls that repeat it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.attribution.clock import ConversionClock

NEAR_TICK_S = 3e-6
"""Polls nearer than this to a tick may have seen either value: stamps are whole microseconds."""


@dataclass(frozen=True, eq=False)
class Conversions:
    """What a register's conversions gave, and from when on it could be read."""

    time_s: FloatArray
    value: FloatArray
    polls: int
    poll_s: float
    """Usual distance of two polls."""
    clock: ConversionClock | None
    """`None`: each poll counts as a conversion of its own, which ended just then."""

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def clocked(self) -> bool:
        """Whether the clock of the conversions is known."""
        return self.clock is not None

    @property
    def period_s(self) -> float:
        """Time between two conversions; between polls where no clock was found."""
        return self.poll_s if self.clock is None else self.clock.period_s


def converted(
    time_s: FloatArray,
    value: FloatArray,
    clock: ConversionClock | None,
    margin_s: float = NEAR_TICK_S,
) -> Conversions:
    """Return one value for each conversion that was polled: what most of its polls say.

    Args:
        time_s: when each poll was.
        value: what it gave.
        clock: of the conversions, if known.
        margin_s: polls so near to a tick are left out.
    """
    poll = float(np.median(np.diff(time_s)))
    if clock is None:
        return Conversions(time_s, value, time_s.size, poll, None)
    beats = clock.beats(time_s)
    number = np.floor(beats)
    part = beats - number
    margin = max(margin_s, 2 * clock.sure_s) / clock.period_s
    sure = (part > margin) & (part < 1 - margin)
    number, kept = number[sure].astype(np.int64), value[sure]
    if not number.size:
        return Conversions(time_s, value, time_s.size, poll, None)
    first = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    agreed, known = _majority(kept, first)
    numbers = number[first][known]
    return Conversions(clock.ticks(numbers), agreed[known], time_s.size, poll, clock)


def _majority(value: FloatArray, first: IntArray) -> tuple[FloatArray, IntArray]:
    """Return the value of each group of polls, and which groups agree on one."""
    result = value[first].copy()
    stop = np.append(first[1:], value.size)
    differs = np.diff(value, prepend=value[0]) != 0
    differs[first] = False  # the step from one group to the next is no disagreement
    known = np.ones(first.size, dtype=np.bool_)
    for group in np.flatnonzero(np.add.reduceat(differs, first)):
        values, counts = np.unique(value[first[group] : stop[group]], return_counts=True)
        most = int(np.argmax(counts))
        result[group] = values[most]
        known[group] = 2 * int(counts[most]) > int(counts.sum())
    return result, np.flatnonzero(known)
