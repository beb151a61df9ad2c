"""Power logs of the reference: power is mV x mA, in microwatts, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.measurement.recording.power_log import (
    read_power_log,
    write_power_log,
    write_registers,
)

STAMP = "20241030-15:06:45.910735"


def read(tmp_path, text, warnings=None):
    path = tmp_path / "p.log"
    path.write_bytes(text.encode())
    log = read_power_log(path, [] if warnings is None else warnings)
    return log.stamps_us, log.power_w


def test_5000_mv_and_1100_ma_are_5_5_watts(tmp_path):
    _, power = read(tmp_path, f"{STAMP},5000,1100\n")
    assert power.tolist() == [5.5]


@given(rows=st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 60_000)), min_size=1))
def test_power_is_the_product_to_the_microwatt(tmp_path_factory, rows):
    text = "".join(f"{STAMP},{mv},{ma}\n" for mv, ma in rows)
    _, power = read(tmp_path_factory.mktemp("log"), text)
    assert power.tolist() == [mv * ma / 1e6 for mv, ma in rows]


def test_stamps_of_different_lengths_may_stand_in_one_log(tmp_path):
    day = "20241030-15:06"
    text = f"{day}:45,5000,1\n{day}:45.5,5000,2\r\n\n{day}:46.000001,5000,3\n"
    stamps, power = read(tmp_path, text)
    assert np.diff(stamps).tolist() == [500_000, 500_001]
    assert power.tolist() == [0.005, 0.01, 0.015]


def test_decimals_and_negative_currents_are_read(tmp_path):
    _, power = read(tmp_path, f"{STAMP},5000,1100.25\n{STAMP},5000,-8\n{STAMP},4999.5,2\n")
    np.testing.assert_allclose(power, [5.50125, -0.04, 0.009999], rtol=1e-15)


def test_a_true_zero_stays_zero(tmp_path):
    _, power = read(tmp_path, f"{STAMP},5000,0\n")
    assert power.tolist() == [0.0]


def test_a_last_line_without_its_end_is_left_out_and_told(tmp_path):
    warnings = []
    stamps, _ = read(tmp_path, f"{STAMP},5000,1100\n{STAMP},50", warnings)
    assert len(stamps) == 1
    assert "no end" in warnings[0]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (f"{STAMP},5000", "line 2"),
        (f"{STAMP},5000,1,2", "line 2"),
        (f"{STAMP},5000,x", "line 2"),
        (f"{STAMP},5000,", "line 2"),
        (f"{STAMP},5000,1.2.3", "line 2"),
        ("yesterday at noon in,5000,1", "line 2"),
        ("today,5000,1", "line 2"),
        (f"{STAMP},5000,1-2", "line 2"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, bad, problem):
    with pytest.raises(InvalidInput, match=problem):
        read(tmp_path, f"{STAMP},5000,1100\n{bad}\n{STAMP},5000,1\n")


def test_a_log_without_lines_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no whole line"):
        read(tmp_path, "20241030")


@given(st.lists(st.integers(-(10**6), 60 * 10**6), min_size=1, max_size=30))
def test_written_power_reads_back_to_the_microwatt(tmp_path_factory, micro_watts):
    path = tmp_path_factory.mktemp("log") / "p.log"
    power = np.array(micro_watts) / 1e6
    stamps = 1_730_300_805_910_735 + np.arange(len(power))
    write_power_log(path, stamps, power)
    log = read_power_log(path, [])
    again_stamps, again = log.stamps_us, log.power_w
    np.testing.assert_array_equal(again_stamps, stamps)
    assert np.rint(again * 1e6).tolist() == micro_watts


def test_polls_without_a_value_are_not_written(tmp_path):
    path = tmp_path / "p.log"
    write_power_log(path, np.arange(3), np.array([1.0, np.nan, 5.5]))
    assert path.read_text().splitlines()[1].endswith(",5000,1100")
    assert len(path.read_text().splitlines()) == 2


def test_both_registers_of_a_line_are_kept_and_written_again(tmp_path):
    path = tmp_path / "p.log"
    path.write_text(f"{STAMP},4992.0,1488.0\n{STAMP},5000,1352.0\n")
    log = read_power_log(path, [])
    assert log.milli_volts.tolist() == [4992.0, 5000.0]
    trace = log.trace(np.array([0.0, 0.001]))
    assert trace.registers == ("VDD_IN",)
    assert trace.total_w.tolist() == log.power_w.tolist()
    volts, amperes = trace.voltages_v["VDD_IN"], trace.currents_a["VDD_IN"]
    write_registers(path, log.stamps_us, volts, amperes)
    again = read_power_log(path, [])
    assert again.power_w.tolist() == log.power_w.tolist()
    assert again.milli_amperes.tolist() == log.milli_amperes.tolist()


def test_a_log_of_many_blocks_is_read_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr("edgeprofiler.measurement.recording.power_log._BLOCK_BYTES", 100)
    lines = [f"{STAMP},5000,{ma}\n" for ma in range(30)]
    warnings = []
    _, power = read(tmp_path, "".join(lines) + STAMP, warnings)
    assert power.tolist() == [5000 * ma / 1e6 for ma in range(30)]
    assert len(warnings) == 1
    with pytest.raises(InvalidInput, match="line 26 is not"):
        read(tmp_path, "".join([*lines[:25], "x\n", *lines[25:]]))
