"""A log of another tool is laid beside the runs it was written along with, or refused."""

import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgeprofiler.core.errors import InvalidInput, Unavailable, UsageError
from edgeprofiler.measurement.collect.choose import sensor_named
from edgeprofiler.measurement.sensors.replay import ReplaySensor
from edgeprofiler.testing import TraceSensorContract

RUNS_START_S = 5000.0
"""Of the clock of the runs below, which began at an hour of their own."""


class TestContract(TraceSensorContract):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.path = tmp_path / "power.csv"
        self.path.write_text("time_s,VDD_IN_w\n" + "".join(f"{i / 10},5\n" for i in range(20)))

    def make(self):
        return ReplaySensor(path=str(self.path))


@pytest.fixture
def write(tmp_path):
    def written(text, **options):
        path = tmp_path / "power.log"
        path.write_text(text)
        return ReplaySensor(path=str(path), **options)

    return written


def ago(**passed):
    return datetime.now().astimezone() - timedelta(**passed)


def lines(start, count, step_s=1.0, form="%m-%d-%Y %H:%M:%S.%f"):
    return "".join(
        f"{(start + timedelta(seconds=step_s * i)).strftime(form)} VDD_IN {1000 * (i + 1)}mW/1mW\n"
        for i in range(count)
    )


def attached(sensor, *, virtual=False):
    sensor.attach(
        SimpleNamespace(clock=SimpleNamespace(virtual=virtual, now_s=lambda: RUNS_START_S))
    )
    return sensor


def test_a_log_of_the_wall_clock_lies_where_it_was_written(write):
    """Ten lines from five seconds ago on: at the start of the runs, the sixth is the newest."""
    sensor = attached(write(lines(ago(seconds=5), 10)))
    trace = sensor.trace(RUNS_START_S - 0.5, RUNS_START_S + 2.5)
    assert trace.total_w.tolist() == [6.0, 7.0, 8.0]
    assert trace.time_s == pytest.approx(RUNS_START_S + np.arange(3), abs=0.2)


def test_the_zone_of_its_stamps_may_be_another(write):
    elsewhere = datetime.now(timezone.utc) + timedelta(hours=5, minutes=45)
    text = lines(elsewhere - timedelta(seconds=5), 10)
    named = attached(write(text, zone="+05:45"))
    assert named.trace(RUNS_START_S - 0.5, RUNS_START_S + 0.5).total_w.tolist() == [6.0]
    sensor = attached(write(text, zone="UTC"))
    with pytest.raises(InvalidInput, match=r"do not overlap; name its time zone"):
        sensor.trace(RUNS_START_S, RUNS_START_S + 2)


def test_a_log_of_another_day_is_refused_before_anything_is_recorded(write):
    sensor = write(lines(ago(days=3), 10))
    with pytest.raises(InvalidInput, match=r"do not overlap; lay its first line .* align=start$"):
        attached(sensor)
    assert len(attached(write(sensor_text(sensor), align="start")).trace(7.0, 16.0)) == 9


def sensor_text(sensor):
    return Path(sensor.path).read_text()


@pytest.mark.parametrize(
    ("start_s", "end_s", "problem"),
    [
        (-8, 2, r"begins [12]\.\d+ s after the start of what is recorded; log for all"),
        (-2, 9, r"ends [23]\.\d+ s before the end of what is recorded; log for all"),
        (20, 30, "they do not overlap"),
    ],
)
def test_a_log_that_does_not_reach_over_the_runs_is_refused(write, start_s, end_s, problem):
    sensor = attached(write(lines(ago(seconds=5), 10)))
    with pytest.raises(InvalidInput, match=problem):
        sensor.trace(RUNS_START_S + start_s, RUNS_START_S + end_s)


def test_a_log_that_is_still_written_is_read_again(write):
    start = ago(seconds=2)
    sensor = attached(write(lines(start, 2)))
    write(lines(start, 8))
    assert sensor.trace(RUNS_START_S, RUNS_START_S + 5).total_w[-1] >= 7


def test_a_simulation_has_no_wall_clock(write):
    text = lines(ago(days=1), 3)
    assert len(attached(write(text), virtual=True).trace(1.0, 3.0)) == 2
    with pytest.raises(UsageError, match="a simulation has no wall clock; use align=start"):
        attached(write(text, align="clock"), virtual=True).trace(1.0, 3.0)


def test_a_replay_begins_when_it_is_first_asked_or_keeps_its_clock(write):
    text = "time_s,P_w\n100,1\n101,2\n102,3\n"
    sensor = write(text)
    sensor.attach(None)
    assert sensor.trace(5.0, 6.5).total_w.tolist() == [1.0, 2.0]
    assert sensor.trace(6.5, 8.0).total_w.tolist() == [3.0]
    clock = write(text, align="clock")
    assert clock.trace(101.0, 103.0).total_w.tolist() == [2.0, 3.0]
    assert clock.settings() == {"file": "power.log", "form": "CSV", "align": "clock"}
    with pytest.raises(InvalidInput, match=r"holds 2 s, up to 103\.5 s of the runs' clock"):
        clock.trace(300.0, 301.0)


