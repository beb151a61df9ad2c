"""Widths of intervals from residuals of what was left out, and tests of how often they hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import FloatArray

FEW_GROUPS = 10
"""Below so many groups, quantiles of residuals say little and a parametric rule is used."""


def conformal_quantile(residuals: npt.ArrayLike, confidence: float) -> float:
    """Return the split-conformal quantile of absolute residuals; the largest where too few.

    With exchangeable residuals, a new one is at most this with probability `confidence`.
    """
    scores = np.sort(np.abs(np.asarray(residuals, dtype=np.float64)))
    if not len(scores):
        return math.nan
    rank = math.ceil((len(scores) + 1) * confidence)
    return float(scores[min(rank, len(scores)) - 1])


def normal_quantile(confidence: float) -> float:
    """Return the two-sided quantile of the standard normal distribution."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def few_groups_quantile(
    residuals: FloatArray, groups: Sequence[object], confidence: float
) -> float:
    """Return a half width for a new group, from the residuals of a few others.

    The rule: the root mean square over groups of each group's root mean square residual, times
    the two-sided normal quantile, times sqrt(1 + 1 / groups) for not knowing the spread better.
    It holds if groups' errors are normal, and claims no finite-sample guarantee.
    """
    squares = _group_squares(residuals, groups)
    count = len(squares)
    if not count:
        return math.nan
    return normal_quantile(confidence) * math.sqrt(sum(squares) / count * (1 + 1 / count))


def _group_squares(residuals: FloatArray, groups: Sequence[object]) -> list[float]:
    """Return the mean square residual of each group."""
    labels = np.array([str(group) for group in groups])
    return [float(np.mean(residuals[labels == label] ** 2)) for label in np.unique(labels)]


def student_quantile(confidence: float, freedom: float) -> float:
    """Return the two-sided quantile of Student's t, by its expansion in powers of 1 / freedom.

    Within 0.5 % from 4 degrees of freedom on. Abramowitz and Stegun, 26.7.5.
    """
    z = normal_quantile(confidence)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom ** (i + 1) for i, term in enumerate(terms))


def believed_quantile(
    residuals: FloatArray,
    groups: Sequence[object],
    confidence: float,
    belief: float,
    weight: float = 5.0,
) -> float:
    """Return a half width for a new group from a few others and a belief about their spread.

    The groups' mean square residual is averaged with the belief's, which counts as `weight`
    groups (a scaled inverse chi-squared prior on the variance); Student's t for the sum of both
    allows for how little is known. From `FEW_GROUPS` groups on the residuals speak for themselves.

    Args:
        residuals: of each row, in log space, its group left out.
        groups: which group each row belongs to.
        confidence: share of new groups that the interval is to hold.
        belief: standard deviation that is expected before seeing any.
        weight: how many groups the belief counts as.
    """
    squares = _group_squares(residuals, groups)
    count = len(squares)
    if count >= FEW_GROUPS:
        return quantile(residuals, groups, confidence)
    variance = (weight * belief**2 + sum(squares)) / (weight + count)
    return student_quantile(confidence, weight + count) * math.sqrt(variance)


def quantile(residuals: FloatArray, groups: Sequence[object], confidence: float) -> float:
    """Return the half width for a new group: conformal, or by the rule for few groups."""
    if len({str(group) for group in groups}) < FEW_GROUPS:
        return few_groups_quantile(residuals, groups, confidence)
    return conformal_quantile(residuals, confidence)


@dataclass(frozen=True)
class Coverage:
    """How many of `count` truths lay in their intervals."""

    inside: int
    count: int
    half_width: float
    """Median half width in log space."""

    @property
    def interval(self) -> tuple[float, float]:
        """95 % binomial interval of the share inside (Clopper and Pearson)."""
        return binomial_interval(self.inside, self.count)

    def includes(self, confidence: float) -> bool:
        """Return whether the binomial interval includes the confidence that was asked for."""
        low, high = self.interval
        return low <= confidence <= high

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.inside} of {self.count} ({100 * low:.0f}-{100 * high:.0f} %)"


def binomial_interval(inside: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a proportion by Clopper and Pearson."""
    if count == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if inside == 0 else _bisect(lambda p: 1 - _binomial_cdf(inside - 1, count, p) - tail)
    high = 1.0 if inside == count else _bisect(lambda p: tail - _binomial_cdf(inside, count, p))
    return low, high


def _binomial_cdf(successes: int, count: int, share: float) -> float:
    return math.fsum(
        math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(successes + 1)
    )


def _bisect(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
