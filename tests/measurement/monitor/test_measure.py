"""Energy of a block is the integral of what the sensor held, and says how sure it is."""

import math
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from waiting import ended, until

from edgeprofiler.core.errors import InsufficientData, Unavailable, UsageError
from edgeprofiler.measurement.collect.sampling import SamplerProcess
from edgeprofiler.measurement.monitor import evaluate, measure, run_program, watch
from edgeprofiler.measurement.recording import PowerTrace, load_recording
from edgeprofiler.measurement.sensors.replay import ReplaySensor
from edgeprofiler.testing import FakeSensor

MEASURING = sys.modules["edgeprofiler.measurement.monitor.measuring"]


def trace(times, power):
    return PowerTrace(np.asarray(times, float), {"VDD_IN": np.asarray(power, float)}, ("VDD_IN",))


def test_energy_is_the_integral_of_held_values():
    """1 W for 1 s, then 3 W for 2 s, from 0.5 s to 3 s: 0.5 J and 6 J."""
    found = evaluate(trace([0, 1, 2], [1, 3, 3]), 0.5, 3.0, sensor="s")
    assert found.energy_j == pytest.approx(6.5)
    assert found.mean_w == pytest.approx(6.5 / 2.5)
    assert found.peak_w == 3.0
    assert found.duration_s == 2.5
    assert found.distinct_values == 1
    assert found.rails == ("VDD_IN",)


