"""A simulated measurement is deterministic, consistent with its truth, and switchable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import Layer, Network, Source, make_layer
from edgeprofiler.measurement.recording import network_from_json
from edgeprofiler.measurement.simulator import (
    SensorModel,
    SimulatedDevice,
    Structure,
    simulate,
    true_costs,
)
from edgeprofiler.measurement.simulator.ina3221 import smoothed_energy


def conv(name: str, channels: int, size: int = 28) -> Layer:
    return make_layer(
        name=name,
        kind="convolutional",
        op="convolution",
        input_shapes=[(1, channels, size, size)],
        output_shapes=[(1, channels, size, size)],
        dtype="fp16",
        weight_elements=9 * channels * channels,
        kernel=(3, 3),
        stride=(1, 1),
    )


def noop(name: str) -> Layer:
    return make_layer(
        name=name, kind="other", op="noop", input_shapes=[(1, 8)], output_shapes=[(1, 8)],
        dtype="fp16",
    )  # fmt: skip


NETWORK = Network(
    "small", (conv("a", 64), conv("b", 128), noop("view"), conv("c", 256)), Source("test", "test")
)
IDEAL = SensorModel().ideal()


def test_equal_seeds_give_equal_recordings() -> None:
    one, _ = simulate(NETWORK, runs=50, seed=7)
    two, _ = simulate(NETWORK, runs=50, seed=7)
    other, _ = simulate(NETWORK, runs=50, seed=8)
    np.testing.assert_array_equal(one.trace.total_w, two.trace.total_w)
    np.testing.assert_array_equal(one.timeline.duration_s, two.timeline.duration_s)
    assert not np.array_equal(one.timeline.duration_s, other.timeline.duration_s)


def test_a_simulated_recording_says_so() -> None:
    recording, _ = simulate(NETWORK, runs=5)
    assert recording.simulated
    assert any("simulated" in warning for warning in recording.warnings)
    assert recording.device["runner"] == "sim"
    assert recording.network is not None
    assert network_from_json(recording.network) == NETWORK


def test_a_noop_takes_no_time_and_has_no_power() -> None:
    recording, truth = simulate(NETWORK, runs=20)
    assert truth.runtime_s[2] == 0
    assert np.isnan(truth.power_w[2])
    assert truth.energy_j[2] == 0
    assert not recording.timeline.duration_s[:, 2].any()


def test_callbacks_come_in_a_burst_after_the_run() -> None:
    recording, _ = simulate(NETWORK, runs=20)
    timeline = recording.timeline
    assert timeline.stamp_kind == "callback-burst"
    assert timeline.stamp_s is not None
    assert (timeline.stamp_s > timeline.run_end_s[:, None]).all()
    assert (np.diff(timeline.stamp_s, axis=1) > 0).all()


def test_the_sensor_holds_each_conversion_until_the_next() -> None:
    recording, _ = simulate(NETWORK, runs=2000)
    current = recording.trace.currents_a["VDD_IN"]
    changes = np.flatnonzero(np.diff(current)) + 1
    distance = np.diff(recording.trace.time_s[changes])
    assert np.median(distance) == pytest.approx(6.6e-3, abs=0.7e-3)


def test_current_and_voltage_are_registers_that_change_at_different_moments() -> None:
    trace = simulate(NETWORK, runs=2000, sensor=SensorModel(odd_polls=0.0, poll_hz=3000.0))[0].trace
    current, volts = trace.currents_a["VDD_IN"], trace.voltages_v["VDD_IN"]
    np.testing.assert_allclose(trace.total_w, current * volts)
    both = (np.diff(current) != 0) & (np.diff(volts) != 0)
    assert (np.diff(volts) != 0).sum() > 100
    assert both.sum() < 0.1 * (np.diff(volts) != 0).sum()
    plain = simulate(NETWORK, runs=20, sensor=SensorModel(registers=False))[0].trace
    assert plain.registers == ()


def test_the_supply_sags_under_load() -> None:
    sensor = replace(IDEAL, sag_ohm=0.02)
    recording, _ = simulate(NETWORK, runs=2000, sensor=sensor, structure=Structure.easy())
    trace = recording.trace
    assert recording.idle_before is not None
    resting = recording.idle_before.voltages_v["VDD_IN"]
    current = recording.idle_before.currents_a["VDD_IN"]
    np.testing.assert_allclose(resting, 5.0 - 0.02 * current, rtol=1e-6)
    assert trace.voltages_v["VDD_IN"].min() < resting.min() - 5e-3


def test_one_poll_in_a_thousand_is_odd_where_that_is_asked_for() -> None:
    still = Structure(schedule="dithered", idle_s=60.0)
    steady = replace(IDEAL, current_step_a=8e-3)
    odd, _ = simulate(NETWORK, runs=2, sensor=replace(steady, odd_polls=1e-3), structure=still)
    none, _ = simulate(NETWORK, runs=2, sensor=steady, structure=still)
    assert odd.idle_before is not None
    assert none.idle_before is not None
    assert np.unique(none.idle_before.currents_a["VDD_IN"]).size == 1
    values, counts = np.unique(odd.idle_before.currents_a["VDD_IN"], return_counts=True)
    assert values.size > 1
    assert counts.max() > 0.995 * counts.sum()


def test_a_kernel_that_waits_gives_a_fresh_value_at_each_read() -> None:
    recording, _ = simulate(NETWORK, runs=3000, sensor=SensorModel(waits=True))
    assert np.median(np.diff(recording.trace.time_s)) == pytest.approx(13e-3, abs=2e-3)
    changed = np.diff(recording.trace.currents_a["VDD_IN"]) != 0
    assert changed.mean() > 0.5


def test_a_fast_chip_converts_before_two_polls_are_over() -> None:
    sensor = SensorModel().fast()
    trace = simulate(NETWORK, runs=2000, sensor=sensor)[0].trace
    assert sensor.period_s * sensor.poll_hz < 2
    assert 0.5 < (np.diff(trace.currents_a["VDD_IN"]) != 0).mean() < 0.95


def test_power_of_all_that_runs_varies_from_run_to_run() -> None:
    """With a window as long as a run and its pause, only the runs' factor is left."""
    steady = replace(Structure.easy(), duration_jitter=0.0, schedule="locked", pause_s=5e-3)
    sensor = replace(IDEAL, window_s=5e-3, period_s=5e-3)
    one = simulate(NETWORK, runs=1500, sensor=sensor, structure=steady)[0].trace.total_w[50:-50]
    varied = replace(steady, power_jitter=0.03)
    two = simulate(NETWORK, runs=1500, sensor=sensor, structure=varied)[0].trace.total_w[50:-50]
    assert one.std() < 1e-3 * one.mean()
    assert 0.015 < two.std() / two.mean() < 0.035