def test_a_log_shorter_than_the_recording_is_refused(write):
    with pytest.raises(InvalidInput, match=r"ends 6\.5 s before the end of what is recorded"):
        write("time_s,P_w\n100,1\n101,2\n102,3\n").trace(5.0, 15.0)


@pytest.mark.parametrize(
    ("line", "board_w"),
    [
        ("VDD_GPU_SOC 5000mW/1mW/1mW VDD_CPU_CV 3000mW/1mW/1mW VIN_SYS_5V0 500mW/1mW/1mW", 8.5),
        ("VDD_GPU -392mW/0mW VDD_CPU_SOC_MSS 5mW/1mW VIN_SYS_5V0 7mW/1mW VIN 15004mW/1mW", 15.004),
        ("GPU 0/0 CPU 310/310 SOC 930/930 CV 0/0 VDDRQ 155/155 SYS5V 1494/1494", 2.889),
    ],
)
def test_the_board_s_power_is_the_sum_of_the_rails_at_its_input(write, line, board_w):
    sensor = write(f"{line}\n{line}\n", interval=1)
    assert sensor.trace(0.0, 2.0).total_w == pytest.approx([board_w] * 2)


def test_rails_that_make_up_the_board_may_be_chosen(write):
    sensor = write("time_ms,VDD_IN_mW,VDD_SOC_w,note\n0,5000,1,\n10,,2,\n\n", total="VDD_IN")
    trace = sensor.trace(0.0, 0.02)
    np.testing.assert_array_equal(trace.total_w, [5.0, np.nan])
    assert trace.rails_w["VDD_SOC"].tolist() == [1.0, 2.0]
    with pytest.raises(UsageError, match="names no such rails"):
        write("time_s,A_w,B_w\n0,1,2\n", total="C").probe()
    with pytest.raises(Unavailable, match="total=RAIL"):
        write("time_s,A_w,B_w\n0,1,2\n").probe()


def test_wrong_options_are_the_user_s():
    with pytest.raises(Unavailable, match="path=FILE"):
        ReplaySensor().probe()
    with pytest.raises(UsageError, match="auto or start or clock"):
        sensor_named("replay", {"path": "x", "align": "end"}, {})
    with pytest.raises(UsageError, match=r"interval=-1 must be a number from"):
        sensor_named("replay", {"path": "x", "interval": -1}, {})
    with pytest.raises(UsageError, match=r"path=1\.5 must be text; write it in quotes"):
        sensor_named("replay", {"path": 1.5}, {})


def test_a_file_whose_name_is_a_number_is_found(tmp_path, monkeypatch):
    """The command line's `path=123` arrives as a number."""
    (tmp_path / "123").write_text("time_s,P_w\n0,1\n")
    monkeypatch.chdir(tmp_path)
    sensor = sensor_named("replay", {"path": 123}, {})
    sensor.probe()
    assert sensor.options["path"] == "123"


def test_a_reference_s_log_is_read(write):
    sensor = write(
        "20241030-15:06:45.5,5000,1100\n20241030-15:06:45.501333,5000,1000\n", align="start"
    )
    trace = sensor.trace(0.0, 0.002)
    assert trace.time_s == pytest.approx([0, 0.001333])
    assert trace.total_w.tolist() == [5.5, 5.0]


def test_a_reference_s_log_whose_clock_was_set_back_is_refused_before_anything_is_recorded(write):
    """Times of a recording's polls ascend; one with others could never be opened."""
    sensor = write("20241030-15:06:45.5,5000,1100\n20241030-15:06:44.5,5000,1000\n")
    with pytest.raises(InvalidInput, match="time goes back at sample 2"):
        sensor.probe()


def test_a_cut_last_line_is_told_and_recorded(write, caplog):
    sensor = write("20241030-15:06:45.5,5000,1100\n20241030-15:06:46.5,5000,1000\n20241030-1")
    sensor.probe()
    assert sensor.settings()["warnings"] == ["power.log: the last line has no end and is left out"]
    assert "the last line has no end" in caplog.text


def test_seconds_since_1970_are_a_wall_clock(write):
    now = time.time()
    text = "Time,Power\n" + "".join(f"{now - 5 + i:.3f},{i + 1}\n" for i in range(10))
    sensor = attached(write(text))
    assert sensor.trace(RUNS_START_S - 0.5, RUNS_START_S + 0.5).total_w.tolist() == [6.0]
