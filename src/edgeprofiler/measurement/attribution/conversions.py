"""One sample a conversion: a polled sensor holds each value, so polls repeat it.

The moment at which a value first appears is late by up to one poll, and unseen where two
conversions give the same value. But conversions tick like a clock: the period comes from all
changes together, and the clock's phase from the earliest of them (their lower envelope).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.recording import PowerTrace

MIN_CHANGES = 20
"""Fewer changes of value than this say nothing of a clock."""

BLOCK_CHANGES = 256
"""Changes whose earliest gives one point of the clock's phase."""

CLOCKED_POLLS = 2.2
"""A conversion must last this many polls for its clock to be recovered."""


@dataclass(frozen=True, eq=False)
class Conversions:
    """Distinct values of a sensor with the moments from which they could be read."""

    time_s: FloatArray
    value_w: FloatArray
    period_s: float
    """Time between two conversions."""
    clocked: bool
    """Whether the conversion clock was recovered; else times are late by up to a poll."""
    poll_s: float
    """Median distance of two polls."""
    polls: int

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def noise_w(self) -> float:
        """Standard deviation of one conversion of a steady power; slow drift does not count."""
        if len(self) < 3:
            return float("nan")
        return float(np.sqrt(0.5 * np.mean(np.diff(self.value_w) ** 2)))


def find_conversions(trace: PowerTrace, period_s: float | None = None) -> Conversions:
    """Return the distinct conversions behind the polls of a trace.

    Args:
        trace: polls with repeated values.
        period_s: the conversions' distance where it is known; found if `None`.

    Raises:
        InsufficientData: the sensor gave fewer than two readable polls.
    """
    value = trace.total_w
    good = np.isfinite(value) & np.isfinite(trace.time_s)
    time, value = trace.time_s[good], value[good]
    if time.size < 2:
        raise InsufficientData("the power trace has fewer than two readings")
    changed = np.flatnonzero(np.diff(value) != 0) + 1
    poll = float(np.median(np.diff(time)))
    if changed.size < MIN_CHANGES:
        return _as_seen(time, value, changed, poll)
    moments = time[changed]
    found = _period(moments, poll) if period_s is None else period_s
    if found < CLOCKED_POLLS * poll:
        return _as_seen(time, value, changed, poll)
    count, found = _count(moments, found)
    late = moments - count * found
    spread = float(np.subtract(*np.quantile(late - _running(late), [0.95, 0.05])))
    if spread > 2.0 * poll:
        return _as_seen(time, value, changed, poll)
    ticks = np.arange(int(count[0]), int(count[-1]))
    start = ticks * found + _envelope(count, late, ticks, poll)
    nearest = np.clip(np.searchsorted(time, start + 0.5 * found), 1, time.size - 1)
    nearest -= (start + 0.5 * found - time[nearest - 1]) < (time[nearest] - start - 0.5 * found)
    sure = np.abs(time[nearest] - start - 0.5 * found) < max(0.4 * found, 0.0)
    return Conversions(
        start[sure], value[nearest[sure]], found, clocked=True, poll_s=poll, polls=int(time.size)
    )


def _as_seen(time: FloatArray, value: FloatArray, changed: IntArray, poll: float) -> Conversions:
    """Return the changes as they were seen, half a poll earlier on average."""
    if changed.size == 0:
        return Conversions(
            time[:1], value[:1], float("nan"), clocked=False, poll_s=poll, polls=int(time.size)
        )
    period = (time[-1] - time[0]) / changed.size
    moment = 0.5 * (time[changed] + time[changed - 1])
    return Conversions(
        moment, value[changed], float(period), clocked=False, poll_s=poll, polls=int(time.size)
    )


def _period(moments: FloatArray, poll: float) -> float:
    """Return a first period: the shortest usual distance of two changes."""
    distance = np.diff(moments)
    short = float(np.quantile(distance, 0.1))
    return float(distance[distance < short + max(1.2 * poll, 0.3 * short)].mean())


def _count(moments: FloatArray, period: float) -> tuple[IntArray, float]:
    """Return the number of each change's conversion, and the period refined on all of them."""
    steps = np.maximum(np.rint(np.diff(moments) / period), 1)
    stage = min(64, moments.size - 1)
    while True:  # a period that is right over few conversions lets more of them be counted
        count = np.concatenate([[0.0], np.cumsum(steps)])
        part = slice(0, stage + 1)
        period = float(np.polyfit(count[part], moments[part] - moments[0], 1)[0])
        steps = np.maximum(np.rint(np.diff(moments) / period), 1)
        if stage == moments.size - 1:
            count = np.concatenate([[0.0], np.cumsum(steps)])
            return count.astype(np.int64), period
        stage = min(stage * 8, moments.size - 1)


def _running(late: FloatArray) -> FloatArray:
    """Return the medians of blocks, spread over their members: the clock's slow wander."""
    blocks = max(late.size // BLOCK_CHANGES, 1)
    pieces = np.array_split(late, blocks)
    return np.concatenate([np.full(piece.size, np.median(piece)) for piece in pieces])


def _envelope(count: IntArray, late: FloatArray, ticks: IntArray, poll: float) -> FloatArray:
    """Return the earliest moment of a change after its tick, as it wanders over time."""
    blocks = max(late.size // BLOCK_CHANGES, 1)
    places, lows = [], []
    for where, piece in zip(
        np.array_split(count, blocks), np.array_split(late, blocks), strict=True
    ):
        places.append(float(where.mean()))
        middle = float(np.median(piece))
        inside = piece[piece > middle - poll]  # a change seen far too early was miscounted
        lows.append(float(inside.min()) - poll / (inside.size + 1))
    return np.asarray(np.interp(ticks, places, lows))