def test_layers_may_be_stamped_as_they_end() -> None:
    structure = replace(Structure.easy(), stamps="sequence")
    timeline = simulate(NETWORK, runs=50, structure=structure)[0].timeline
    assert timeline.stamp_kind == "layer-end"
    assert timeline.stamp_s is not None
    gap = 5e-6 * np.array([1, 1, 0])  # none behind the view, which launches nothing
    np.testing.assert_allclose(
        np.diff(timeline.stamp_s, axis=1), timeline.duration_s[:, 1:] + gap, atol=1e-9
    )
    assert (timeline.stamp_s[:, -1] < timeline.run_end_s).all()


def test_a_governor_moves_the_clock_in_steps() -> None:
    steady = simulate(NETWORK, runs=4000, structure=Structure.easy())[0].timeline
    structure = replace(Structure.easy(), governor_steps=2)
    stepped = simulate(NETWORK, runs=4000, structure=structure)[0].timeline
    usual = [np.median(part) for part in np.array_split(steady.duration_s.sum(axis=1), 20)]
    moved = [np.median(part) for part in np.array_split(stepped.duration_s.sum(axis=1), 20)]
    assert np.ptp(np.log(usual)) < 0.02
    assert np.ptp(np.log(moved)) > 0.05


def test_an_ideal_sensor_sees_the_energy_of_the_whole_session() -> None:
    """Windows without holes add up: mean power of all conversions is the session's."""
    sensor = SensorModel(window_s=1e-3, period_s=1e-3, lag_s=0.0, poll_hz=1000.0).ideal()
    structure = replace(Structure.easy(), schedule="back-to-back", host_gap_s=0.0, callback_s=0.0)
    recording, truth = simulate(NETWORK, runs=3000, sensor=sensor, structure=structure)
    timeline = recording.timeline
    assert timeline.run_start_s is not None
    busy = (recording.trace.time_s > timeline.run_start_s[0] + 2e-3) & (
        recording.trace.time_s < timeline.run_end_s[-1]
    )
    call = float(np.mean(timeline.run_end_s - timeline.run_start_s))
    mean = float(recording.trace.total_w[busy].mean())
    assert mean == pytest.approx(truth.network_energy_j / call, rel=5e-3)


