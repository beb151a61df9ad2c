"""Lines of tegrastats become rails in watts, whatever JetPack and whatever stamps them."""

import pytest

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.measurement.power_logs import LogOptions, read_log

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


def read(tmp_path, text, **asked):
    path = tmp_path / "power.log"
    path.write_text(text)
    return read_log(path, LogOptions(**asked))


def stamped(tmp_path, *stamps):
    return read(tmp_path, "".join(JETPACK_6.format(stamp, 5000) for stamp in stamps)).trace.time_s


def test_jetpack_4_has_milliwatts_without_unit_or_time(tmp_path):
    log = read(tmp_path, JETPACK_4.format(3000) + JETPACK_4.format(4000), interval_s=0.5)
    assert log.trace.time_s.tolist() == [0.0, 0.5]
    assert log.trace.rails_w["POM_5V_IN"].tolist() == [3.0, 4.0]
    assert list(log.trace.rails_w) == ["POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"]
    assert not log.wall


def test_times_that_are_not_there_are_asked_for_and_never_assumed(tmp_path):
    with pytest.raises(UsageError, match=r"no time stamps; say the seconds .* interval=0\.1"):
        read(tmp_path, JETPACK_4.format(3000) + JETPACK_4.format(4000))


def test_an_interval_other_than_the_stamps_is_told(tmp_path):
    lines = [JETPACK_6.format(f"2026-07-25T09:08:0{i}.000", 1) for i in range(5)]
    log = read(tmp_path, "".join(lines), interval_s=100)
    assert log.notes == ("power.log: its lines are 1 s apart, not 100",)
    assert log.trace.time_s[-1] == 4


@pytest.mark.parametrize(
    ("rails", "watts"),
    [
        ("VDD_GPU_SOC 5000mW/4900mW/8000mW", {"VDD_GPU_SOC": 5.0}),
        ("VDD_GPU -392mW/0mW VIN 15004mW/16802mW", {"VDD_GPU": -0.392, "VIN": 15.004}),
        ("VDD_IN 5000/4900", {"VDD_IN": 5.0}),
    ],
)
def test_rails_have_one_to_three_numbers_and_may_be_negative(tmp_path, rails, watts):
    log = read(tmp_path, f"07-25-2026 09:08:00 RAM 2387/7620MB CPU [14%@1190] {rails}\n")
    assert {name: values[0] for name, values in log.trace.rails_w.items()} == watts


def test_a_rail_that_one_line_lacks_is_unknown_there(tmp_path):
    log = read(
        tmp_path,
        "07-25-2026 09:08:00 VIN 1000mW/1mW\n07-25-2026 09:08:01 VDD_GPU 5mW/1mW VIN 2000mW/1mW\n",
    )
    assert log.trace.rails_w["VIN"].tolist() == [1.0, 2.0]
    assert str(log.trace.rails_w["VDD_GPU"].tolist()) == "[nan, 0.005]"


@pytest.mark.parametrize(
    ("first", "second", "apart_s"),
    [
        ("2026-07-25T09:08:00.000", "2026-07-25T09:08:00.100", 0.1),
        ("2026-07-25 09:08:00,5", "2026-07-25 09:08:01", 0.5),
        ("2026-07-25T09:08:00Z", "2026-07-25T11:08:02+02:00", 2),
        ("[2026/07/25 23:59:59]", "[2026/07/26 00:00:01]", 2),
        ("Jul 25 09:08:00", "Jul 25 09:08:03", 3),
        ("Dec 31 23:59:59", "Jan  1 00:00:00", 1),
        ("25-Jul-2026 09:08:00", "25-Jul-2026 09:08:01", 1),
        ("25/Jul/2026:09:08:00 +0000", "25/Jul/2026:09:08:01 +0000", 1),
        ("20260725T090800.5", "20260725T090801", 0.5),
        ("2026-07-25_09-08-00", "2026-07-25_09:08:01", 1),
        ("09:08:00:250", "09:08:00:500", 0.25),
        ("Sat Jul 25 09:08:00 CEST 2026", "Sat Jul 25 09:08:03 CEST 2026", 3),
        ("09:08:00 AM", "09:08:02 PM", 43202),
        ("23:59:59.5", "00:00:00.5", 1),
        ("1784970480.125", "1784970480.250", 0.125),
        ("1784970480125", "1784970480250", 0.125),
        ("[ 12.5]", "[ 13.0]", 0.5),
        ("25.07.2026 09:08:00", "26.07.2026 09:08:00", 86400),
        ("25/07/2026 09:08:00", "26/07/2026 09:08:00", 86400),
        ("12-31-2026 09:08:00", "01-01-2027 09:08:00", 86400),
    ],
)
def test_stamps_of_any_usual_form_are_read(tmp_path, first, second, apart_s):
    assert stamped(tmp_path, first, second) == pytest.approx([0, apart_s], abs=1e-9)


def test_lines_that_share_whole_seconds_are_spread_over_them(tmp_path):
    stamps = ["11-23-2022 10:11:59"] * 2 + ["11-23-2022 10:12:00"] * 2
    assert stamped(tmp_path, *stamps).tolist() == [0.0, 0.5, 1.0, 1.5]


def test_a_second_that_began_before_the_log_has_its_lines_at_its_end(tmp_path):
    """Three lines of the first second and one of the last, ten a second between."""
    seconds = [0] * 3 + [s for s in (1, 2, 3) for _ in range(10)] + [4]
    times = stamped(tmp_path, *(f"11-23-2022 10:12:0{s}" for s in seconds))
    assert times == pytest.approx([i / 10 for i in range(len(seconds))])


def test_lines_that_keep_no_steady_rate_stay_within_their_seconds(tmp_path):
    seconds = [0, 0, 1, 1, 1, 1, 7, 7]
    times = stamped(tmp_path, *(f"11-23-2022 10:12:0{s}" for s in seconds))
    inside = times + (0.5 if times[2] < 1 else 0)
    assert [int(t) for t in inside] == seconds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (JETPACK_6.format("13-33-2022 10:11:59", 1), "line 1: '13-33-2022 10:11:59' is no time"),
        (
            JETPACK_6.format("11-23-2022 10:11:59", 1) + JETPACK_4.format(1),
            "line 2 has no time stamp, others have",
        ),
    ],
)
def test_a_line_whose_time_is_not_known_is_named(tmp_path, text, problem):
    with pytest.raises(InvalidInput, match=problem):
        read(tmp_path, text)


def test_lines_without_rails_are_passed_over(tmp_path):
    text = "Sun 25 Jul 2026 starting test\n" + JETPACK_6.format("11-23-2022 10:11:59", 1) + "noise"
    assert len(read(tmp_path, text).trace) == 1


def test_an_agx_xavier_has_six_rails(tmp_path):
    rails = read(tmp_path, XAVIER_4, interval_s=1).trace.rails_w
    assert sum(values[0] for values in rails.values()) == pytest.approx(2.889)
