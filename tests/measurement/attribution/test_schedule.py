"""Shares of windows: against plain sums over layers and runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.runs import RunTimes
from edgeprofiler.measurement.attribution.schedule import Schedule, windows
from edgeprofiler.measurement.attribution.timing import Timing
from edgeprofiler.measurement.recording import Timeline


def made(
    seed: int, runs: int = 40, layers: int = 5, gap_s: float = 0.0, tau: float = 0.0,
    factor: FloatArray | None = None,
) -> Schedule:  # fmt: skip
    rng = np.random.default_rng(seed)
    duration = rng.uniform(10e-6, 300e-6, (runs, layers))
    pause = rng.uniform(50e-6, 2e-3, runs)
    end = np.cumsum(duration.sum(axis=1) + layers * gap_s + pause)
    timeline = Timeline(tuple("abcdefgh"[:layers]), duration, end)
    return Schedule(
        RunTimes.of(timeline), np.full(layers, gap_s), time_constant_s=tau, factor=factor
    )


def brute(schedule: Schedule, times: FloatArray) -> FloatArray:
    """How long each state had lasted, by summing over all runs and layers."""
    runs, layers = schedule.runs, schedule.layers
    result = np.zeros((times.size, layers + 2))
    for run in range(len(runs)):
        at = schedule.start_s[run]
        for layer in range(layers):
            length = runs.duration_s[run, layer]
            result[:, layer] += np.clip(times - at, 0, length)
            at += length
            result[:, layers] += np.clip(times - at, 0, schedule.gap_s[layer])
            at += schedule.gap_s[layer]
    result[:, layers + 1] = times - schedule.start_s[0] - result[:, : layers + 1].sum(axis=1)
    return result


@given(seed=st.integers(0, 50), gap_us=st.sampled_from([0.0, 4.0]))
def test_states_last_as_a_plain_sum_says(seed: int, gap_us: float) -> None:
    schedule = made(seed, gap_s=gap_us * 1e-6)
    times = np.random.default_rng(seed).uniform(schedule.start_s[0], schedule.runs.end_s[-1], 60)
    np.testing.assert_allclose(schedule.lasted(times), brute(schedule, times), atol=1e-12)


def test_shares_of_a_window_sum_to_one() -> None:
    schedule = made(3, gap_s=4e-6, tau=0.5e-3)
    ends = np.linspace(schedule.start_s[5], schedule.runs.end_s[-2], 300)
    shares = windows(schedule.lasted, ends, 1.1e-3, [(1.0, 0.0)])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-9)
    assert shares.min() > -1e-9


def test_a_blur_is_the_mean_over_all_ends_of_runs_within_it() -> None:
    schedule, blur = made(4), 30e-6
    times = np.random.default_rng(1).uniform(schedule.start_s[2], schedule.runs.end_s[-2], 200)
    shifts = (np.arange(4000) + 0.5) / 4000 * 2 * blur - blur
    plain = np.mean([brute(schedule, times + shift) for shift in shifts[::40]], axis=0)
    blurred = schedule.lasted(times, blur)
    np.testing.assert_allclose(blurred, plain, atol=0.3e-6)


def test_behind_a_rail_a_window_sees_what_a_filtered_signal_holds() -> None:
    tau, step = 0.4e-3, 1e-6
    schedule = made(5, runs=12, gap_s=3e-6, tau=tau)
    times = np.arange(schedule.start_s[0], schedule.runs.end_s[-1], step)
    plain = made(5, runs=12, gap_s=3e-6)
    on = np.diff(plain.lasted(times), axis=0) / step
    level = np.zeros_like(on)
    keep = np.exp(-step / tau)
    state = np.zeros(on.shape[1])
    state[-1] = 1.0
    for place, now in enumerate(on):
        state = keep * state + (1 - keep) * now
        level[place] = state
    chosen = np.searchsorted(times, np.linspace(times[4000], times[-10], 40))
    exact = np.diff(schedule.lasted(times[chosen]), axis=0)
    total = np.concatenate([[np.zeros(on.shape[1])], np.cumsum(level, axis=0)]) * step
    np.testing.assert_allclose(exact, np.diff(total[chosen], axis=0), atol=2e-6)


@pytest.mark.parametrize("tau", [0.0, 0.4e-3])
@pytest.mark.parametrize("gap_s", [0.0, 4e-6])
def test_energy_is_what_the_states_lasted_times_their_powers(tau: float, gap_s: float) -> None:
    factor = np.random.default_rng(0).uniform(0.8, 1.2, 40)
    schedule = made(6, gap_s=gap_s, tau=tau, factor=None if tau else factor)
    power = np.array([3.0, 7.0, 5.0, 4.0, 6.0, 2.5, 1.0])
    times = np.random.default_rng(2).uniform(schedule.start_s[3], schedule.runs.end_s[-2], 100)
    energy = schedule.segments.energy(power)
    by_states = schedule.lasted(times) @ power
    difference = energy.until(times) - by_states
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)
    starts = energy.at_starts[3:-1]
    np.testing.assert_allclose(starts, energy.until(schedule.start_s[3:]), atol=1e-9)


def test_power_that_follows_the_clock_counts_with_each_run_s_factor() -> None:
    factor = np.ones(40)
    factor[10] = 2.0
    schedule, plain = made(7, factor=factor), made(7)
    inside = np.array([schedule.start_s[10], schedule.runs.end_s[10]])
    twice = np.diff(schedule.lasted(inside), axis=0)[0]
    once = np.diff(plain.lasted(inside), axis=0)[0]
    np.testing.assert_allclose(twice[:-2], 2 * once[:-2], atol=1e-12)
    np.testing.assert_allclose(twice[-2:], once[-2:], atol=1e-12)


def test_an_averaged_value_is_made_of_windows_one_after_another() -> None:
    timing = Timing(1.1e-3, averaged=4, spacing_s=6.6e-3)
    places = timing.places()
    assert [weight for weight, _ in places] == [0.25] * 4
    assert [shift for _, shift in places] == pytest.approx([0.0, 6.6e-3, 13.2e-3, 19.8e-3])
    late = Timing(1.1e-3, late_s=1.6e-3).places()
    assert sum(weight for weight, _ in late) == pytest.approx(1.0)
    assert np.mean([shift for _, shift in late]) == pytest.approx(0.8e-3)


def test_joined_layers_last_as_long_as_their_members_and_the_gaps_between() -> None:
    schedule = made(8, gap_s=4e-6)
    joined = schedule.runs.joined(np.array([0, 0, 1, 1, 1]), schedule.gap_s)
    assert joined.layers == 2
    np.testing.assert_allclose(joined.total_s, schedule.length_s, atol=1e-12)


def test_split_layers_last_as_long_together_as_before() -> None:
    runs = made(9).runs
    parts = np.array([1, 3, 1, 2, 1])
    split = runs.split(parts)
    assert split.layers == 8
    np.testing.assert_allclose(split.duration_s[:, 1:4].sum(axis=1), runs.duration_s[:, 1])
    np.testing.assert_allclose(split.total_s, runs.total_s)


def test_a_call_bounds_the_pauses_between_layers_where_its_start_is_known() -> None:
    duration = np.full((40, 4), 100e-6)
    end = np.cumsum(np.full(40, 2e-3))
    names = tuple("abcd")
    assert RunTimes.of(Timeline(names, duration, end)).spare_s == np.inf
    called = Timeline(names, duration, end, run_start_s=end - 430e-6)
    assert RunTimes.of(called).spare_s == pytest.approx(30e-6)
    assert RunTimes.of(called).take(np.arange(5)).spare_s == pytest.approx(30e-6)
    disagree = Timeline(names, duration, end, run_start_s=end - 300e-6)
    assert RunTimes.of(disagree).spare_s == np.inf
