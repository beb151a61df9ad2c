"""Readings that no board can draw are left out and told."""

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.measurement.monitor import evaluate
from edgeprofiler.measurement.qa import qa
from edgeprofiler.measurement.recording import PowerTrace, load_recording
from edgeprofiler.measurement.recording.impossible import impossible, without_impossible
from edgeprofiler.measurement.recording.store import save_recording

RANDOM = np.random.default_rng(7)
PLAUSIBLE = RANDOM.uniform(4, 9, 1000)


def with_power(recording, power):
    trace = PowerTrace(np.arange(len(power)) / 750, {"VDD_IN": power}, ("VDD_IN",))
    return without_impossible(replace(recording, trace=trace, idle_before=None))


@pytest.mark.parametrize(
    ("every", "value", "told"),
    [
        (1, -5.0, "all 1,000 totals are (1,000 below zero, down to -5 W)"),
        (50, 163.8, "20 of 1,000 totals are left out (20 alone at the sensor's full scale, 164 W)"),
        (100, np.inf, "10 of 1,000 totals are left out (10 infinite)"),
        (200, -0.3, "5 of 1,000 totals are left out (5 below zero, down to -300 mW)"),
    ],
)
def test_they_are_unknown_and_a_warning_counts_them(recording, every, value, told):
    power = PLAUSIBLE.copy()
    power[::every] = value
    found = with_power(recording, power)
    assert told in found.warnings[-1]
    assert np.isnan(found.trace.total_w[::every]).all()
    assert np.isfinite(found.trace.total_w).sum() == 1000 - len(power[::every])


def test_energy_holds_the_last_plausible_value(recording):
    power = np.full(1000, 5.0)
    power[::50] = 163.8
    trace = with_power(recording, power).trace
    assert evaluate(trace, 0.01, 1.31, sensor="s").energy_j == pytest.approx(6.5)


@pytest.mark.parametrize(
    "power",
    [
        PLAUSIBLE,
        np.where(np.arange(1000) % 20 < 4, 15.0, 4.0),  # bursts, of several conversions each
        np.where(np.arange(1000) % 50 == 0, 11.0, 5.0),  # twice the usual, as a network may
        np.array([5.0, 5.0, 60.0]),  # too few to judge
        np.full(10, np.nan),
        np.empty(0),
    ],
)
def test_what_a_board_may_draw_is_kept(power):
    assert impossible(power) == []


def test_a_recording_keeps_them_on_disk_and_tells_them_when_it_is_read(recording, tmp_path):
    power = PLAUSIBLE[:200].copy()
    power[::50] = np.inf
    trace = PowerTrace(recording.trace.time_s, {"VDD_IN": power}, ("VDD_IN",))
    save_recording(replace(recording, trace=trace), tmp_path / "r")
    found = load_recording(tmp_path / "r")
    assert "4 of 205 totals are left out (4 infinite)" in found.warnings[-1]


def test_qa_tells_them(recording):
    few, whole = PLAUSIBLE.copy(), np.full(1000, -3.0)
    few[::50] = 200.0
    (readings,) = (c for c in qa(with_power(recording, few)).checks if c.name == "readings")
    assert readings.level == "doubtful"
    assert readings.finding.endswith("full scale, 200 W)")
    (power,) = (c for c in qa(with_power(recording, whole)).checks if c.name == "power")
    assert power.level == "bad"
    assert "below zero" in power.finding


def test_a_doubt_of_the_sensor_travels_with_the_recording(recording, tmp_path):
    settings = {"warnings": ["the energy counter of GPU 0 stands still"]}
    save_recording(replace(recording, sensor_settings=settings), tmp_path / "r")
    assert "the energy counter of GPU 0 stands still" in load_recording(tmp_path / "r").warnings
