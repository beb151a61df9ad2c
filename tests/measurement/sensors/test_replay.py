"""Logs of other tools become traces in watts and seconds."""

import numpy as np
import pytest

from edgeprofiler.core.errors import InvalidInput, Unavailable, UsageError
from edgeprofiler.measurement.collect.choose import sensor_named
from edgeprofiler.measurement.sensors.replay import ReplaySensor, read_trace
from edgeprofiler.testing import TraceSensorContract

JETPACK_4 = (
    "RAM 2449/3964MB (lfb 25x4MB) SWAP 0/1982MB (cached 0MB) IRAM 0/252kB(lfb 252kB) "
    "CPU [12%@1479,8%@1479,off,off] EMC_FREQ 0% GR3D_FREQ 99% PLL@24C CPU@26.5C "
    "POM_5V_IN {0}/3219 POM_5V_GPU 41/41 POM_5V_CPU 368/368\n"
)
XAVIER_4 = (
    "RAM 4722/31928MB (lfb 6x4MB) CPU [5%@1190,1%@1190] GR3D_FREQ 0% "
    "GPU 0/0 CPU 310/310 SOC 930/930 CV 0/0 VDDRQ 155/155 SYS5V 1494/1494\n"
)
JETPACK_6 = (
    "{0} RAM 1897/7620MB (lfb 4x4MB) SWAP 0/3810MB (cached 0MB) CPU [1%@729,0%@729] "
    "GR3D_FREQ 0% cpu@45.9C VDD_IN {1}mW/4980mW VDD_CPU_GPU_CV 512mW/512mW VDD_SOC 1312mW/1312mW\n"
)


def read(tmp_path, text, **options):
    path = tmp_path / "power.log"
    path.write_text(text)
    return read_trace(path, **options)


class TestContract(TraceSensorContract):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.path = tmp_path / "power.csv"
        self.path.write_text("time_s,VDD_IN_w\n" + "".join(f"{i / 10},5\n" for i in range(20)))

    def make(self):
        return ReplaySensor(path=str(self.path))


def test_tegrastats_of_jetpack_4_has_milliwatts_without_unit_or_time(tmp_path):
    trace = read(tmp_path, JETPACK_4.format(3000) + JETPACK_4.format(4000), interval_s=0.5)
    assert trace.time_s.tolist() == [0.0, 0.5]
    assert trace.total_w.tolist() == [3.0, 4.0]
    assert list(trace.rails_w) == ["POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"]


def test_tegrastats_of_an_agx_xavier_sums_six_rails(tmp_path):
    trace = read(tmp_path, XAVIER_4)
    assert trace.total_w == pytest.approx([2.889])


def test_tegrastats_of_jetpack_6_has_whole_seconds_that_its_lines_share(tmp_path):
    lines = [
        ("11-23-2022 10:11:59", 5000),
        ("11-23-2022 10:11:59", 6000),
        ("11-23-2022 10:12:00", 7000),
    ]
    trace = read(tmp_path, "".join(JETPACK_6.format(*line) for line in lines))
    assert trace.time_s.tolist() == [0.0, 0.5, 1.0]
    assert trace.total_w.tolist() == [5.0, 6.0, 7.0]
    assert trace.total_rails == ("VDD_IN",)


def test_the_reference_s_log_is_read(tmp_path):
    text = "20241030-15:06:45.5,5000,1100\n20241030-15:06:45.501333,5000,1000\n"
    trace = read(tmp_path, text)
    assert trace.time_s == pytest.approx([0, 0.001333])
    assert trace.total_w.tolist() == [5.5, 5.0]


