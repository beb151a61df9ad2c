"""Tables of meters and tools become watts by the units of their headings."""

import numpy as np
import pytest

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.measurement.power_logs import LogOptions, read_log


def read(tmp_path, text, encoding="utf-8", **asked):
    path = tmp_path / "power.csv"
    path.write_text(text, encoding=encoding)
    return read_log(path, LogOptions(**asked))


def powers(log):
    (values,) = log.trace.rails_w.values()
    return values.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "time_s,VDD_IN_w\n0,5\n0.5,6\n",
        "time_ms,VDD_IN_mW\n0,5000\n500,6000\n",
        "timestamp,power.draw [W]\n2026/07/31 00:00:00.1,5.00 W\n2026/07/31 00:00:00.6,6.00 W\n",
        "timestamp, power.draw [mW]\n2026/07/31 00:00:00.1, 5000\n2026/07/31 00:00:00.6, 6000\n",
        "Timestamp;Main current (A);Main voltage (V)\n0,0;1,0;5,0\n0,5;1,2;5,0\n",
        "#time,current,voltage\n0,1,5\n0.5,1.2,5\n",
        "Timestamp(ms)\tCurrent(uA)\tVoltage(mV)\n0\t1000000\t5000\n500\t1200000\t5000\n",
        "Time,Power\n1784970000.0,5\n1784970000.5,6\n",
        "a tool's own words\nserial: 7\n\ntime,power\n0,5\n0.5,6\n",
        "Date,Time,Power (W)\n25.07.2026,09:08:00.0,5\n25.07.2026,09:08:00.5,6\n",
        "time,power,power limit,avg power\n0,5,60,5.1\n0.5,6,60,5.1\n",
        "2026/07/31 00:00:00.123, 0, 5.00 W\n2026/07/31 00:00:00.623, 0, 6.00 W\n",
        "sep=;\ntime;power [W]\n0;5\n0,5;6\n",
        "timestamp voltage_V current_A energy_Ws\n0 5 1 0\n0.5 5 1.2 3\n",
        "ms;mW\n0;5000\n500;6000\n",
        "uptime_ms,power_mw\n100,5000\n600,6000\n",
        "unix_time,elapsed_s,power_w\n1784970000,0,5\n1784970000.5,1,6\n",
        "time,uptime,Power VDD\n2026-07-31 00:00:00,1 day,5000\n2026-07-31 00:00:00.5,1 day,6000\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_headings_and_cells_say_times_and_units(tmp_path, text, encoding):
    log = read(tmp_path, text, encoding)
    assert log.trace.time_s == pytest.approx([0, 0.5])
    assert powers(log) == pytest.approx([5, 6])


def test_a_user_names_columns_that_say_nothing(tmp_path):
    text = "n,when,P_a,I,U\n1,0,5000,1000,5000\n2,250,6000,1200,5000\n"
    by_power = read(tmp_path, text, columns="time_ms:when,power_mw:P_a")
    by_product = read(tmp_path, text, columns="time_ms:when,current_mA:I,voltage_mV:U")
    by_constant = read(tmp_path, text, columns="time_ms:when,current_mA:I,voltage:5V")
    by_number = read(tmp_path, "0,5\n0.25,6\n", columns="time:1,power:2")
    for log in (by_power, by_product, by_constant, by_number):
        assert log.trace.time_s.tolist() == [0, 0.25]
        assert powers(log) == pytest.approx([5, 6])


def test_columns_may_have_commas_in_their_names(tmp_path):
    log = read(tmp_path, 'when,"draw, all"\n0,5\n1,6\n', columns="time:when,power:draw, all")
    assert powers(log) == [5, 6]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("power", "names no columns"),
        ("time:when", "needs one time and a power or a current"),
        ("time:when,current:I", "a current and no voltage"),
        ("power_ms:P", "is none; write columns="),
        ("time:when,power:Watt", "has no column 'Watt'; it has when, P"),
    ],
)
def test_columns_that_name_nothing_are_the_user_s_mistake(tmp_path, columns, problem):
    with pytest.raises(UsageError, match=problem):
        read(tmp_path, "when,P\n0,5\n", columns=columns)


def test_a_heading_may_say_the_zone_of_its_stamps(tmp_path):
    log = read(tmp_path, "Time (UTC),Power (W)\n2026-07-31 00:00:00,5\n2026-07-31 00:00:01,6\n")
    assert log.first_s == 1_785_456_000
    assert log.wall


def test_two_gpus_of_a_table_are_numbered(tmp_path):
    log = read(tmp_path, "Time,power0,power1\n1784970000.0,25.3,27\n1784970000.1,25.3,27\n")
    assert [*log.trace.rails_w] == ["0", "1"]


def test_values_that_a_tool_does_not_know_are_unknown(tmp_path):
    text = "timestamp, power.draw [W]\n2026/07/31 00:00:00, [N/A]\n2026/07/31 00:00:01, 5.00 W\n"
    np.testing.assert_array_equal(powers(read(tmp_path, text)), [np.nan, 5])


def test_gpus_that_share_a_table_are_rails_of_their_own(tmp_path):
    lines = [
        f"2026/07/31 00:00:0{s}.00{g}, {g}, {10 * g + s}.00 W\n" for s in (1, 2) for g in (0, 1)
    ]
    log = read(tmp_path, "timestamp, index, power.draw [W]\n" + "".join(lines))
    assert {rail: values.tolist() for rail, values in log.trace.rails_w.items()} == {
        "GPU0": [1, 2], "GPU1": [11, 12],
    }  # fmt: skip
    assert log.trace.total_rails == ()


