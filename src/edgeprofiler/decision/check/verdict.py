"""Whether a value keeps a limit: for sure, surely not, or nobody knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgeprofiler.core.quantity import Estimate, Quantity
from edgeprofiler.core.units import scale_of

Verdict = Literal["under", "over", "undecided"]
"""On which side of a limit a value lies."""

Rule = Literal["interval", "strict", "sure"]
"""What a budget is held to.

- `interval`: what surely breaks a limit fails; an interval around the limit decides nothing;
- `strict`: the value decides, whatever its interval;
- `sure`: the whole interval must keep the limit.
"""


def verdict_of(
    found: Estimate, limit: float, rule: Rule = "interval", *, whole: bool = True,
    at_least: bool = False,
) -> Verdict:  # fmt: skip
    """Return on which side of a limit a value lies, as far as that is sure.

    A limit is kept where it is met exactly. Without any interval the value stands for itself,
    unless the whole interval is asked for.

    Args:
        found: the value, which is known, and its interval.
        limit: in the same unit.
        rule: what decides.
        whole: whether the value is of all layers. Where some are not covered, it may be more: its
            interval is open, and no rule makes the value itself decide.
        at_least: whether the limit is the least that is allowed; the most otherwise.

    >>> power = Estimate(8.77, 6.56, 13.26)
    >>> verdict_of(power, 10.0), verdict_of(power, 10.0, "strict"), verdict_of(power, 6.5)
    ('undecided', 'under', 'over')
    """
    low, high = found.low, found.high
    alone = math.isnan(low) and math.isnan(high)
    if whole and (rule == "strict" or (alone and rule != "sure")):
        low = high = found.value
    if at_least:
        return "over" if low >= limit else "under" if high < limit else "undecided"
    return "over" if low > limit else "under" if high <= limit else "undecided"


@dataclass(frozen=True)
class Finding:
    """One line of a budget, judged."""

    name: str
    limit: float
    estimate: Estimate
    """In the unit of the limit."""
    unit: str
    verdict: Verdict
    at_least: bool = False
    """Whether the limit is the least that is allowed; the most otherwise."""

    @property
    def held(self) -> bool | None:
        """Whether the limit is kept; `None` where that is undecided."""
        if self.verdict == "undecided":
            return None
        return self.verdict == ("over" if self.at_least else "under")

    @property
    def side(self) -> str:
        """What the limit is: `at most` or `at least`."""
        return "at least" if self.at_least else "at most"

    def quantity(self, estimate: Estimate) -> Quantity:
        """Return a number in the unit of the limit as a person reads it."""
        return Quantity(estimate.scaled(scale_of(self.unit)[0]), self.unit, digits=4)

    @property
    def words(self) -> str:
        """The verdict; where it is undecided, with the interval and the limit between its ends.

        >>> Finding("power_w", 10.0, Estimate(8.77, 6.56, 13.26), "W", "undecided").words
        'undecided: 6.56 W to 13.26 W against 10 W'
        """
        if self.verdict != "undecided":
            return self.verdict
        limit = self.quantity(Estimate(self.limit)).words
        interval = self.quantity(self.estimate).interval
        return f"undecided: {interval or 'no interval'} against {limit}"
