"""Half widths of intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.prediction.predictors.conformal import half_width, student_t


def test_the_rank_covers_the_asked_share_of_the_residuals() -> None:
    residuals = np.random.default_rng(0).normal(0, 0.1, 999)
    width = half_width(residuals, 0.9)
    assert (np.abs(residuals) <= width).sum() == 900


@pytest.mark.parametrize(
    ("probability", "degrees", "value"),
    [(0.95, 1, 6.314), (0.95, 2, 2.920), (0.95, 4, 2.132), (0.95, 9, 1.833), (0.975, 9, 2.262)],
)
def test_quantiles_of_students_t_are_those_of_the_tables(
    probability: float, degrees: int, value: float
) -> None:
    assert student_t(probability, degrees) == pytest.approx(value, rel=0.01)


def test_without_residuals_nothing_is_known() -> None:
    assert math.isnan(half_width(np.zeros(0), 0.9))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_more_confidence_never_narrows_an_interval(values: list[float]) -> None:
    residuals = np.array(values)
    widths = [half_width(residuals, confidence) for confidence in (0.5, 0.8, 0.9, 0.99)]
    if len(values) < 10:
        assert widths == sorted(widths)
    assert all(width >= 0 for width in widths)


def test_few_groups_widen_beyond_their_largest_residual() -> None:
    residuals = np.array([0.1, -0.1, 0.1])
    assert half_width(residuals, 0.9) > 0.2
