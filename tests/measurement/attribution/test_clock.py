"""The clock of conversions, from polls that repeat a value and polls that do not."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.clock import ConversionClock, find_clock, fit_knots
from edgeprofiler.measurement.attribution.conversions import converted


def polled(
    period_s: float, poll_s: float, seconds: float = 20.0, *, seed: int = 0, wander_s: float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Polls of a chip whose values are whole steps: their times, values, and the true ticks."""
    rng = np.random.default_rng(seed)
    ticks = 0.3 * period_s + period_s * np.arange(int(seconds / period_s))
    ticks = ticks + wander_s * np.sin(2 * np.pi * ticks / seconds)
    values = rng.integers(100, 110, ticks.size) * 0.04
    time = np.cumsum(poll_s * np.maximum(1 + rng.normal(0, 0.13, int(seconds / poll_s)), 0.3))
    time = time[(time > ticks[0]) & (time < ticks[-1])]
    return time, values[np.searchsorted(ticks, time, side="right") - 1], ticks


def off(clock: ConversionClock, ticks: FloatArray) -> FloatArray:
    """How far the clock's ticks are from the nearest true ones."""
    found = clock.ticks(np.rint(clock.beats(ticks)))
    return np.asarray(found - ticks)


@pytest.mark.parametrize(
    ("period_s", "poll_s"),
    [
        (6.6e-3, 1.33e-3),  # five polls a conversion
        (1.176e-3, 1e-3),  # less than two
        (1.1e-3, 1.1e-3),  # as many polls as conversions
        (6.6e-3, 5e-3),  # two hundred polls a second
        (26.4e-3, 1.33e-3),  # a mean of four
    ],
)
def test_period_and_phase_are_found_to_microseconds(period_s: float, poll_s: float) -> None:
    time, value, ticks = polled(period_s, poll_s)
    clock = find_clock(time, value)
    assert clock is not None
    assert clock.period_s == pytest.approx(period_s, rel=1e-5)
    assert np.abs(off(clock, ticks)).max() < 0.08 * poll_s


def test_odd_polls_shift_no_conversion() -> None:
    """One poll in a hundred is off by one step: a count of changes would never recover."""
    time, value, ticks = polled(6.6e-3, 1.33e-3)
    rng = np.random.default_rng(1)
    odd = value + 0.04 * (rng.random(value.size) < 0.01)
    clock = find_clock(time, odd)
    assert clock is not None
    assert np.abs(off(clock, ticks)).max() < 30e-6
    values = converted(time, odd, clock)
    whole = converted(time, value, clock)
    same = np.isin(np.round(whole.time_s, 6), np.round(values.time_s, 6))
    assert same.mean() > 0.9
    assert (np.abs(values.value - whole.value[same]) > 1e-9).mean() < 0.01


def test_a_clock_that_wanders_is_followed() -> None:
    time, value, ticks = polled(1.176e-3, 1e-3, 60.0, wander_s=0.3e-3)
    clock = find_clock(time, value)
    assert clock is not None
    assert clock.knot_s.size > 2
    assert np.abs(off(clock, ticks)).max() < 50e-6


def test_a_product_of_two_registers_has_the_clock_of_the_one_that_moves_more() -> None:
    time, current, ticks = polled(6.6e-3, 1.33e-3)
    rng = np.random.default_rng(2)
    volts = 5.0 + 0.008 * rng.integers(-2, 3, ticks.size)
    late = np.searchsorted(ticks + 1.1e-3, time, side="right") - 1
    clock = find_clock(time, current * volts[late] / 5.0)
    assert clock is not None
    assert clock.period_s == pytest.approx(6.6e-3, rel=1e-5)
    assert np.abs(off(clock, ticks)).max() < 50e-6


@pytest.mark.parametrize("seed", range(4))
def test_a_sensor_that_converts_at_each_poll_has_no_clock(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.cumsum(1.33e-3 * (1 + rng.normal(0, 0.13, 8000)))
    value = rng.integers(100, 106, time.size) * 0.04
    assert find_clock(time, value) is None


def test_a_value_that_never_moves_has_no_clock() -> None:
    assert find_clock(np.arange(1000) * 1e-3, np.full(1000, 5.0)) is None


def test_one_value_a_conversion_is_what_most_polls_say() -> None:
    clock = ConversionClock(5e-3, 0.0, np.zeros(1), np.zeros(1))
    time = np.array([1e-3, 2e-3, 4e-3, 6e-3, 7e-3, 11e-3, 16e-3, 17e-3])
    value = np.array([1.0, 1.0, 9.0, 2.0, 2.0, 3.0, 4.0, 5.0])
    found = converted(time, value, clock)
    assert found.value.tolist() == [1.0, 2.0, 3.0]  # of the last, two polls disagree
    assert found.time_s.tolist() == [0.0, 5e-3, 10e-3]


def test_polls_at_a_tick_are_left_out_for_they_may_have_seen_either_value() -> None:
    clock = ConversionClock(5e-3, 0.0, np.zeros(1), np.zeros(1))
    time = np.array([1e-3, 5e-3 + 1e-6, 12e-3])
    found = converted(time, np.array([1.0, 2.0, 3.0]), clock)
    assert found.value.tolist() == [1.0, 3.0]


def test_without_a_clock_each_poll_is_a_conversion() -> None:
    time, value = np.arange(5) * 1e-3, np.arange(5.0)
    found = converted(time, value, None)
    assert not found.clocked
    assert found.value.tolist() == value.tolist()
    assert found.period_s == pytest.approx(1e-3)


def test_a_line_takes_no_more_knots_than_it_needs_and_minds_no_outlier() -> None:
    rng = np.random.default_rng(0)
    times, error = np.linspace(0, 1, 60), np.full(60, 0.01)
    straight = 2 * times + rng.normal(0, 0.01, 60)
    straight[17] = 40.0
    knots, value = fit_knots(times, straight, error)
    assert knots.size == 2
    np.testing.assert_allclose(value, [0.0, 2.0], atol=0.02)
    bent, _ = fit_knots(times, np.sin(6 * times), error)
    assert bent.size > 3
