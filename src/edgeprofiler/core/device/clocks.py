"""Clocks of a board: what a power mode, or a user, sets.

A user writes those that differ from a power mode, `gpu=612MHz,emc=2133MHz,cpu=1.2GHz,cores=4`,
and for a sweep several values of each, `gpu=306:1300:100MHz,emc=2133/3199MHz`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import UsageError

AXES: Mapping[str, str] = {
    "gpu": "gpu_hz",
    "emc": "emc_hz",
    "cpu": "cpu_hz",
    "cores": "cpu_cores",
    "sms": "sms",
}
"""What can be set, by the word a user writes: the field of `Clocks` that it sets."""

ROUNDING = 1e-3
"""Share by which a clock may lie beyond the board's range, and means its end: data sheets round
(1301 MHz and 1.3 GHz for 1300.5, 3200 for 3199)."""

_UNITS = {"hz": 1, "khz": 10**3, "mhz": 10**6, "ghz": 10**9}
_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,20})?)\s*([a-z]*)", re.IGNORECASE)
_EXAMPLE = "write gpu=612MHz,emc=2133MHz,cpu=1.2GHz,cores=4"


@dataclass(frozen=True)
class Clocks:
    """How fast each part of a board may run, and how many of its cores are on.

    `None` stands for what the board's file does not say; it cannot be set either.
    """

    gpu_hz: float
    emc_hz: float | None
    """Clock of the memory controller; the memory moves two words in each cycle of it."""
    cpu_hz: float | None
    cpu_cores: int | None
    """Processor cores that are on."""
    sms: int
    """Streaming multiprocessors of the GPU that are on."""

    def value(self, axis: str) -> float | int | None:
        """Return one of them, by the words of `AXES`."""
        found: float | int | None = getattr(self, AXES[axis])
        return found

    def items(self) -> Iterator[tuple[str, float | int | None]]:
        """Return the axes, by the words of `AXES`, with their values."""
        return ((axis, self.value(axis)) for axis in AXES)

    def within(self, most: Clocks) -> bool:
        """Return whether nothing is faster, and nothing more is on, than in `most`."""
        return all(
            mine is None or theirs is None or mine <= theirs
            for (_, mine), (_, theirs) in zip(self.items(), most.items(), strict=True)
        )

    def changed(self, changes: Mapping[str, float]) -> Clocks:
        """Return these clocks with the axes of `changes` set."""
        values: dict[str, Any] = {AXES[axis]: value for axis, value in changes.items()}
        return replace(self, **values)

    def differences(self, base: Clocks) -> dict[str, float]:
        """Return the axes in which these clocks differ from `base`."""
        return {
            axis: value
            for (axis, value), (_, other) in zip(self.items(), base.items(), strict=True)
            if value is not None and value != other
        }


@dataclass(frozen=True)
class ClockRange:
    """What an axis can be set to, both ends included."""

    least: float
    most: float

    def fit(self, axis: str, value: float) -> float | None:
        """Return the value that `value` means, `None` where it lies outside.

        >>> ClockRange(306e6, 1300.5e6).fit("gpu", 1301e6)
        1300500000.0
        """
        slack = 0.0 if counts(axis) else ROUNDING
        if not self.least * (1 - slack) <= value <= self.most * (1 + slack):
            return None
        return min(max(value, self.least), self.most)


def counts(axis: str) -> bool:
    """Return whether an axis counts something, and so has no unit."""
    return axis in ("cores", "sms")


def parse_changes(text: str) -> dict[str, float]:
    """Return the clocks that a user's text sets, in Hz.

    Raises:
        UsageError: an unknown axis, one that is set twice, a value without unit, or no number.

    >>> parse_changes("gpu=612MHz,cores=4")
    {'gpu': 612000000.0, 'cores': 4}
    """
    found = parse_sweep(text)
    several = [axis for axis, values in found.items() if len(values) > 1]
    if several:
        raise UsageError(
            f"clocks {text!r}: {several[0]} has several values; give one, or hand them to a "
            "sweep's `clocks`"
        )
    return {axis: values[0] for axis, values in found.items()}


def parse_sweep(text: str) -> dict[str, tuple[float, ...]]:
    """Return the values of each axis that a user's text sets, in Hz, as written.

    An axis takes one value, several (`/` between them), or a range `FIRST:LAST:STEP`, whose last
    value is included where a step meets it. The last unit counts for the numbers before it too.

    Raises:
        UsageError: as `parse_changes`, and a range that has no or too many values.

    >>> parse_sweep("gpu=306:510:102MHz,emc=2133/3199MHz")
    {'gpu': (306000000.0, 408000000.0, 510000000.0), 'emc': (2133000000.0, 3199000000.0)}
    """
    found: dict[str, tuple[float, ...]] = {}
    for part in text.split(","):
        axis, equals, value = (piece.strip() for piece in part.partition("="))
        axis = axis.lower()
        if not equals or not value:
            raise _wrong(text, f"{part.strip()!r} sets nothing; {_EXAMPLE}")
        if axis not in AXES:
            close = difflib.get_close_matches(axis, AXES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(AXES)}"
            raise _wrong(text, f"no clock {axis!r}; {hint}")
        if axis in found:
            raise _wrong(text, f"{axis} is set twice")
        found[axis] = _values(text, axis, value)
    return found


def print_changes(changes: Mapping[str, float]) -> str:
    """Return clocks as a user writes them; `parse_changes` reads the same numbers back.

    >>> print_changes({"gpu": 624.75e6, "cores": 4})
    'gpu=624.75MHz,cores=4'
    """
    return ",".join(
        f"{axis}={print_clock(axis, changes[axis])}" for axis in AXES if axis in changes
    )


def print_clock(axis: str, value: float) -> str:
    """Return one value as a user writes it: `612MHz`, or `4` for cores."""
    if counts(axis):
        return str(int(value))
    return f"{(Decimal(repr(float(value))) / 10**6).normalize():f}MHz"


def _wrong(text: str, problem: str) -> UsageError:
    return UsageError(f"clocks {text[:80]!r}: {problem}")


def _values(text: str, axis: str, value: str) -> tuple[float, ...]:
    ends = value.split(":")
    pieces = ends if len(ends) > 1 else value.split("/")
    numbers = [_NUMBER.fullmatch(piece.strip()) for piece in pieces]
    if not all(numbers) or len(ends) not in (1, 3):
        raise _wrong(text, f"{axis}={value} is no number or range; {_example(axis)}")
    unit = ""
    exact: list[Decimal] = []
    for number in reversed(numbers):
        assert number is not None
        unit = number[2].lower() or unit
        exact.append(Decimal(number[1]) * _factor(text, axis, value, unit))
    exact.reverse()
    if len(ends) == 3:
        exact = _range(text, axis, value, *exact)
    if not all(exact):
        raise _wrong(text, f"{axis}={value} is nothing; it must be above zero")
    if counts(axis):
        if any(number != int(number) for number in exact):
            raise _wrong(text, f"{axis}={value} is no whole number")
        return tuple(int(number) for number in exact)
    return tuple(float(number) for number in exact)


def _factor(text: str, axis: str, value: str, unit: str) -> int:
    if counts(axis):
        if unit:
            raise _wrong(text, f"{axis}={value} has a unit; {_example(axis)}")
        return 1
    if unit not in _UNITS:
        problem = f"has an unknown unit {unit!r}" if unit else "has no unit"
        raise _wrong(text, f"{axis}={value} {problem}; {_example(axis)}")
    return _UNITS[unit]


def _range(
    text: str, axis: str, value: str, first: Decimal, last: Decimal, step: Decimal
) -> list[Decimal]:
    if step == 0 or last < first:
        raise _wrong(text, f"{axis}={value} has no values; write FIRST:LAST:STEP")
    count = math.floor((last - first) / step) + 1
    if count > limits.SWEEP_POINTS:
        raise _wrong(text, f"{axis}={value} has {count:,} values; at most {limits.SWEEP_POINTS:,}")
    return [first + i * step for i in range(count)]


def _example(axis: str) -> str:
    if counts(axis):
        return f"write {axis}=4, {axis}=2/4 or {axis}=2:8:2"
    return f"write {axis}=612MHz, {axis}=306/612MHz or {axis}=306:612:102MHz"
