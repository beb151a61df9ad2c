"""Half widths of intervals, in log space, from residuals of what was left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.uncertainty.distributions import student_quantile

FEW_GROUPS = 10
"""Below so many groups a parametric rule replaces the ranks, which could not reach the tails."""


def half_width(
    residuals: npt.ArrayLike,
    confidence: float,
    groups: Sequence[object] | None = None,
    *,
    belief: float = 0.0,
    weight: float = 0.0,
) -> float:
    """Return the half width that holds `confidence` of the residuals of a further group.

    From ten groups on it is the split-conformal rank of the absolute residuals: where they are
    exchangeable, a new one is at most this with probability `confidence`. With fewer, or where
    the rank lies beyond the last, it is Student's t times the root of the mean over groups of
    each one's mean square residual, as many degrees as groups. That holds if groups' errors are
    normal around zero, and claims no finite-sample guarantee. A belief about the spread counts
    as so many groups more (a scaled inverse chi-squared prior on the variance).

    Args:
        residuals: log(predicted / measured) of what was left out; finite.
        confidence: share of truths to hold, in (0, 1).
        groups: which group each residual belongs to; each its own where `None`.
        belief: standard deviation that is expected before seeing any.
        weight: how many groups the belief counts as.

    >>> half_width([0.1, -0.2, 0.3, -0.1, 0.2, 0.1, 0.1, -0.3, 0.4, -0.2, 0.1], 0.9)
    0.4
    """
    known = np.asarray(residuals, dtype=np.float64)
    if not len(known):
        return math.nan
    size = np.sort(np.abs(known))
    squares = _group_squares(known, groups)
    count = len(squares)
    rank = math.ceil((len(size) + 1) * confidence)
    if count >= FEW_GROUPS and rank <= len(size):
        return float(size[rank - 1])
    freedom = weight + count
    variance = (weight * belief**2 + float(np.sum(squares))) / freedom
    least = float(size[-1]) if count >= FEW_GROUPS else 0.0
    return max(student_quantile(confidence, freedom) * math.sqrt(variance), least)


def _group_squares(residuals: FloatArray, groups: Sequence[object] | None) -> FloatArray:
    """Return the mean square residual of each group."""
    if groups is None:
        return residuals**2
    _, owner = np.unique([str(group) for group in groups], return_inverse=True)
    return np.asarray(np.bincount(owner, residuals**2) / np.bincount(owner))
