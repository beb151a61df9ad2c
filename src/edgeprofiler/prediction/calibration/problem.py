"""What is fitted on measured totals: unknowns in log space, and errors that rows have in common.

Every unknown is the logarithm of a factor on a starting value, so that zero is the start and a
prior's deviation reads as "to within so many per cent".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.calibration.rows import Rows
from edgeprofiler.prediction.calibration.solve import Gaussian, Solution, solve
from edgeprofiler.prediction.costmodel.parameters import Parameters


@dataclass(frozen=True)
class Unknown:
    """One number to be fitted: a factor on a parameter, for all rows or for some."""

    name: str
    """A field of `Parameters`."""
    deviation: float
    """Standard deviation of the factor's logarithm, before any data."""
    rows: BoolArray | None = None
    """Which rows it acts on; all where `None`."""
    label: str = ""
    """Whose it is: empty for shared numbers, else a board, a host or a source."""


@dataclass(frozen=True)
class Problem:
    """Rows, the unknowns that explain them, and beliefs about those and about the errors."""

    rows: Rows
    start: Parameters
    """Values that the unknowns are factors on; arrays where rows differ."""
    unknowns: tuple[Unknown, ...]
    covariance: FloatArray
    """Of the errors of the rows' logarithms."""

    @property
    def observed(self) -> FloatArray:
        """Logarithm of all measured seconds."""
        return self.rows.observed

    @cached_property
    def prior(self) -> Gaussian:
        """Beliefs about the unknowns before any data."""
        deviations = np.array([unknown.deviation for unknown in self.unknowns])
        return Gaussian(np.zeros(len(deviations)), deviations)

    def parameters(self, values: FloatArray) -> Parameters:
        """Return the numbers of every row that `values` mean."""
        factors: dict[str, float | FloatArray] = {}
        for unknown, value in zip(self.unknowns, values.tolist(), strict=True):
            bounded = min(max(value, -20.0), 20.0)
            own = bounded if unknown.rows is None else bounded * unknown.rows
            factors[unknown.name] = factors.get(unknown.name, 0.0) + own
        return replace(
            self.start,
            **{name: getattr(self.start, name) * np.exp(f) for name, f in factors.items()},
        )

    def predict(self, values: FloatArray) -> FloatArray:
        """Return the logarithm of all predicted seconds."""
        return self.rows.log_seconds(self.parameters(values))

    def slopes(self, values: FloatArray) -> FloatArray:
        """Return derivatives of `predict`, shape (rows, unknowns)."""
        _, by_name = self.rows.slopes(self.parameters(values))
        columns = [
            by_name[u.name] if u.rows is None else by_name[u.name] * u.rows for u in self.unknowns
        ]
        return np.stack(columns, axis=1)

    def fit(
        self,
        taking_part: BoolArray | None = None,
        start: FloatArray | None = None,
        *,
        max_iterations: int = 30,
        knee: float = math.inf,
    ) -> Solution:
        """Return the most probable unknowns.

        Args:
            taking_part: rows to fit; all where `None`.
            start: first guess; zero where `None`.
            max_iterations: steps at most.
            knee: Huber's threshold in standard deviations, of errors made independent.
        """
        chosen = np.ones(len(self.rows), bool) if taking_part is None else taking_part
        rows = np.flatnonzero(chosen)
        # Errors in common are taken out by the inverse of the covariance's root.
        white = np.linalg.inv(np.linalg.cholesky(self.covariance[np.ix_(rows, rows)]))
        found = solve(
            lambda values: white @ self.predict(values)[rows],
            white @ self.observed[rows],
            np.ones(len(rows)),
            self.prior,
            start,
            jacobian=lambda values, _: white @ self.slopes(values)[rows],
            max_iterations=max_iterations,
            knee=knee,
        )
        return replace(found, residuals=self.predict(found.values) - self.observed)

    def in_common(self, residuals: FloatArray, taking_part: BoolArray) -> FloatArray:
        """Return what the residuals of the rows that take part tell of the others' errors."""
        known, asked = np.flatnonzero(taking_part), np.flatnonzero(~taking_part)
        weights = np.linalg.solve(self.covariance[np.ix_(known, known)], residuals[known])
        found = np.zeros(len(residuals))
        found[asked] = self.covariance[np.ix_(asked, known)] @ weights
        return found


def common_errors(count: int, parts: Sequence[tuple[Sequence[object], float]]) -> FloatArray:
    """Return the covariance of errors that rows of one label have in common.

    Args:
        count: number of rows.
        parts: labels of the rows, and the standard deviation of what rows of one label share.
    """
    total = np.zeros((count, count))
    for labels, deviation in parts:
        _, codes = np.unique([str(label) for label in labels], return_inverse=True)
        total += deviation**2 * (codes[:, None] == codes[None, :])
    return total


def by_name(problem: Problem, values: FloatArray) -> Mapping[str, float]:
    """Return the factors of shared unknowns by the name of their parameter."""
    return {
        u.name: math.exp(v)
        for u, v in zip(problem.unknowns, values.tolist(), strict=True)
        if not u.label
    }