def test_csv_columns_say_their_units(tmp_path):
    trace = read(
        tmp_path, "time_ms,VDD_IN_mW,VDD_SOC_w,note\n0,5000,1,\n10,,2,\n\n", total="VDD_IN"
    )
    assert trace.time_s.tolist() == [0.0, 0.01]
    np.testing.assert_array_equal(trace.total_w, [5.0, np.nan])
    assert trace.rails_w["VDD_SOC"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("\n \n", "no power log"),
        ("hello\n", "no power log"),
        ("a,b\n1,2\n", "no column of time and power"),
        ("time_s,P_w\n", "no samples"),
        ("time_s,P_w\n0,x\n", "line 2"),
        ("time_s,P_w\n0,1\n1\n", "line 3"),
        ("time_s,P_w\n,1\n", "line 2, column time_s is empty"),
        ("time_s,P_w\n1,1\n0,1\n", "sample 2"),
        ("time_s,P_w\n0," + "1" * 200_000 + "\n", "power.log: is no CSV"),
        ("time_s,P_w\n0,1\0\n", "power.log: "),
        ("time_s,P_w,P_w\n0,1,2\n", "two columns named 'P_w'"),
        ("time_s,P_w,P_mW\n0,1,2\n", "two columns of 'P'"),
        (JETPACK_6.format("13-23-2022 10:11:59", 1), "no time"),
        (JETPACK_6.format("11-23-2022 10:11:59", 1) + JETPACK_4.format(1), "only some"),
    ],
)  # fmt: skip
def test_what_is_no_power_log_is_refused_with_its_place(tmp_path, text, problem):
    with pytest.raises(InvalidInput, match=problem):
        read(tmp_path, text)


def test_lines_of_tegrastats_without_rails_are_passed_over(tmp_path):
    trace = read(tmp_path, JETPACK_4.format(3000) + "noise\n" + JETPACK_4.format(1))
    assert len(trace) == 2


def test_a_replay_begins_when_it_is_first_asked_or_keeps_its_clock(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("time_s,P_w\n100,1\n101,2\n102,3\n")
    sensor = ReplaySensor(path=str(path))
    sensor.attach(None)
    assert sensor.trace(5.0, 6.5).total_w.tolist() == [1.0, 2.0]
    assert sensor.trace(6.5, 8.0).total_w.tolist() == [3.0]
    clock = ReplaySensor(path=str(path), align="clock")
    assert clock.trace(101.0, 103.0).total_w.tolist() == [2.0, 3.0]
    assert clock.settings() == {"file": "p.csv", "align": "clock"}


def test_wrong_options_are_the_user_s(tmp_path):
    with pytest.raises(Unavailable, match="path=FILE"):
        ReplaySensor().probe()
    with pytest.raises(UsageError, match="start or clock"):
        sensor_named("replay", {"path": "x", "align": "end"}, {})
    with pytest.raises(UsageError, match=r"interval_s=0 must be a number from"):
        sensor_named("replay", {"path": "x", "interval_s": 0}, {})
    with pytest.raises(UsageError, match=r"path=1\.5 must be text; write it in quotes"):
        sensor_named("replay", {"path": 1.5}, {})


def test_a_file_whose_name_is_a_number_is_found(tmp_path, monkeypatch):
    """The command line's `path=123` arrives as a number."""
    (tmp_path / "123").write_text("time_s,P_w\n0,1\n")
    monkeypatch.chdir(tmp_path)
    sensor = sensor_named("replay", {"path": 123}, {})
    sensor.probe()
    assert sensor.options["path"] == "123"


def test_a_reference_s_log_whose_clock_was_set_back_is_refused_before_anything_is_recorded(
    tmp_path,
):
    """Times of a recording's polls ascend; one with others could never be opened."""
    path = tmp_path / "power.log"
    path.write_text("20241030-15:06:45.5,5000,1100\n20241030-15:06:44.5,5000,1000\n")
    with pytest.raises(InvalidInput, match="time goes back at sample 2"):
        ReplaySensor(path=str(path)).probe()


def test_a_cut_last_line_is_told_and_recorded(tmp_path, caplog):
    path = tmp_path / "power.log"
    path.write_text("20241030-15:06:45.5,5000,1100\n20241030-15:06:46.5,5000,1000\n20241030-1")
    sensor = ReplaySensor(path=str(path))
    sensor.probe()
    assert sensor.settings()["warnings"] == ["power.log: the last line has no end and is left out"]
    assert "the last line has no end" in caplog.text
