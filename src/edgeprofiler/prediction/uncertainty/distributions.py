"""Quantiles of the normal and Student's t, and a proportion's interval, without scipy.

All follow from the regularised incomplete beta function, by its continued fraction
(Abramowitz and Stegun, 26.5.8, 26.7.1 and 26.5.24).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_CENTRE = 1e-6
"""Share up to which densities are flat to ten digits: quantiles there grow with the share."""

_AS_NORMAL = 1e5
"""Degrees of freedom beyond which Student's t is the normal within 0.02 % up to 1 - 1e-12."""


def normal_quantile(confidence: float) -> float:
    """Return the two-sided quantile of the standard normal distribution.

    >>> round(normal_quantile(0.9), 4)
    1.6449
    """
    if confidence < _CENTRE:
        return confidence / _CENTRE * normal_quantile(_CENTRE)
    return NormalDist().inv_cdf((1 + confidence) / 2)


@lru_cache(maxsize=1024)
def student_quantile(confidence: float, freedom: float) -> float:
    """Return the two-sided quantile of Student's t, within 0.1 %.

    Args:
        confidence: share between minus and plus the quantile, in (0, 1 - 1e-12].
        freedom: degrees of freedom, at least 1; need not be whole.

    >>> round(student_quantile(0.9, 5), 3)
    2.015
    """
    if confidence < _CENTRE:
        return confidence / _CENTRE * student_quantile(_CENTRE, freedom)
    if freedom > _AS_NORMAL:
        return normal_quantile(confidence)

    def excess(log: float) -> float:
        square = math.exp(2 * log)
        whole = freedom + square
        # Of the two shares the smaller is exact; the other is one minus it.
        if confidence < 0.5:
            return incomplete_beta(0.5, freedom / 2, square / whole) - confidence
        return (1 - confidence) - incomplete_beta(freedom / 2, 0.5, freedom / whole)

    # Tails grow heavier as the degrees fall, from the normal's down to Cauchy's at one.
    cauchy = 1 / math.tan(math.pi / 2 * (1 - confidence))
    return math.exp(bisect(excess, math.log(normal_quantile(confidence)), math.log(cauchy)))


def binomial_interval(inside: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a proportion by Clopper and Pearson (Biometrika 26, 1934).

    >>> [round(end, 3) for end in binomial_interval(18, 20)]
    [0.683, 0.988]
    """
    if count == 0:
        return 0.0, 1.0
    tail, outside = (1 - confidence) / 2, count - inside
    low = high = inside / count
    if inside:
        low = bisect(lambda p: incomplete_beta(inside, outside + 1, p) - tail, 0.0, 1.0)
    if outside:
        high = bisect(lambda p: incomplete_beta(inside + 1, outside, p) - (1 - tail), 0.0, 1.0)
    return low, high


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function of `x` in [0, 1]."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly, its mirror image
        return 1 - incomplete_beta(b, a, 1 - x)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log += a * math.log(x) + b * math.log1p(-x)
    fraction = 1.0
    # From the innermost term outwards; so many that more change nothing in twelve digits.
    for m in range(30 + 3 * math.isqrt(int(max(a, b))), 0, -1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m - 1) * (a + b + m - 1) * x / ((a + 2 * m - 2) * (a + 2 * m - 1))
        fraction = 1 + odd / (1 + even / fraction)
    return math.exp(log) / (a * fraction)


def bisect(rising: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function crosses zero between two ends."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
