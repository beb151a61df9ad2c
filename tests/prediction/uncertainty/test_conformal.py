"""Half widths from residuals of what was left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.prediction.uncertainty.conformal import FEW_GROUPS, half_width
from edgeprofiler.prediction.uncertainty.distributions import student_quantile


def test_an_interval_holds_as_often_as_asked() -> None:
    """Exchangeable residuals: 90 % of new ones lie within the half width of 60 old ones."""
    generator = np.random.default_rng(1)
    inside = [
        abs(draw[-1]) <= half_width(draw[:-1], 0.9) for draw in generator.standard_t(3, (4000, 61))
    ]
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_few_normal_groups_hold_as_often_as_asked() -> None:
    """Five groups of three rows each; a sixth group's error lies within at the stated rate."""
    generator = np.random.default_rng(2)
    groups = np.repeat(np.arange(5), 3).tolist()
    inside = [
        abs(draw[5]) <= half_width(np.repeat(draw[:5], 3), 0.9, groups)
        for draw in generator.normal(0, 0.1, (4000, 6))
    ]
    assert np.mean(inside) == pytest.approx(0.9, abs=0.015)


def test_the_rank_covers_the_asked_share_of_the_residuals() -> None:
    residuals = np.random.default_rng(0).normal(0, 0.1, 999)
    width = half_width(residuals, 0.9)
    assert (np.abs(residuals) <= width).sum() == 900


def test_without_residuals_nothing_is_known() -> None:
    assert math.isnan(half_width([], 0.9))


def test_the_rule_for_few_groups_is_as_stated() -> None:
    residuals = np.array([0.1, -0.1, 0.3])
    width = half_width(residuals, 0.9, ["a", "a", "b"])
    assert width == pytest.approx(2.920 * np.sqrt((0.01 + 0.09) / 2), rel=1e-3)


def test_a_rank_beyond_the_last_residual_gives_no_less_than_the_last() -> None:
    residuals = [0.01] * 11 + [0.5]
    assert half_width(residuals, 0.9) == 0.5
    assert half_width(residuals, 0.99) >= 0.5


def test_many_groups_switch_to_the_rank() -> None:
    residuals = np.linspace(0.01, 0.2, 20)
    few = half_width(residuals, 0.9, [i % (FEW_GROUPS - 1) for i in range(20)])
    many = half_width(residuals, 0.9, range(20))
    assert many == half_width(residuals, 0.9) == residuals[18]
    assert few > many


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_more_confidence_never_narrows_an_interval(values: list[float]) -> None:
    widths = [half_width(values, confidence) for confidence in (0.5, 0.8, 0.9, 0.99)]
    assert widths == sorted(widths)
    assert widths[0] >= 0


def test_five_lucky_rows_do_not_make_an_interval_narrow() -> None:
    """Residuals of almost nothing: the belief still counts as five groups of ten."""
    width = half_width(np.full(5, 1e-4), 0.9, belief=0.08, weight=5)
    assert width == pytest.approx(student_quantile(0.9, 10) * 0.08 / np.sqrt(2), rel=1e-3)


def test_many_groups_need_no_belief() -> None:
    residuals = np.linspace(0.01, 0.3, 30)
    with_belief = half_width(residuals, 0.9, belief=1e-3, weight=5)
    assert with_belief == half_width(residuals, 0.9)


def test_an_interval_from_few_rows_holds_as_often_as_it_says() -> None:
    """Six groups of normal errors whose spread the belief knows to within a factor of two."""
    draw = np.random.default_rng(3)
    held = []
    for _ in range(4000):
        spread = 0.08 * np.exp(draw.normal(0, 0.4))
        width = half_width(draw.normal(0, spread, 6), 0.9, belief=0.08, weight=5)
        held.append(abs(draw.normal(0, spread)) <= width)
    assert 0.87 <= np.mean(held) <= 0.94
