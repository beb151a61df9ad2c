"""Units are converted where foreign data enters, and formatted where a person reads."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core import units


def test_milliseconds_and_microwatts_become_si() -> None:
    assert units.seconds_from_ms(2.11) == pytest.approx(2.11e-3)
    assert units.watts_from_microwatts(2_371_509.2) == pytest.approx(2.3715092)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0021, "s", "2.1 ms"),
        (0.99999, "s", "1 s"),
        (1.814e9, "", "1.81 G"),
        (0.0, "J", "0 J"),
        (-0.0021, "J", "-2.1 mJ"),
        (math.nan, "W", "-"),
        (None, "W", "-"),
        (3e-12, "s", "0.003 ns"),
    ],
)
def test_engineering_notation_for_people(value: float | None, unit: str, text: str) -> None:
    assert units.engineering(value, unit) == text


@given(st.floats(min_value=1e-8, max_value=1e13))
def test_engineering_keeps_three_digits(value: float) -> None:
    number, _, prefix = units.engineering(value, "B").partition(" ")
    scale = {"n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}[prefix[:-1]]
    assert float(number) * 10**scale == pytest.approx(value, rel=0.006)


def test_an_unknown_type_counts_as_four_bytes() -> None:
    assert units.dtype_bytes("fp16") == 2
    assert units.dtype_bytes("something new") == 4
