"""Widths from residuals, and the test of how often intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.prediction.uncertainty.conformal import (
    FEW_GROUPS,
    Coverage,
    believed_quantile,
    binomial_interval,
    conformal_quantile,
    few_groups_quantile,
    normal_quantile,
    quantile,
    student_quantile,
)


def test_a_conformal_quantile_holds_as_often_as_asked() -> None:
    """Exchangeable residuals: 90 % of new ones lie within the quantile of 60 old ones."""
    generator = np.random.default_rng(1)
    inside = [
        abs(draw[-1]) <= conformal_quantile(draw[:-1], 0.9)
        for draw in generator.standard_t(3, (4000, 61))
    ]
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_too_few_residuals_give_the_largest() -> None:
    assert conformal_quantile([0.1, -0.3], 0.9) == 0.3
    assert np.isnan(conformal_quantile([], 0.9))


def test_the_rule_for_few_groups_is_as_stated() -> None:
    residuals = np.array([0.1, -0.1, 0.3])
    width = few_groups_quantile(residuals, ["a", "a", "b"], 0.9)
    expected = 1.6449 * np.sqrt((0.01 + 0.09) / 2 * (1 + 1 / 2))
    assert width == pytest.approx(expected, rel=1e-4)


def test_many_groups_switch_to_the_conformal_quantile() -> None:
    residuals = np.linspace(0.01, 0.2, 20)
    few = quantile(residuals, [i % (FEW_GROUPS - 1) for i in range(20)], 0.9)
    many = quantile(residuals, list(range(20)), 0.9)
    assert many == conformal_quantile(residuals, 0.9)
    assert few != many


def test_normal_quantiles() -> None:
    assert normal_quantile(0.9) == pytest.approx(1.6449, abs=1e-4)
    assert normal_quantile(0.95) == pytest.approx(1.96, abs=1e-3)


def test_the_binomial_interval_is_clopper_and_pearsons() -> None:
    """Tabulated: 18 of 20 successes, 95 %: 68.3 to 98.8 %."""
    low, high = binomial_interval(18, 20)
    assert low == pytest.approx(0.683, abs=1e-3)
    assert high == pytest.approx(0.988, abs=1e-3)


@given(st.integers(1, 150).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_binomial_interval_holds_the_observed_share(pair: tuple[int, int]) -> None:
    inside, count = pair
    low, high = binomial_interval(inside, count)
    assert 0 <= low <= inside / count <= high <= 1


def test_coverage_says_k_of_n() -> None:
    coverage = Coverage(18, 20, 0.1)
    assert str(coverage) == "18 of 20 (68-99 %)"
    assert coverage.includes(0.9)
    assert not Coverage(10, 20, 0.1).includes(0.9)
    assert binomial_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("confidence", "freedom", "value"),
    [(0.9, 5, 2.015), (0.9, 10, 1.812), (0.95, 5, 2.571), (0.8, 8, 1.397), (0.9, 1e6, 1.645)],
)
def test_student_quantiles_are_those_of_the_tables(
    confidence: float, freedom: float, value: float
) -> None:
    assert student_quantile(confidence, freedom) == pytest.approx(value, rel=2e-3)


def test_five_lucky_rows_do_not_make_an_interval_narrow() -> None:
    """Residuals of almost nothing: the belief still counts as five groups of ten."""
    width = believed_quantile(np.full(5, 1e-4), range(5), 0.9, belief=0.08)
    assert width == pytest.approx(student_quantile(0.9, 10) * 0.08 / np.sqrt(2), rel=1e-3)


def test_many_groups_need_no_belief() -> None:
    residuals = np.linspace(0.01, 0.3, 30)
    with_belief = believed_quantile(residuals, range(30), 0.9, belief=1e-3)
    assert with_belief == quantile(residuals, range(30), 0.9)


def test_an_interval_from_few_rows_holds_as_often_as_it_says() -> None:
    """Six groups of normal errors whose spread the belief knows to within a factor of two."""
    draw = np.random.default_rng(3)
    held = []
    for _ in range(4000):
        spread = 0.08 * np.exp(draw.normal(0, 0.4))
        width = believed_quantile(draw.normal(0, spread, 6), range(6), 0.9, belief=0.08)
        held.append(abs(draw.normal(0, spread)) <= width)
    assert 0.87 <= np.mean(held) <= 0.94
