"""A measured quantity is found in whatever unit, and refused where it cannot be."""

import math
import re

import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import (
    BOARD_POWER,
    INFERENCE_TIME,
    measure_in,
    missing_column,
    parse_csv,
    sizes_of,
    with_names,
)


def value(text, base="runtime", plausible=INFERENCE_TIME, **options):
    sheet = parse_csv(text, "m.csv")
    measure = measure_in(sheet, base, plausible, **options)
    assert measure is not None
    return measure.of(next(iter(sheet.rows)))


@pytest.mark.parametrize(
    "text",
    [
        "runtime_ms,n\n1.9,1\n",
        "runtime [ms],n\n1.9,1\n",
        "Runtime (us),n\n1900,1\n",
        "runtime_s,n\n0.0019,1\n",
        "RUNTIME / ms;n\n1,9;1\n",
        "runtime in ms\tn\n1.9\t1\n",
        "runtime,n\n1.9 ms,1\n",
        "runtime_ms,n\n1900 us,1\n",
    ],
)
def test_a_quantity_is_read_in_the_unit_of_its_heading_or_its_cell(text):
    assert value(text) == pytest.approx(1.9e-3)


def test_a_layout_may_have_a_unit_of_its_own():
    assert value("power,n\n5.9e6,1\n", "power", BOARD_POWER, bare=1e-6) == pytest.approx(5.9)


def test_a_blank_cell_is_unknown():
    assert math.isnan(value("runtime_ms,n\n,1\n"))


@pytest.mark.parametrize(
    ("text", "base", "plausible", "told"),
    [
        ("power_w,n\n5900,1\n", "power", BOARD_POWER,
         "is 5.9 kW, more than a board draws; did you mean mW? name the column power_mw"),
        ("power_mw,n\n0.5,1\n", "power", BOARD_POWER,
         "is 500 µW, less than a board draws; did you mean W? name the column power_w"),
        ("runtime_s,n\n1900,1\n", "runtime", INFERENCE_TIME,
         "is 1.9 ks, more than an inference takes; did you mean ms? name the column runtime_ms"),
        ("runtime_ms,n\n0.0019,1\n", "runtime", INFERENCE_TIME,
         "is 1.9 µs, less than an inference takes; did you mean s? name the column runtime_s"),
        ("runtime,n\n1.9,1\n", "runtime", INFERENCE_TIME,
         "says no unit; name the column runtime_ms or runtime_s"),
        ("runtime_ms,n\n5 W,1\n", "runtime", INFERENCE_TIME, "where a number of ms or s"),
        ("runtime_ms,n\n1_9,1\n", "runtime", INFERENCE_TIME, "is '1_9', where a number"),
        ("runtime_ms,n\n-1,1\n", "runtime", INFERENCE_TIME, "it must be above zero"),
        ("runtime_ms,runtime [s]\n1,1\n", "runtime", INFERENCE_TIME,
         "has two columns of runtime: 'runtime_ms' and 'runtime [s]'; keep one"),
    ],
)  # fmt: skip
def test_what_a_quantity_cannot_be_is_refused_with_what_was_meant(text, base, plausible, told):
    with pytest.raises(InvalidInput) as caught:
        value(text, base, plausible)
    assert told in str(caught.value)


def test_names_are_known_whatever_their_capitals_and_blanks():
    sheet = with_names(
        parse_csv("Network,Set Aside,Mine\na,b,c\n", "m.csv"), {"network", "set_aside"}
    )
    assert sheet.columns == ("network", "set_aside", "Mine")
    assert next(iter(sheet.rows))["set_aside"].text() == "b"
    with pytest.raises(InvalidInput, match="two columns of network: 'Network' and 'network'"):
        with_names(parse_csv("Network,network\na,b\n", "m.csv"), {"network"})


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        ("runtimes_ms,n", "rename 'runtimes_ms', if that is it; it has runtimes_ms, n"),
        ("n,latency [ms]", "rename 'latency [ms]', if that is it"),
        ("a,b", "lacks the column 'runtime_ms'; it has a, b"),
    ],
)
def test_a_missing_column_is_told_with_the_likely_one(columns, hint):
    error = missing_column(parse_csv(f"{columns}\n", "m.csv"), "runtime_ms", INFERENCE_TIME)
    assert hint in str(error)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("224", (224, 224)),
        ("224x160", (224, 160)),
        ("3 x 224 x 160", (3, 224, 160)),
        ("(1, 3, 224, 160)", (1, 3, 224, 160)),
        ("224\u00d7160", (224, 160)),
        ("224*160", (224, 160)),
        ("", ()),
    ],
)
def test_sizes_are_read_as_people_write_them(text, sizes):
    assert sizes_of(text) == sizes


@pytest.mark.parametrize("text", ["0", "224x", "-224", "224 px", "1x2x3x4x5", "9" * 8, "2_24"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        sizes_of(text)