def test_few_distinct_values_are_said_to_be_uncertain():
    times = np.arange(0, 1, 0.001)
    held = evaluate(trace(times, np.full(1000, 5.0)), 0, 1, sensor="s")
    assert "changed its value only 0 times" in held.warnings[0]
    lively = evaluate(trace(times, np.arange(1000) // 10), 0, 1, sensor="s")
    assert lively.distinct_values == 100
    assert lively.warnings == ()


def test_values_that_the_sensor_did_not_give_are_bridged_not_zero():
    found = evaluate(trace([0, 1, 2, 3], [2, np.nan, np.nan, 2]), 0, 4, sensor="s")
    assert found.energy_j == pytest.approx(8.0)


def test_a_block_between_two_polls_is_too_short_to_tell():
    with pytest.raises(InsufficientData, match="many repetitions"):
        evaluate(trace([0, 1], [2, 2]), 0.2, 0.3, sensor="s")


def test_unknown_figures_become_null_in_json():
    document = evaluate(trace([0, 1], [2, 2]), 0, 2, sensor="s").to_json()
    assert document["sampler_cpu_share"] is None
    assert document["energy_j"] == pytest.approx(4.0)


def test_a_block_of_code_is_measured():
    import time

    began_s = time.monotonic()
    with measure(FakeSensor(power_w=8.0), period_s=0.002) as power:
        time.sleep(1.0)
    assert 1.0 <= power.result.duration_s < time.monotonic() - began_s
    assert power.result.mean_w == pytest.approx(8.0, abs=0.01)
    assert power.result.energy_j == pytest.approx(8.0 * power.result.duration_s, rel=0.01)
    assert power.result.sensor == "fake"


def test_every_call_of_a_decorated_function_is_measured():
    import time

    @measure(FakeSensor(power_w=8.0), period_s=0.002)
    def work(duration_s: float) -> str:
        """Work a while."""
        time.sleep(duration_s)
        return "done"

    assert work(1.0) == "done"
    assert work(duration_s=1.5) == "done"
    for measured, least_s in zip(work.measurements, (1.0, 1.5), strict=True):
        assert measured.duration_s >= least_s
        assert measured.energy_j == pytest.approx(8.0 * measured.duration_s, rel=0.01)
    assert work.__doc__ == "Work a while."


def test_an_error_in_the_block_is_not_hidden_by_the_monitor():
    with pytest.raises(KeyError), measure(FakeSensor(), period_s=0.002):
        raise KeyError("mine")


def test_a_sensor_lost_in_the_block_is_told():
    with (
        pytest.raises(Unavailable, match="vanished"),
        measure(FakeSensor(vanish_after=200), period_s=0.002) as power,
    ):
        until(lambda: ended(power._sampler.pid), "the sampler's end")


def test_a_replayed_file_cannot_watch_this_machine(tmp_path):
    with pytest.raises(UsageError, match="cannot watch"):
        measure(ReplaySensor(path="x"))
    with pytest.raises(UsageError, match="cannot watch"):
        measure("replay")


def test_where_no_sensor_works_every_reason_is_said(monkeypatch):
    monkeypatch.setattr(MEASURING, "auto_sensor", lambda: (None, ["rapl: no counters"]))
    with pytest.raises(Unavailable, match="rapl: no counters"):
        measure()


def test_a_missing_sensor_leaves_nothing_behind(monkeypatch):
    with pytest.raises(Unavailable), measure(FakeSensor(missing=True)):
        raise AssertionError("never reached")


def test_a_program_is_measured_from_start_to_end_with_its_exit_code():
    code, found = run_program(
        [sys.executable, "-c", "import time; time.sleep(1.0); raise SystemExit(3)"],
        FakeSensor(power_w=8.0),
        period_s=0.002,
    )
    assert code == 3
    assert found.duration_s >= 1.0
    assert math.isclose(found.mean_w, 8.0, abs_tol=0.01)


def test_a_program_too_short_for_the_sensor_keeps_its_exit_code(monkeypatch):
    def nothing_came(folder):
        return replace(load_recording(folder), trace=trace([], []))

    monkeypatch.setattr(MEASURING, "load_recording", nothing_came)
    code, found = run_program(
        [sys.executable, "-c", "raise SystemExit(3)"], FakeSensor(), period_s=0.002
    )
    assert code == 3
    assert found.polls == found.distinct_values == 0
    assert found.duration_s > 0
    document = found.to_json()
    assert document["energy_j"] is document["mean_w"] is document["peak_w"] is None
    assert len(found.warnings) == 1
    assert "gave no value" in found.warnings[0]
    with pytest.raises(InsufficientData, match="gave no value"), measure(FakeSensor()):
        pass


def test_a_sensor_lost_while_a_program_ran_does_not_lose_its_exit_code(monkeypatch):
    class Lost(SamplerProcess):
        checks = 0

        def check(self):
            self.checks += 1
            if self.checks > 1:  # the first is at the start
                raise Unavailable("the sensor fake vanished", "see that it is still there")

    monkeypatch.setattr(MEASURING, "SamplerProcess", Lost)
    with pytest.raises(Unavailable, match=r"vanished; see .* ended with exit code 3$"):
        run_program([sys.executable, "-c", "raise SystemExit(3)"], FakeSensor(), period_s=0.002)


def test_a_program_that_is_not_there_is_said():
    with pytest.raises(Unavailable, match="cannot be started"):
        run_program(["/nowhere/program"], FakeSensor())


def test_a_machine_without_a_sensor_can_try_it_on_a_simulated_board():
    with measure("sim", options={"noise_w": 0.0}) as power:
        time.sleep(0.1)
    assert set(power.result.rails) == {"VDD_IN"}
    assert 4.4 < power.result.mean_w < 10.6
    assert "the power is simulated" in power.result.warnings


def test_as_a_decorator_it_measures_every_call():
    @measure("sim")
    def work(seconds):
        time.sleep(seconds)
        return seconds

    assert work(0.05) == 0.05
    assert [m.duration_s >= 0.05 for m in work.measurements] == [True]


def test_watching_tells_each_interval_and_the_energy_so_far():
    looks = list(watch("sim", options={"noise_w": 0.0}, every_s=0.05, times=3))
    assert [round(look.time_s / 0.05) >= n for n, look in enumerate(looks, 1)] == [True] * 3
    assert all(look.rails_w.keys() == {"VDD_IN", "VDD_SOC"} for look in looks)
    powers = [look.total_w for look in looks]
    assert min(powers) <= looks[2].energy_j / looks[2].time_s <= max(powers)


def test_watching_counts_the_energy_of_the_time_that_has_passed():
    """A sensor that answers late makes intervals longer than was asked."""

    class Slow(FakeSensor):
        def read(self):
            time.sleep(0.05)
            return [4.0 for _ in super().read()]

    *_, look = watch(Slow(), every_s=0.01, times=3)
    assert look.time_s > 0.09
    assert look.energy_j == pytest.approx(look.total_w * look.time_s)


def test_watching_leaves_out_what_no_board_draws():
    class Reversed(FakeSensor):
        def read(self):
            return [-value for value in super().read()]

    (look,) = watch(Reversed(), every_s=0.02, times=1)
    assert np.isnan(look.total_w)
    assert "below zero" in look.warnings[0]
