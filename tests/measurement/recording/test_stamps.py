"""Stamps are exact to the microsecond, whatever their number of decimals."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.measurement.recording.stamps import format_stamps, parse_stamps

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  stamps have no zone
times = st.datetimes(EPOCH, EPOCH + timedelta(days=80_000))


def micros(when):
    return (when - EPOCH) // timedelta(microseconds=1)


@given(st.lists(times, min_size=1, max_size=20))
def test_stamps_read_as_python_s_own_parser_reads_them(moments):
    stamps = [when.strftime("%Y%m%d-%H:%M:%S.%f") for when in moments]
    assert parse_stamps(stamps).tolist() == [micros(when) for when in moments]


@given(st.lists(times, min_size=1, max_size=20))
def test_written_stamps_read_back_equal(moments):
    values = np.array([micros(when) for when in moments])
    np.testing.assert_array_equal(parse_stamps(format_stamps(values)), values)


@given(when=times, decimals=st.integers(0, 6))
def test_fewer_decimals_are_accepted(when, decimals):
    text = when.strftime("%Y%m%d-%H:%M:%S.%f")
    short = text[: 18 + decimals] if decimals else text[:17]
    whole = 10 ** (6 - decimals)
    longer = when.strftime("%Y%m%d-%H:%M:%S.%f")
    expected = micros(when) // whole * whole
    assert parse_stamps([short, longer]).tolist() == [expected, micros(when)]
    assert parse_stamps([short]).tolist() == [expected]


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-10-30 15:06:45", "20241030-15:06:4x.1", "20241330-15:06:45.1", "20241030-15:06:45,1",
        "20241030-15:06:45.12 4", "20241030-15:06:45.1x", "", "20241030-15:06:45 123456", "ä" * 20,
        "20241030-15:06:45.1234567",
    ],
)  # fmt: skip
def test_what_is_no_stamp_is_refused(stamp):
    with pytest.raises(ValueError, match=r"is not|is no date|ASCII"):
        parse_stamps([stamp])


def test_the_number_of_the_first_bad_stamp_is_said():
    good = "20241030-15:06:45.910735"
    with pytest.raises(ValueError, match="stamp 2"):
        parse_stamps([good, good, "20241030-15:06:45.91073x"])


def test_no_stamps_are_no_times():
    assert parse_stamps([]).tolist() == []
    assert format_stamps(np.empty(0, np.int64)) == []
