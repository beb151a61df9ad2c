"""Half widths of intervals from residuals of groups that were left out."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from edgeprofiler.core.network import FloatArray

FEW_GROUPS = 10
"""Below so many groups a parametric rule replaces the ranks, which could not reach the tails."""


def half_width(residuals: FloatArray, confidence: float) -> float:
    """Return the half width in log space that covers `confidence` of further residuals.

    With ten residuals or more it is the conformal rank of their absolute values. With fewer, or
    where the rank lies beyond the last, it is Student's t times their root mean square: a stated
    rule without a finite-sample guarantee.

    Args:
        residuals: log(predicted / measured) of what was left out; finite.
        confidence: share of truths to cover, in (0, 1).
    """
    count = len(residuals)
    if not count:
        return math.nan
    size = np.sort(np.abs(residuals))
    rank = math.ceil((count + 1) * confidence)
    if count >= FEW_GROUPS and rank <= count:
        return float(size[rank - 1])
    spread = float(np.sqrt(np.mean(residuals**2)))
    wide = student_t(0.5 + confidence / 2, count) * spread * math.sqrt(1 + 1 / count)
    return max(wide, float(size[-1]) if count >= FEW_GROUPS else 0.0)


def student_t(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t, by the Cornish-Fisher expansion around the normal."""
    z = NormalDist().inv_cdf(probability)
    if degrees == 1:
        return math.tan(math.pi * (probability - 0.5))
    if degrees == 2:
        alpha = 4 * probability * (1 - probability)
        return 2 * (probability - 0.5) * math.sqrt(2 / alpha)
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / degrees + g2 / degrees**2 + g3 / degrees**3
