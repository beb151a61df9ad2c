"""Numbers of a profile that cannot be: negative, infinite, or outside their own interval."""

from __future__ import annotations

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.profile.profile import Part, Profile

_MOST = {"runtime_s": limits.PROFILE_SECONDS, "power_w": limits.PROFILE_WATTS}
_SLACK = 1e-6
"""Relative: ends and values are rounded by whoever writes them."""


def require_possible(profile: Profile, source: object) -> Profile:
    """Return the profile; refuse one whose numbers cannot be.

    Args:
        profile: read from a file, or answered by a predictor that was.

    Raises:
        InvalidInput: a time or power is negative or beyond all that computes, or an end of an
            interval lies on the wrong side of its value.
    """
    costs = profile.costs
    for name, most in _MOST.items():
        values = getattr(costs, name)
        _within(name, values, most, source)
        for end, sign in (("low", 1.0), ("high", -1.0)):
            ends = getattr(costs, f"{name}_{end}")
            if ends is not None:
                _beside(name, end, sign * ends, sign * values, source)
    for part, place in ((profile.fixed, "fixed"), (profile.host_gap, "host_gap")):
        _part(part, place, source)
    idle = profile.idle_power_w
    if idle < 0 or idle > limits.PROFILE_WATTS:
        raise InvalidInput(source, f"idle_power_w is {idle:g}", "no board draws that")
    for name in profile.total_intervals:
        found = getattr(profile.totals, name)
        room = _SLACK * abs(found.value)
        if found.low > found.value + room or found.high < found.value - room:
            raise InvalidInput(
                source,
                f"totals.{name}: the interval {found.low:g} to {found.high:g} leaves out the "
                f"value {found.value:g}, the sum of its parts",
            )
    return profile


def _within(name: str, values: FloatArray, most: float, source: object) -> None:
    wrong = (values < 0) | (values > most)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InvalidInput(source, f"layers[{at}].{name} is {values[at]:g}", "that cannot be")


def _beside(name: str, end: str, ends: FloatArray, values: FloatArray, source: object) -> None:
    """Refuse ends above their values, both with their sign turned for the high ones."""
    wrong = ends > values + _SLACK * np.abs(values)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InvalidInput(
            source,
            f"layers[{at}].{name}_{end} is {abs(ends[at]):g}, on the wrong side of the value "
            f"{abs(values[at]):g}",
        )


def _part(part: Part, place: str, source: object) -> None:
    for name, most in _MOST.items():
        value = getattr(part, name)
        if value < 0 or value > most:
            raise InvalidInput(source, f"{place}.{name} is {value:g}", "that cannot be")
