"""Non-negative least squares agrees with scipy's, which works on the equations themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprofiler.learning.training.nnls import solve_nonnegative


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 12))
def test_agrees_with_scipy(seed: int, size: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(5 * size + 3, size))
    target = matrix @ rng.normal(size=size) + rng.normal(size=len(matrix))
    found = solve_nonnegative(matrix.T @ matrix, matrix.T @ target)
    expected, _ = optimize.nnls(matrix, target)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert (found >= 0).all()


def test_a_state_that_never_occurs_gets_nothing() -> None:
    gram = np.diag([2.0, 0.0])
    assert solve_nonnegative(gram, np.array([4.0, 0.0])).tolist() == [2.0, 0.0]


def test_equal_columns_do_not_break_it() -> None:
    gram = np.ones((2, 2))
    found = solve_nonnegative(gram, np.array([2.0, 2.0]))
    assert found.sum() == pytest.approx(2.0)
