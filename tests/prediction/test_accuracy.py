"""Figures of accuracy, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.prediction.accuracy import Coverage, figures, spearman


def test_figures_by_hand() -> None:
    found = figures([1.0, 2.0, 4.0], [1.1, 1.6, 4.0])
    assert found.mape == pytest.approx((0.1 + 0.2 + 0) / 3)
    assert found.median == pytest.approx(0.1)
    assert found.rmspe == pytest.approx(math.sqrt((0.01 + 0.04) / 3))
    assert found.bias == pytest.approx((0.1 - 0.2) / 3)
    assert found.within_10 == pytest.approx(1 / 3) or found.within_10 == pytest.approx(2 / 3)
    assert found.spearman == 1
    assert found.mae == pytest.approx((0.1 + 0.4 + 0) / 3)
    assert found.mse == pytest.approx((0.01 + 0.16) / 3)
    assert found.rmse == pytest.approx(math.sqrt(found.mse))
    assert found.r2 == pytest.approx(1 - 3 * found.mse / (14 / 3))
    assert "3 rows" in str(found)


def test_pairs_with_an_unknown_number_are_left_out() -> None:
    assert figures([1.0, 2.0, math.nan], [1.1, math.nan, 3.0]) == figures([1.0], [1.1])


def test_nothing_is_explained_where_nothing_varies() -> None:
    assert math.isnan(figures([1.0, 1.0], [1.0, 1.1]).r2)


def test_no_rows_have_no_figures() -> None:
    found = figures([], [])
    assert found.rows == 0
    assert math.isnan(found.mape)
    assert found.as_dict()["mape"] is None


def test_tied_values_share_a_rank() -> None:
    """By hand: ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4."""
    assert spearman(np.array([1.0, 1, 2, 3]), np.array([1.0, 2, 3, 4])) == pytest.approx(
        0.9487, abs=1e-4
    )
    assert math.isnan(spearman(np.array([1.0, 2]), np.array([1.0, 2])))
    assert math.isnan(spearman(np.ones(3), np.arange(3.0)))


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30), st.floats(0.5, 2))
def test_a_constant_factor_is_the_error_everywhere(values: list[float], factor: float) -> None:
    found = figures(values, np.array(values) * factor)
    assert found.mape == pytest.approx(abs(factor - 1), abs=1e-9)
    assert found.rmspe == pytest.approx(abs(factor - 1), abs=1e-9)
    assert found.bias == pytest.approx(factor - 1, abs=1e-9)


def test_coverage_says_k_of_n() -> None:
    coverage = Coverage(18, 20, 0.1)
    assert str(coverage) == "18 of 20 (68-99 %)"
    assert coverage.includes(0.9)
    assert not Coverage(10, 20, 0.1).includes(0.9)


def test_coverage_counts_residuals_within_their_widths() -> None:
    found = Coverage.of([0.1, -0.3, 0.2], [0.1, 0.2, 0.4])
    assert (found.inside, found.count, found.half_width) == (2, 3, 0.2)
    assert math.isnan(Coverage.of([], []).half_width)