def test_the_last_line_of_a_killed_logger_is_left_out_and_told(tmp_path):
    log = read(tmp_path, "time,power,note\n0,5,\n1,6,\n2")
    assert powers(log) == [5, 6]
    assert log.notes == ("power.csv: the last line has no end and is left out",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n \n", "no power log"),
        ("hello\n", "no power log"),
        ("a,b\n1,2\n", "no column of time and power; name them: columns="),
        ("time_s,P_w\n", "no samples"),
        ("time_s,P_w\n0,x\n", "line 2, column P_w is 'x', where a number"),
        ("time_s,P_w\n0,5 V\n", "line 2, column P_w is '5 V', where a power"),
        ("time_s,P_w\n0,1\n1\n2,1\n", "line 3"),
        ("time_s,P_w\n,1\n", "line 2, column time_s is empty"),
        ("time,P_w\n,1\n", "line 2, column time is empty"),
        ("time,P_w\n0,1\nnoon,1\n", "line 3, column time is 'noon', where a time"),
        ("time_s,P_w\n1,1\n0,1\n", "sample 2"),
        ("time_s,P_w\n1e300,1\n2e300,1\n", r"line 2, column time_s is 1e\+300, above"),
        ("time,P_w\n1e400,1\n2e400,1\n", "line 2, column time is '1e400', where a time"),
        ("time_s,P_w\n0," + "1" * 200_000 + "\n", r"power\.csv: is no CSV"),
        ("time_s,P_w\n0,1\0\n", r"power\.csv: "),
        ("time_s,P_w,P_w\n0,1,2\n", "two columns named 'P_w'"),
        ("time_s,P_w,P_mW\n0,1,2\n", "two columns of 'power'"),
        ("t,P\n0,5012\n1,5013\n", r"P says no unit, and .* did you mean milliwatts"),
        ("Timestamp(ms),Current(uA)\n0,1\n", "none of voltage; say the voltage"),
        ("time,A current [A],B current [A],A voltage [V],C voltage [V]\n0,1,1,5,5\n", "no voltage"),
    ],
)
def test_what_is_no_power_log_is_refused_with_its_place(tmp_path, text, problem):
    with pytest.raises(InvalidInput, match=problem):
        read(tmp_path, text)


@pytest.mark.parametrize("heading", ["time_s", "timestamp", "epoch [s]"])
def test_lines_that_share_whole_seconds_are_spread_over_them(tmp_path, heading):
    """Whether the heading names the unit or not, a value lasts half a second here."""
    lines = "".join(f"{1784970000 + n // 2},{5 + n % 2}\n" for n in range(6))
    log = read(tmp_path, f"{heading},P_w\n{lines}")
    assert log.trace.time_s == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5])


@pytest.mark.parametrize("zone", ["", "UTC", "+02:00"])
@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_clock_that_was_never_set_leaves_times_apart(tmp_path, zone, year):
    """The calendar has no year before the first, where another zone might be."""
    text = f"time,P_w\n{year}-01-01 00:00:00,5\n{year}-01-01 00:00:01,6\n"
    assert read(tmp_path, text, zone=zone).trace.time_s.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("zone", ["+24:00", "-99:00", "Mars/Olympus"])
def test_a_zone_that_is_none_is_the_user_s_mistake(tmp_path, zone):
    with pytest.raises(UsageError, match="is no time zone"):
        read(tmp_path, "time,P_w\n2026-01-01 00:00:00,5\n", zone=zone)


def test_a_table_without_times_is_asked_for_its_interval(tmp_path):
    with pytest.raises(UsageError, match=r"no column of time; say .* interval=0\.1"):
        read(tmp_path, "power [W],state\n5,on\n6,on\n")
    with pytest.raises(UsageError, match=r"interval=0\.1"):
        read(tmp_path, "power.draw [W]\n5.00 W\n6.00 W\n")
    log = read(tmp_path, "power [W],state\n5,on\n6,on\n", interval_s=0.5)
    assert log.trace.time_s.tolist() == [0, 0.5]


@pytest.mark.parametrize(
    ("bound", "problem"), [("LOG_LINES", "more than 2 lines"), ("LOG_CELLS", "more than 2 cells")]
)
def test_a_log_of_more_than_is_taken_is_refused(tmp_path, monkeypatch, bound, problem):
    path = tmp_path / "power.csv"
    path.write_text("time_s,power_w\n0,5\n1,6\n")
    monkeypatch.setattr(f"edgeprofiler.core.limits.{bound}", 2)
    with pytest.raises(InvalidInput, match=problem):
        read_log(path)


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
@pytest.mark.parametrize(
    "head", ["a tool{0}'s words\nserial:{0} 7\n\ntime,power\n", "time voltage_V current_A{0}\n"]
)
def test_lines_are_counted_as_an_editor_counts_them(tmp_path, mark, head):
    """What ends a line to Python alone stands in what tools say of themselves."""
    head = head.format(mark)
    cells = "0.5 5 watts\n" if "," not in head else "0.5,watts\n"
    first = "0 5 1\n" if "," not in head else "0,5\n"
    with pytest.raises(InvalidInput, match=rf"line {head.count(chr(10)) + 2}, column"):
        read(tmp_path, f"{head}{first}{cells}")
