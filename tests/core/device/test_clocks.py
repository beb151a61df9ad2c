"""Clocks as users write them: a few that differ from a power mode, or ranges to sweep."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.device.clocks import (
    AXES,
    ClockRange,
    Clocks,
    counts,
    parse_changes,
    parse_sweep,
    print_changes,
)
from edgeprofiler.core.errors import UsageError

MHZ = 10**6
HERTZ = st.one_of(
    st.floats(1e6, 1e10, allow_nan=False, allow_subnormal=False),
    st.integers(1, 10**10).map(float),
)
CHANGES = st.dictionaries(st.sampled_from(list(AXES)), st.just(None)).flatmap(
    lambda keys: st.fixed_dictionaries(
        {axis: st.integers(1, 1024) if counts(axis) else HERTZ for axis in keys}
    )
)


def test_every_clock_has_a_word() -> None:
    assert [field.name for field in dataclasses.fields(Clocks)] == list(AXES.values())


@given(CHANGES.filter(bool))
def test_printed_clocks_are_read_back_as_they_were(changes: dict[str, float]) -> None:
    assert parse_changes(print_changes(changes)) == changes


@pytest.mark.parametrize(
    ("text", "hertz"),
    [
        ("gpu=612MHz", 612e6),
        ("GPU = 0.612 ghz", 612e6),
        ("gpu=612000kHz", 612e6),
        ("gpu=612000000Hz", 612e6),
        ("gpu=624.75MHz", 624.75e6),
    ],
)
def test_a_clock_takes_any_prefix(text: str, hertz: float) -> None:
    assert parse_changes(text) == {"gpu": hertz}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu=612", "gpu=612 has no unit; write gpu=612MHz"),
        ("gpu=612mW", "has an unknown unit 'mw'"),
        ("gpu=", "'gpu=' sets nothing"),
        ("gpu", "'gpu' sets nothing"),
        ("gpu=1MHz,", "'' sets nothing"),
        ("gpo=612MHz", "no clock 'gpo'; did you mean 'gpu'"),
        ("dla=612MHz", "no clock 'dla'; there are gpu, emc, cpu, cores, sms"),
        ("gpu=1MHz,GPU=2MHz", "gpu is set twice"),
        ("gpu=-612MHz", "is no number or range"),
        ("gpu=1e9Hz", "is no number or range"),
        ("gpu=nan", "is no number or range"),
        ("gpu=0MHz", "must be above zero"),
        ("cores=4.5", "is no whole number"),
        ("cores=4GHz", "has a unit"),
        ("gpu=306/612MHz", "gpu has several values"),
        ("gpu=306:612:306MHz", "gpu has several values"),
    ],
)
def test_what_is_no_clock_is_told_with_what_is(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_changes(text)
    assert message in str(caught.value)


def test_a_sweep_takes_ranges_and_lists() -> None:
    """The last value of a range is included where a step meets it."""
    found = parse_sweep("gpu=306:1300:100MHz, emc=665.6/2133MHz,cpu=1.2GHz,cores=2:6:2")
    assert found["gpu"] == tuple(f * MHZ for f in range(306, 1300, 100))
    assert found["emc"] == (665.6 * MHZ, 2133 * MHZ)
    assert (found["cpu"], found["cores"]) == ((1.2e9,), (2, 4, 6))
    assert parse_sweep("gpu=306MHz:0.51GHz:102MHz") == {"gpu": (306e6, 408e6, 510e6)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu=1:2GHz", "is no number or range"),
        ("gpu=306:204:102MHz", "has no values; write FIRST:LAST:STEP"),
        ("gpu=204:306:0MHz", "has no values"),
        ("gpu=1:1300000000:1Hz", "has 1,300,000,000 values; at most 200,000"),
        ("gpu=306:612:102", "has no unit"),
    ],
)
def test_a_range_without_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_sweep(text)
    assert message in str(caught.value)


@given(st.text(max_size=60))
def test_no_text_makes_reading_clocks_crash(text: str) -> None:
    try:
        parse_sweep(text)
    except UsageError:
        return


def test_a_rounded_clock_of_a_data_sheet_means_the_end_of_the_range() -> None:
    gpu, cores = ClockRange(306e6, 1300.5e6), ClockRange(1, 12)
    assert [gpu.fit("gpu", f * 1e6) for f in (1301, 1300, 1302)] == [1300.5e6, 1300e6, None]
    assert [cores.fit("cores", n) for n in (12, 13)] == [12, None]
