"""Refits that leave out a network, a family, a board or a stack, alone and in pairs.

Leaving out pairs is what makes a coverage test honest: the width used for a left-out group comes
from residuals of other groups under fits that saw neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.accuracy import Coverage
from edgeprofiler.prediction.calibration.power import BusyShare, solve_power
from edgeprofiler.prediction.calibration.problem import Problem
from edgeprofiler.prediction.calibration.recipe import Sample, shared_values
from edgeprofiler.prediction.costmodel.parameters import Parameters
from edgeprofiler.prediction.uncertainty.conformal import half_width

Key = Callable[[Sample], str]

KEYS: dict[str, Key] = {
    "network": lambda sample: sample.row.canonical,
    "family": lambda sample: sample.row.family,
    "stack": lambda sample: f"{sample.device.name}/{sample.row.runtime}",
    "board": lambda sample: sample.device.name,
}
"""What can be left out: the groups that a kind of question has never seen."""

STEPS = 4
PAIR_STEPS = 1
BOARD_STEPS = 8


@dataclass(frozen=True)
class Folds:
    """Solutions with one group left out each, and with two."""

    problem: Problem
    samples: Sequence[Sample]
    labels: npt.NDArray[np.str_]
    """Group of each row."""
    single: dict[str, FloatArray]
    pairs: dict[frozenset[str], FloatArray]

    @staticmethod
    def of(
        problem: Problem,
        samples: Sequence[Sample],
        kind: str,
        full: FloatArray,
        *,
        extra: Sequence[str] = (),
        nested: bool = True,
        mask: BoolArray | None = None,
    ) -> Folds:
        """Return the refits of one kind of leaving out.

        Args:
            problem: the fit of all rows.
            samples: the rows, in the problem's order.
            kind: one of `KEYS`.
            full: solution of the whole problem, where refits start.
            extra: more groups, that have no row here (networks with power alone).
            nested: whether to leave out pairs too.
            mask: rows that take part in fits; all where `None`.
        """
        taking_part = np.ones(len(samples), dtype=bool) if mask is None else mask
        labels = np.array([KEYS[kind](sample) for sample in samples])
        steps = BOARD_STEPS if kind in ("board", "stack") else STEPS
        names = list(dict.fromkeys([*labels.tolist(), *extra]))
        single, pairs = {}, {}
        for name in names:
            out = labels == name
            weights = (~out & taking_part).astype(np.float64)
            single[name] = (
                problem.fit(weights, full, max_iterations=steps).values if out.any() else full
            )
        for one, two in combinations(names, 2) if nested else ():
            key = frozenset((one, two))
            out = (labels == one) | (labels == two)
            if not (labels == two).any():
                pairs[key] = single[one]
                continue
            weights = (~out & taking_part).astype(np.float64)
            pairs[key] = problem.fit(weights, single[one], max_iterations=PAIR_STEPS).values
        return Folds(problem, samples, labels, single, pairs)

    def residuals(self) -> FloatArray:
        """Return predicted over measured, as logarithm, of each row when its group is left out."""
        return self._residuals(self.single)

    def nested_residuals(self, name: str) -> FloatArray:
        """Return residuals of all other groups, each left out beside `name`; NaN for its own."""
        beside = {next(iter(k - {name})): v for k, v in self.pairs.items() if name in k}
        return self._residuals(beside)

    def _residuals(self, solutions: Mapping[str, FloatArray]) -> FloatArray:
        """Return residuals of each group's rows under its own solution; NaN for other rows."""
        result = np.full(len(self.labels), np.nan)
        for name, values in solutions.items():
            out = self.labels == name
            if out.any():
                result[out] = (self.problem.predict(values) - self.problem.observed)[out]
        return result

    def coverage(self, rows: BoolArray, confidence: float) -> Coverage:
        """Return how many of `rows` lie in intervals whose width never saw their group.

        Args:
            rows: mask of the rows that count, both for the widths and for the test.
            confidence: share that the intervals are to hold.
        """
        widths = np.full(len(self.labels), np.nan)
        for name in dict.fromkeys(self.labels[rows].tolist()):
            others = self.nested_residuals(name)
            known = rows & np.isfinite(others)
            widths[self.labels == name] = half_width(
                others[known], confidence, self.labels[known].tolist()
            )
        return Coverage.of(self.residuals()[rows], widths[rows])


@dataclass(frozen=True)
class PowerFolds:
    """Power of networks when their group is left out of both fits, of time and of power."""

    labels: npt.NDArray[np.str_]
    residuals: FloatArray
    coverage: Coverage

    @staticmethod
    def of(
        folds: Folds,
        samples: Sequence[Sample],
        kind: str,
        confidence: float,
        *,
        nested: bool = True,
    ) -> PowerFolds:
        """Return the left-out residuals of power, as logarithm, and their nested coverage.

        Args:
            folds: refits for time of the same kind, with groups of power among them.
            samples: rows with power, all of one board.
            kind: one of `KEYS`.
            confidence: share that the intervals are to hold.
            nested: whether to test coverage, which needs refits of pairs.
        """
        labels = np.array([KEYS[kind](sample) for sample in samples])
        watts = np.array([sample.row.power_above_idle_w for sample in samples])
        residuals = np.full(len(watts), np.nan)
        widths = np.full(len(watts), np.nan)

        def residual(values: FloatArray, out: BoolArray) -> FloatArray:
            share = BusyShare.of(samples, experiment_parameters(folds.problem, values))
            fitted, _ = solve_power(share, watts, (~out).astype(np.float64))
            return np.asarray(np.log(share.power(fitted) / watts))

        for name in dict.fromkeys(labels.tolist()):
            mine = labels == name
            residuals[mine] = residual(folds.single[name], mine)[mine]
            if not nested:
                continue
            others = np.full(len(watts), np.nan)
            for other in dict.fromkeys(labels[~mine].tolist()):
                out = labels == other
                values = folds.pairs[frozenset((name, other))]
                others[out] = residual(values, mine | out)[out]
            widths[mine] = half_width(others[~mine], confidence, labels[~mine].tolist())
        tested = np.isfinite(widths)
        return PowerFolds(labels, residuals, Coverage.of(residuals[tested], widths[tested]))


def experiment_parameters(problem: Problem, values: FloatArray) -> Parameters:
    """Return the numbers for time of the stack whose layers and power were measured."""
    index = next(i for i, group in enumerate(problem.groups) if group.name.endswith("layers"))
    fixed = shared_values(problem, values).fixed_s
    return replace(problem.parameters(values, index), fixed_s=fixed)
