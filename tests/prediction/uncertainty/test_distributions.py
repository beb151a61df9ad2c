"""Quantiles and proportions beside published tables and, where it is installed, scipy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.prediction.uncertainty.distributions import (
    binomial_interval,
    incomplete_beta,
    normal_quantile,
    student_quantile,
)


def test_normal_quantiles() -> None:
    assert normal_quantile(0.9) == pytest.approx(1.6449, abs=1e-4)
    assert normal_quantile(0.95) == pytest.approx(1.96, abs=1e-3)


@pytest.mark.parametrize(
    ("freedom", "values"),
    [
        (1, (1.376, 6.314, 12.706, 63.657, 636.619)),
        (2, (1.061, 2.920, 4.303, 9.925, 31.599)),
        (3, (0.978, 2.353, 3.182, 5.841, 12.924)),
        (4, (0.941, 2.132, 2.776, 4.604, 8.610)),
        (10, (0.879, 1.812, 2.228, 3.169, 4.587)),
        (30, (0.854, 1.697, 2.042, 2.750, 3.646)),
        (1e9, (0.842, 1.645, 1.960, 2.576, 3.291)),
    ],
)
def test_quantiles_of_students_t_are_those_of_the_tables(
    freedom: float, values: tuple[float, ...]
) -> None:
    """NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2."""
    for confidence, value in zip((0.6, 0.9, 0.95, 0.99, 0.999), values, strict=True):
        assert student_quantile(confidence, freedom) == pytest.approx(value, rel=1e-3)


@given(st.floats(1e-6, 1 - 2e-12), st.floats(1, 1e7))
def test_students_t_is_exact_to_a_tenth_of_a_per_cent(confidence: float, freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    exact = stats.t.isf((1 - confidence) / 2, freedom)
    if confidence < 0.01:  # where scipy's own upper tail has no more digits
        exact = confidence / 2 / stats.t.pdf(0, freedom)
    assert student_quantile(confidence, freedom) == pytest.approx(exact, rel=1e-3)


@given(st.floats(0, 1 - 1e-12, exclude_min=True), st.floats(1, 200), st.floats(1, 200))
def test_more_degrees_of_freedom_never_widen(confidence: float, one: float, two: float) -> None:
    fewer, more = sorted((one, two))
    narrow, wide = student_quantile(confidence, more), student_quantile(confidence, fewer)
    assert narrow <= wide * (1 + 1e-9)
    assert normal_quantile(confidence) <= narrow * (1 + 1e-9)


def test_the_incomplete_beta_function_is_a_power_where_one_argument_is_one() -> None:
    assert incomplete_beta(3, 1, 0.4) == pytest.approx(0.4**3, rel=1e-12)
    assert incomplete_beta(1, 3, 0.4) == pytest.approx(1 - 0.6**3, rel=1e-12)
    assert incomplete_beta(2, 2, 0.0) == 0
    assert incomplete_beta(2, 2, 1.0) == 1


def test_the_binomial_interval_is_clopper_and_pearsons() -> None:
    """Tabulated: 18 of 20 successes, 95 %: 68.3 to 98.8 %."""
    assert binomial_interval(18, 20) == pytest.approx((0.683, 0.988), abs=1e-3)
    assert binomial_interval(0, 0) == (0.0, 1.0)
    assert binomial_interval(0, 5) == (0.0, pytest.approx(0.5218, abs=1e-4))


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_binomial_interval_holds_the_observed_share(pair: tuple[int, int]) -> None:
    inside, count = pair
    low, high = binomial_interval(inside, count)
    assert 0 <= low <= inside / count <= high <= 1
