"""Options as a user gave them, checked when the sensor is made."""

from __future__ import annotations

import math

from edgeprofiler.core.errors import UsageError


def number(name: str, value: object, low: float, high: float) -> float:
    """Return a number from `low` to `high`, or raise `UsageError`."""
    # a whole number of any length compares; only one in range is made a float
    if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise UsageError(f"{name}={value!r} must be a number from {low:g} to {high:g}")


def whole(name: str, value: object, low: int, high: float = math.inf) -> int:
    """Return a whole number from `low` to `high`, or raise `UsageError`."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return int(value)
    limit = f"from {low} to {high:g}" if math.isfinite(high) else f"of {low} or more"
    raise UsageError(f"{name}={value!r} must be a whole number {limit}")


def flag(name: str, value: object) -> bool:
    """Return a truth value, or raise `UsageError`; texts such as `no` are none."""
    if isinstance(value, bool):
        return value
    raise UsageError(f"{name}={value!r} must be true or false")


def text(name: str, value: object) -> str:
    """Return a text, or raise `UsageError`; a whole number is the text that it was written as."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and "\0" not in value:
        return value
    raise UsageError(f"""{name}={value!r} must be text; write it in quotes: '{name}="TEXT"'""")
