"""Numbers are worded once: with interval, unit, sign and verdict."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.quantity import SAME, UNKNOWN, Difference, Estimate, Quantity

finite = st.floats(-1e6, 1e6)


def test_estimates_without_a_number_are_equal() -> None:
    assert Estimate(math.nan) == Estimate(math.nan)
    assert Estimate(1.0) != Estimate(1.0, 0.5, 2.0)


def test_an_interval_that_is_open_upward_says_from_where() -> None:
    found = Quantity(Estimate(0.02, 0.015, math.inf), "J")
    assert found.interval == "15 mJ or more"
    assert Quantity(Estimate(0.02), "J").interval == ""


def test_unknown_numbers_are_no_zeros() -> None:
    assert Quantity(Estimate(math.nan), "W").words == "-"
    assert Difference(Estimate(math.nan), 1.0, "W").words == UNKNOWN


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.1, 1.0, 2.0, "more"),
        (-2.0, -1.0, -0.1, "less"),
        (-1.0, 1.0, 2.0, "undecided"),
        (0.0, 1.0, 2.0, "undecided"),
        (-2.0, -1.0, 0.0, "undecided"),
        (0.0, 0.0, 0.0, "same"),
        (-1.0, 0.0, 1.0, "undecided"),
        (math.nan, 1.0, math.nan, "undecided"),
        (math.nan, math.nan, math.nan, "undecided"),
    ],
)
def test_a_difference_is_decided_by_its_whole_interval(
    low: float, value: float, high: float, verdict: str
) -> None:
    found = Difference(Estimate(value, low, high), 10.0, "J")
    assert found.verdict == verdict
    assert (found.words == SAME) == (verdict == "same")


def test_nothing_is_told_in_percent_of_nothing() -> None:
    assert Difference(Estimate(0.002), 0.0, "J").words == "+2 mJ"
    assert Difference(Estimate(0.002), math.nan, "J").words == "+2 mJ"


@given(finite, finite, finite, st.floats(0, 1e3), finite)
def test_scaling_moves_value_and_interval_alike(
    value: float, low: float, high: float, factor: float, offset: float
) -> None:
    found = Estimate(value, low, high).scaled(factor, offset)
    assert found == Estimate(*(x * factor + offset for x in (value, low, high)))


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_the_inverse_keeps_low_below_high(a: float, b: float, c: float) -> None:
    low, value, high = sorted((a, b, c))
    found = Estimate(value, low, high).inverse(2.0)
    assert found.low <= found.value <= found.high
