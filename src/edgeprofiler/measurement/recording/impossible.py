"""Readings of a board's power that no board can draw: found, left out, and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.recording.recording import PowerTrace, Recording

TOLD_AS = "impossible readings: "
"""How the warning begins."""
_APART = 3.0
"""Full scale lies this far above all other readings; no network triples a board's power between
two conversions and leaves no value in between."""
_ALIKE = 0.05
"""Readings at full scale differ by the voltage alone, which a board holds to 5 %."""
_MOST = 0.1
"""Share of readings above which the high ones are no glitches."""
_FEWEST = 3


def without_impossible(recording: Recording) -> Recording:
    """Return a recording whose impossible readings are unknown, with a warning that tells them.

    Impossible are totals that are infinite, below zero, or at the sensor's full scale: a few that
    stand alone far above all others, and are all alike.
    """
    parts = [recording.idle_before, recording.trace, recording.idle_after]
    totals = [np.empty(0) if part is None else part.total_w for part in parts]
    found = impossible(np.concatenate(totals))
    if not found:
        return recording
    wrong = np.any([mask for mask, _ in found], axis=0)
    masks = np.split(wrong, np.cumsum([len(total) for total in totals])[:-1])
    before, trace, after = (
        None if part is None else _unknown(part, mask)
        for part, mask in zip(parts, masks, strict=True)
    )
    assert trace is not None
    return replace(
        recording, idle_before=before, trace=trace, idle_after=after,
        warnings=(*recording.warnings, _told(found, int(wrong.sum()), len(wrong))),
    )  # fmt: skip


def impossible(total_w: FloatArray) -> list[tuple[BoolArray, str]]:
    """Return which totals are impossible, and what each such group is; empty where none is.

    >>> import numpy as np
    >>> [kind for _, kind in impossible(np.array([5.0, -1.0, np.inf]))]
    ['infinite', 'below zero, down to -1 W']
    """
    found: list[tuple[BoolArray, str]] = []
    infinite = np.isinf(total_w)
    if infinite.any():
        found.append((infinite, "infinite"))
    with np.errstate(invalid="ignore"):
        negative = (total_w < 0) & ~infinite
    if negative.any():
        lowest = engineering(float(total_w[negative].min()), "W")
        found.append((negative, f"below zero, down to {lowest}"))
    full = _at_full_scale(np.where(infinite | negative, np.nan, total_w))
    if full.any():
        highest = engineering(float(total_w[full].max()), "W")
        found.append((full, f"alone at the sensor's full scale, {highest}"))
    return found


def _at_full_scale(total_w: FloatArray) -> BoolArray:
    """Return which values are a few alike ones, each alone in time, far above all others."""
    none = np.zeros(len(total_w), dtype=bool)
    known = np.flatnonzero(np.isfinite(total_w))
    if len(known) < 2 * _FEWEST:
        return none
    values = total_w[known]
    # of each held value one: polls repeat it
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
    held = values[starts]
    highest = float(held.max())
    high = held >= (1 - _ALIKE) * highest
    rest = held[~high]
    if not len(rest) or high.sum() < _FEWEST or (high[1:] & high[:-1]).any():
        return none
    at_polls = np.repeat(high, np.diff([*starts, len(values)]))
    if highest >= _APART * float(rest.max()) and at_polls.mean() <= _MOST:
        none[known] = at_polls
    return none


def _unknown(trace: PowerTrace, wrong: BoolArray) -> PowerTrace:
    rails = {
        rail: np.where(wrong, np.nan, values) if rail in trace.total_rails else values
        for rail, values in trace.rails_w.items()
    }
    return replace(trace, rails_w=rails)


def _told(found: Sequence[tuple[BoolArray, str]], count: int, all_of: int) -> str:
    kinds = "; ".join(f"{int(mask.sum()):,} {kind}" for mask, kind in found)
    if count == all_of:
        return (
            f"{TOLD_AS}all {count:,} totals are ({kinds}), so no power is known; see how the shunt "
            "is wired and which rails make the total"
        )
    share = f"{count:,} of {all_of:,} totals"
    return f"{TOLD_AS}{share} are left out ({kinds}); see the sensor's wires and its bus"
