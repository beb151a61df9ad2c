"""Figures of accuracy of predictions beside measurements."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import FloatArray


@dataclass(frozen=True)
class Figures:
    """How well predictions meet measurements; shares of one, not per cent."""

    rows: int
    mape: float
    """Mean absolute error, relative to the measured value."""
    median: float
    """Median absolute relative error."""
    rmspe: float
    """Root mean square relative error."""
    bias: float
    """Mean signed relative error."""
    within_10: float
    """Share of rows within 10 %."""
    spearman: float
    """Rank correlation; NaN for fewer than three rows."""

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the figures by name, `None` where there is none."""
        return {k: None if math.isnan(v) else v for k, v in asdict(self).items()}

    def __str__(self) -> str:
        return (
            f"{self.rows} rows: MAPE {100 * self.mape:.1f} %, median {100 * self.median:.1f} %, "
            f"RMSPE {100 * self.rmspe:.1f} %, bias {100 * self.bias:+.1f} %, "
            f"within 10 %: {100 * self.within_10:.0f} %, Spearman {self.spearman:.3f}"
        )


def figures(measured: npt.ArrayLike, predicted: npt.ArrayLike) -> Figures:
    """Return the figures of accuracy of `predicted` beside `measured`, both above zero."""
    truth = np.asarray(measured, dtype=np.float64)
    guess = np.asarray(predicted, dtype=np.float64)
    if not len(truth):
        return Figures(0, *[math.nan] * 6)
    error = guess / truth - 1
    size = np.abs(error)
    return Figures(
        rows=len(truth),
        mape=float(size.mean()),
        median=float(np.median(size)),
        rmspe=float(np.sqrt((error**2).mean())),
        bias=float(error.mean()),
        within_10=float((size <= 0.10).mean()),
        spearman=spearman(truth, guess),
    )


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
