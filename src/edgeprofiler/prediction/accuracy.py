"""How well predictions meet measurements, and how often intervals hold them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.alike import Alike
from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.uncertainty.distributions import binomial_interval


@dataclass(frozen=True, eq=False)
class Figures(Alike):
    """How well predictions meet measurements; all NaN where there is none.

    Shares and relative errors are of one, not per cent.
    """

    rows: int
    rmspe: float = math.nan
    """Root mean square relative error."""
    mape: float = math.nan
    """Mean absolute error, relative to the measured value."""
    within_10: float = math.nan
    """Share of rows within 10 %."""
    median: float = math.nan
    """Median absolute relative error."""
    bias: float = math.nan
    """Mean signed relative error."""
    spearman: float = math.nan
    """Rank correlation; NaN for fewer than three rows."""
    rmse: float = math.nan
    """Root mean square error, in the measured value's unit."""
    mse: float = math.nan
    mae: float = math.nan
    """Mean absolute error, in the measured value's unit."""
    r2: float = math.nan
    """Share of the variance explained; NaN where the measured values do not vary."""

    def as_dict(self) -> dict[str, float | None]:
        """Return the figures by name without `rows`, `None` where there is none."""
        found = {name: value for name, value in asdict(self).items() if name != "rows"}
        return {name: None if math.isnan(value) else value for name, value in found.items()}

    def __str__(self) -> str:
        return (
            f"{self.rows} rows: MAPE {100 * self.mape:.1f} %, median {100 * self.median:.1f} %, "
            f"RMSPE {100 * self.rmspe:.1f} %, bias {100 * self.bias:+.1f} %, "
            f"within 10 %: {100 * self.within_10:.0f} %, Spearman {self.spearman:.3f}"
        )


def figures(measured: npt.ArrayLike, predicted: npt.ArrayLike) -> Figures:
    """Return the figures of accuracy of `predicted` beside `measured`.

    Pairs with a NaN are left out; what was measured is above zero.

    >>> round(figures([1.0, 2.0], [1.1, 1.8]).mape, 9)
    0.1
    """
    truth = np.asarray(measured, dtype=np.float64)
    guess = np.asarray(predicted, dtype=np.float64)
    both = np.isfinite(truth) & np.isfinite(guess)
    truth, guess = truth[both], guess[both]
    if not len(truth):
        return Figures(0)
    error = guess - truth
    relative = error / truth
    size = np.abs(relative)
    mse, variance = float(np.mean(error**2)), float(np.var(truth))
    return Figures(
        rows=len(truth),
        rmspe=float(np.sqrt(np.mean(relative**2))),
        mape=float(size.mean()),
        within_10=float((size <= 0.10).mean()),
        median=float(np.median(size)),
        bias=float(relative.mean()),
        spearman=spearman(truth, guess),
        rmse=math.sqrt(mse),
        mse=mse,
        mae=float(np.abs(error).mean()),
        r2=1.0 - mse / variance if variance > 0 else math.nan,
    )


@dataclass(frozen=True)
class Coverage:
    """How many of `count` truths lay in their intervals."""

    inside: int
    count: int
    half_width: float
    """Median half width in log space."""

    @staticmethod
    def of(residuals: npt.ArrayLike, widths: npt.ArrayLike) -> Coverage:
        """Return how many residuals are at most as large as their half widths, in log space."""
        wide = np.asarray(widths, dtype=np.float64)
        inside = int((np.abs(np.asarray(residuals, dtype=np.float64)) <= wide).sum())
        return Coverage(inside, len(wide), float(np.median(wide)) if len(wide) else math.nan)

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


def interval_score(residuals: FloatArray, widths: FloatArray, confidence: float) -> float:
    """Return the mean interval score in log space: less is better, and width counts.

    An interval's score is its width, and where the truth lies beyond an end, that distance times
    2 / (1 - confidence). Source: Gneiting and Raftery, Strictly Proper Scoring Rules, 2007.

    Args:
        residuals: predicted over measured, as logarithm.
        widths: half widths of the intervals around the predictions.
        confidence: share of truths that they are to hold.

    >>> round(interval_score(np.array([0.0, 0.2]), np.array([0.1, 0.1]), 0.9), 9)
    1.2
    """
    beyond = np.maximum(np.abs(residuals) - widths, 0.0)
    return round(float(np.mean(2 * widths + 2 / (1 - confidence) * beyond)), 12)


def spearman(one: FloatArray, two: FloatArray) -> float:
    """Return Spearman's rank correlation; ties share their mean rank."""
    if len(one) < 3:
        return math.nan
    a, b = _ranks(one), _ranks(two)
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float((a**2).sum()) * float((b**2).sum()))
    return float((a * b).sum()) / scale if scale else math.nan


def _ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2.0)[inverse], dtype=np.float64)
