"""The solver: against closed forms, and against an outlier."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.calibration.solve import Gaussian, huber_weights, left_out, solve

X = np.linspace(0, 1, 20)
DESIGN = np.stack([np.ones_like(X), X], axis=1)


def line(values: FloatArray) -> FloatArray:
    return np.asarray(DESIGN @ values)


def slopes(values: FloatArray, predicted: FloatArray) -> FloatArray:
    return DESIGN


def belief(deviation: float) -> Gaussian:
    return Gaussian(np.zeros(2), np.full(2, deviation))


def test_a_linear_problem_has_the_ridge_solution() -> None:
    truth = np.array([0.5, -0.3])
    observed = line(truth) + 0.01 * np.sin(40 * X)
    found = solve(line, observed, np.full(20, 0.1), belief(1.0), jacobian=slopes, knee=100)
    normal = DESIGN.T @ DESIGN / 0.01 + np.eye(2)
    assert found.values == pytest.approx(np.linalg.solve(normal, DESIGN.T @ observed / 0.01))
    assert found.covariance == pytest.approx(np.linalg.inv(normal))


def test_an_outlier_moves_the_fit_little() -> None:
    observed = line(np.array([0.5, -0.3]))
    observed[10] += 5
    found = solve(line, observed, np.full(20, 0.05), belief(10.0), jacobian=slopes)
    assert found.values == pytest.approx([0.5, -0.3], abs=0.05)


def test_rows_of_weight_zero_do_not_count() -> None:
    observed = line(np.array([0.5, -0.3]))
    observed[:5] = 99
    weights = np.ones(20)
    weights[:5] = 0
    found = solve(line, observed, np.full(20, 0.05), belief(10.0), weights=weights)
    assert found.values == pytest.approx([0.5, -0.3], abs=0.01)


def test_without_data_the_belief_stays() -> None:
    found = solve(line, np.ones(20), np.full(20, 0.1), belief(0.5), weights=np.zeros(20))
    assert found.values == pytest.approx([0, 0])
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx([0.5, 0.5])


def test_a_curved_problem_is_solved_from_afar() -> None:
    observed = np.exp(line(np.array([1.5, -2.0])))
    found = solve(
        lambda v: np.exp(line(v)), observed, np.full(20, 0.01), belief(10.0),
        np.array([-3.0, 3.0]), jacobian=lambda v, p: DESIGN * p[:, None], knee=1e9,
    )  # fmt: skip
    assert found.values == pytest.approx([1.5, -2.0], abs=1e-3)


def test_hubers_weights() -> None:
    assert huber_weights(np.array([0.0, 1.0, -3.0]), 1.5) == pytest.approx([1, 1, 0.5])


def test_without_slopes_differences_do() -> None:
    observed = line(np.array([0.3, -0.2])) + 0.01
    given = solve(line, observed, np.full(20, 0.05), belief(1.0), jacobian=slopes)
    found = solve(line, observed, np.full(20, 0.05), belief(1.0))
    assert found.values == pytest.approx(given.values, rel=1e-6)


def test_each_row_is_answered_by_a_fit_that_never_saw_its_group() -> None:
    values, labels = np.array([1.0, 2.0, 6.0]), np.array(["a", "b", "a"])
    found = left_out(labels, lambda out: np.full(3, values[~out].mean()))
    assert found.tolist() == [2.0, 3.5, 2.0]
