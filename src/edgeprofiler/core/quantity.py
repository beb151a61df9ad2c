"""Numbers that a person reads, with interval and unit: worded here, whatever prints them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from edgeprofiler.core.alike import Alike
from edgeprofiler.core.units import between, engineering, in_unit, known, signed

Verdict = Literal["less", "more", "same", "undecided"]

SAME = "the same"
UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Estimate(Alike):
    """A number with its interval; all NaN where unknown, no interval where `low` is NaN."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)

    def scaled(self, factor: float, offset: float = 0.0) -> Estimate:
        """Return `factor * self + offset`, for a factor from 0 up.

        >>> Estimate(2.0, 1.0, 4.0).scaled(10)
        Estimate(value=20.0, low=10.0, high=40.0)
        """
        return Estimate(*(x * factor + offset for x in (self.value, self.low, self.high)))

    def inverse(self, numerator: float = 1.0) -> Estimate:
        """Return `numerator / self`, whose high end comes from the low one.

        >>> Estimate(0.02, 0.01, 0.04).inverse()
        Estimate(value=50.0, low=25.0, high=100.0)
        """
        return Estimate(
            *(numerator / x if x > 0 else math.nan for x in (self.value, self.high, self.low))
        )

    def document(self, name: str) -> dict[str, float | None]:
        """Return the three numbers as JSON values by name; unknown ones are `None`.

        >>> Estimate(2.5).document("power_w")
        {'power_w': 2.5, 'power_w_low': None, 'power_w_high': None}
        """
        ends = zip(("", "_low", "_high"), (self.value, self.low, self.high), strict=True)
        return {f"{name}{end}": known(number) for end, number in ends}


@dataclass(frozen=True)
class Quantity:
    """An estimate in SI and the unit that it is read in.

    >>> energy = Quantity(Estimate(0.0372, 0.033, 0.042), "J")
    >>> energy.words, energy.interval
    ('37.2 mJ', '33 mJ to 42 mJ')
    >>> Quantity(Estimate(0.0372), "mJ", digits=4).words
    '37.20 mJ'
    """

    estimate: Estimate
    unit: str
    """An SI unit, whose prefix each number finds for itself, or one with a prefix, which stays."""
    digits: int = 3

    def text(self, value: float) -> str:
        """Return a number of this quantity for a person."""
        return in_unit(value, self.unit, self.digits)

    @property
    def words(self) -> str:
        """The value; `-` where it is unknown."""
        return self.text(self.estimate.value)

    @property
    def interval(self) -> str:
        """The interval, from low to high; empty where there is none."""
        return between(self.estimate.low, self.estimate.high, self.text)


@dataclass(frozen=True)
class Difference:
    """How much more one thing needs than another, and whether that is sure.

    >>> more = Difference(Estimate(0.002, 0.001, 0.003), base=0.04, unit="J")
    >>> more.words, more.interval, more.verdict
    ('+2 mJ (+5.0 %)', '+1 mJ to +3 mJ', 'more')
    >>> Difference(Estimate(0.0, 0.0, 0.0), base=0.04, unit="J").words
    'the same'
    """

    estimate: Estimate
    """Second minus first."""
    base: float
    """What the first needs; the difference is told in percent of it."""
    unit: str

    def text(self, value: float) -> str:
        """Return a number of this difference for a person, with its sign."""
        return signed(value, lambda number: engineering(number, self.unit))

    @property
    def words(self) -> str:
        """The difference, also in percent; `the same` where nothing differs at all."""
        value = self.estimate.value
        if not self.estimate.known:
            return UNKNOWN
        if self.verdict == "same":
            return SAME
        percent = f" ({100 * value / self.base:+.1f} %)" if self.base > 0 else ""
        return self.text(value) + percent

    @property
    def interval(self) -> str:
        """The interval, from low to high; empty where there is none or nothing differs."""
        if self.verdict == "same":
            return ""
        return between(self.estimate.low, self.estimate.high, self.text)

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the second needs less or more; undecided where the interval spans 0."""
        found = self.estimate
        if not found.known:
            return "undecided"
        if found.low > 0:
            return "more"
        if found.high < 0:
            return "less"
        return "same" if found.low == found.high == found.value == 0 else "undecided"
