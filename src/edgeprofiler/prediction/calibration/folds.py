"""Refits that leave out a network, a family, a board or a source, and a source with a family.

The last is what a user's question is: a network, an engine, clocks and a host that nobody
measured. Its residuals, over the deviation that the model itself expects of them, say how wide
intervals must be; leaving out every source once more keeps the test honest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.core.parallel import ALONE, Workers, mapped
from edgeprofiler.prediction.calibration.problem import Problem
from edgeprofiler.prediction.calibration.recipe import row_error
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.calibration.solve import Solution

Key = Callable[[Sample], str]

KEYS: dict[str, Key] = {
    "network": lambda sample: sample.row.canonical,
    "family": lambda sample: sample.row.family,
    "board": lambda sample: sample.device.name,
    "source": lambda sample: sample.row.lab,
}
"""What can be left out: the groups that a kind of question has never seen."""

SAME_SOURCE = ("network", "family")
"""Kinds whose questions come from sources that were fitted: their common errors are known."""

STEPS = 6


@dataclass(frozen=True)
class Folds:
    """Solutions with one group left out each."""

    problem: Problem
    samples: Sequence[Sample]
    kind: str
    labels: npt.NDArray[np.str_]
    """Group of each row."""
    solutions: Mapping[str, Solution]

    @staticmethod
    def of(
        problem: Problem,
        samples: Sequence[Sample],
        kind: str,
        full: FloatArray,
        *,
        extra: Sequence[str] = (),
        taking_part: BoolArray | None = None,
        workers: Workers = ALONE,
    ) -> Folds:
        """Return the refits of one kind of leaving out.

        Args:
            problem: the fit of all rows.
            samples: the rows, in the problem's order.
            kind: one of `KEYS`.
            full: solution of the whole problem, where refits start.
            extra: more groups, that have no row here (networks with power alone).
            taking_part: rows that take part in fits; all where `None`.
            workers: who refits, a group each.
        """
        chosen = np.ones(len(samples), dtype=bool) if taking_part is None else taking_part
        labels = np.array([KEYS[kind](sample) for sample in samples])
        names = list(dict.fromkeys([*labels.tolist(), *extra]))
        refit = partial(_refit, problem, full)
        kept = [(labels != name) & chosen for name in names]
        outcomes = mapped(
            refit, kept, workers, stage="folds", named=lambda _: "", ordered=True, total=len(kept)
        )
        with closing(outcomes):
            found = [outcome.get() for outcome in outcomes]
        solutions = dict(zip(names, found, strict=True))
        return Folds(problem, samples, kind, labels, solutions)

    def residuals(self) -> FloatArray:
        """Return predicted over measured, as logarithm, of each row when its group is left out."""
        result = np.full(len(self.labels), np.nan)
        for name, solution in self.solutions.items():
            out = self.labels == name
            if out.any():
                found = solution.residuals
                if self.kind in SAME_SOURCE:
                    found = found - self.problem.in_common(found, ~out)
                result[out] = found[out]
        return result


def _refit(problem: Problem, full: FloatArray, kept: BoolArray) -> Solution:
    return problem.fit(kept, full, max_iterations=STEPS)


@dataclass(frozen=True)
class Cells:
    """Residuals of every source's families when both, source and family, are left out.

    A residual over its deviation is a score. Half widths are a quantile of scores times the
    deviation of the row that is asked about.
    """

    residuals: FloatArray
    deviations: FloatArray
    """What the fit without them expects of the residuals' size."""
    labels: npt.NDArray[np.str_]
    """Source of each row."""
    scores: Mapping[str, FloatArray]
    """Scores of all rows from refits that left out a source as well; NaN for its own rows."""

    @staticmethod
    def of(
        problem: Problem,
        samples: Sequence[Sample],
        full: FloatArray,
        spread: FloatArray,
        *,
        nested: bool = True,
    ) -> Cells:
        """Return the refits without each source and family.

        Args:
            problem: the fit of all rows.
            samples: the rows, in the problem's order.
            full: solution of the whole problem, where refits start.
            spread: deviation of each row's source that no unknown explains.
            nested: whether to leave out every source once more, which `half_widths` needs.
        """
        sources = np.array([KEYS["source"](sample) for sample in samples])
        families = np.array([KEYS["family"](sample) for sample in samples])
        residuals, deviations = np.full((2, len(samples)), np.nan)
        scores = {
            name: np.full(len(samples), np.nan)
            for name in (dict.fromkeys(sources.tolist()) if nested else ())
        }
        for source, family in dict.fromkeys(zip(sources.tolist(), families.tolist(), strict=True)):
            cell = (sources == source) & (families == family)
            kept = (sources != source) & (families != family)
            found = problem.fit(kept, full, max_iterations=STEPS)
            residuals[cell] = found.residuals[cell]
            deviations[cell] = deviation(problem, found, spread)[cell]
            for name, values in scores.items():
                if name != source:
                    without = kept & (sources != name)
                    other = problem.fit(without, found.values, max_iterations=STEPS // 2)
                    values[cell] = (other.residuals / deviation(problem, other, spread))[cell]
        return Cells(residuals, deviations, sources, scores)

    def multiplier(self, confidence: float) -> float:
        """Return the factor on a deviation that holds a share of rows."""
        return quantile(self.residuals / self.deviations, confidence)

    def half_widths(self, confidence: float) -> FloatArray:
        """Return the half width of each row, from scores that never saw its source."""
        widths = np.full(len(self.labels), np.nan)
        for name, values in self.scores.items():
            mine = self.labels == name
            widths[mine] = quantile(values[~mine], confidence) * self.deviations[mine]
        return widths


def quantile(scores: FloatArray, confidence: float) -> float:
    """Return what a share of scores does not exceed in size (split-conformal rank)."""
    size = np.sort(np.abs(scores))
    rank = int(np.ceil((len(size) + 1) * confidence))
    return float(size[min(rank, len(size)) - 1])


def deviation(problem: Problem, solution: Solution, spread: FloatArray) -> FloatArray:
    """Return the standard deviation of each row's logarithm that a solution expects.

    Args:
        problem: rows and unknowns.
        solution: of some of the rows.
        spread: deviation of each row's source that no unknown explains.
    """
    slopes = problem.slopes(solution.values)
    variance = np.einsum("ij,jk,ik->i", slopes, solution.covariance, slopes)
    return np.asarray(np.sqrt(variance + spread**2 + row_error() ** 2))
