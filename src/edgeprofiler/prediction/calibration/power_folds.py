"""Power of networks when they are left out of both fits, of time and of power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.accuracy import Coverage
from edgeprofiler.prediction.calibration.folds import KEYS, Folds
from edgeprofiler.prediction.calibration.power import PowerRows, power_above_idle, solve_power
from edgeprofiler.prediction.calibration.problem import Problem
from edgeprofiler.prediction.calibration.recipe import numbers_of
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.uncertainty.conformal import half_width


def power_rows(problem: Problem, values: FloatArray, samples: Sequence[Sample]) -> PowerRows:
    """Return what networks do whose power was measured, by a solution for time."""
    return PowerRows.of(samples, [numbers_of(problem, values, sample) for sample in samples])


@dataclass(frozen=True)
class PowerFolds:
    """Residuals of power above idle, as logarithm, and how often intervals hold them."""

    labels: npt.NDArray[np.str_]
    residuals: FloatArray
    confidence: float

    @staticmethod
    def of(folds: Folds, samples: Sequence[Sample], confidence: float) -> PowerFolds:
        """Return what is left out of both fits.

        Args:
            folds: refits for time, with the groups of these samples among them.
            samples: rows with power.
            confidence: share that the intervals are to hold.
        """
        labels = np.array([KEYS[folds.kind](sample) for sample in samples])
        watts = np.array([power_above_idle(sample) for sample in samples])
        kept: BoolArray = np.array([not sample.row.set_aside for sample in samples])
        residuals = np.full(len(watts), np.nan)
        for name in dict.fromkeys(labels.tolist()):
            out: BoolArray = labels == name
            rows = power_rows(folds.problem, folds.solutions[name].values, samples)
            values, _ = solve_power(rows, samples, kept & ~out)
            residuals[out] = np.log(rows.power(values) / watts)[out]
        return PowerFolds(labels, residuals, confidence)

    def coverage(self, rows: BoolArray) -> Coverage:
        """Return how many residuals lie in intervals from those of other groups.

        Args:
            rows: which rows are asked about. All others always count.
        """
        widths = np.full(len(self.labels), np.nan)
        for name in dict.fromkeys(self.labels.tolist()):
            mine = self.labels == name
            widths[mine] = half_width(
                self.residuals[~mine], self.confidence, self.labels[~mine].tolist()
            )
        return Coverage.of(self.residuals[rows], widths[rows])