def test_a_smoothing_rail_only_delays_energy() -> None:
    """After a step long past, smoothed energy lags by power times the time constant."""
    steps = [(np.array([0.0, 1.0, 2.0]), np.array([0.0, 5.0]))]
    plain = smoothed_energy(steps, np.array([0.5, 2.0]), 0.0)
    smooth = smoothed_energy(steps, np.array([0.5, 2.0]), 1e-2)
    assert plain.tolist() == [0.0, 5.0]
    assert smooth[1] == pytest.approx(5.0 - 5.0 * 1e-2)


def test_values_come_in_steps_of_eight_milliamperes_and_millivolts() -> None:
    trace = simulate(NETWORK, runs=200)[0].trace
    for values in (trace.currents_a["VDD_IN"], trace.voltages_v["VDD_IN"]):
        np.testing.assert_allclose(values / 8e-3, np.rint(values / 8e-3), atol=1e-6)


def test_full_structure_adds_drift_and_stamp_errors() -> None:
    easy, _ = simulate(NETWORK, runs=3000, sensor=IDEAL, structure=Structure.easy())
    full, _ = simulate(NETWORK, runs=3000, sensor=IDEAL, structure=Structure.full())
    assert easy.idle_after is not None
    assert full.idle_after is not None
    assert easy.idle_before is not None
    rise = full.idle_after.total_w.mean() - easy.idle_after.total_w.mean()
    assert rise == pytest.approx(0.25, rel=0.1)
    assert full.timeline.duration_s.sum(axis=1).std() > easy.timeline.duration_s.sum(axis=1).std()


def test_locked_runs_start_at_a_constant_distance() -> None:
    structure = replace(Structure.easy(), schedule="locked", pause_s=6.6e-3)
    recording, _ = simulate(NETWORK, runs=100, structure=structure)
    assert recording.timeline.run_start_s is not None
    np.testing.assert_allclose(np.diff(recording.timeline.run_start_s), 6.6e-3, atol=1e-9)


def test_waves_make_time_move_in_steps() -> None:
    """One thread block more than fits starts another wave; most growth costs nothing."""
    device = SimulatedDevice.draw(0, layer_spread=0.0)
    times = []
    for channels in range(64, 513, 32):
        network = Network("n", (conv("x", channels, 14),), Source("t", "t"))
        times.append(float(true_costs(network, device).runtime_s[0]) / channels**2)
    growth = np.diff(times)
    assert (growth > 0).any()
    assert (growth < 0).any()


def test_phases_of_a_layer_average_to_its_power() -> None:
    costs = true_costs(NETWORK, SimulatedDevice.draw(3))
    np.testing.assert_allclose(costs.phase_share.sum(axis=1), 1.0)
    np.testing.assert_allclose((costs.phase_share * costs.phase_factor).sum(axis=1), 1.0)
    assert (costs.power_w >= costs.idle_power_w).all()
    np.testing.assert_allclose(costs.energy_j, costs.power_w * costs.runtime_s)


def test_unknown_boards_and_no_runs_are_refused() -> None:
    with pytest.raises(UsageError, match="no simulated board"):
        SimulatedDevice.draw(0, "toaster")
    with pytest.raises(UsageError, match="at least one run"):
        simulate(NETWORK, runs=0)
