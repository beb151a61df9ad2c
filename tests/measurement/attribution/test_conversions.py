"""Distinct conversions behind the polls, and the clock that they keep."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.measurement.attribution.conversions import find_conversions
from edgeprofiler.measurement.recording import PowerTrace


def held(period: float, count: int, poll: float, steps: int = 1000, seed: int = 0) -> tuple:
    rng = np.random.default_rng(seed)
    start = 0.003 + np.arange(count) * period
    value = rng.integers(0, steps, count) * 0.04
    time = np.arange(0, start[-1], poll) + np.abs(
        rng.normal(0, 20e-6, int(np.ceil(start[-1] / poll)))
    )
    index = np.searchsorted(start, time, side="right") - 1
    good = index >= 0
    trace = PowerTrace(time[good], {"r": value[index[good]]}, ("r",))
    return trace, start, value


@pytest.mark.parametrize("period", [6.6e-3, 26.43e-3, 4.1e-3])
def test_the_period_and_phase_of_the_clock_are_found(period: float) -> None:
    trace, start, _ = held(period, 3000, 1 / 750)
    found = find_conversions(trace)
    assert found.clocked
    assert found.period_s == pytest.approx(period, rel=1e-5)
    late = found.time_s - start[np.rint((found.time_s - start[0]) / period).astype(int)]
    assert np.abs(late - late.mean()).max() < 60e-6
    assert abs(late.mean()) < 60e-6


def test_equal_values_in_a_row_are_still_two_conversions() -> None:
    """With ten possible values one change in ten is unseen, but no conversion is lost."""
    trace, _, _ = held(6.6e-3, 3000, 1 / 750, steps=10)
    found = find_conversions(trace)
    assert len(found) > 2980


def test_each_conversion_keeps_its_value() -> None:
    trace, start, value = held(6.6e-3, 2000, 1 / 750)
    found = find_conversions(trace)
    number = np.rint((found.time_s - start[0]) / 6.6e-3).astype(int)
    np.testing.assert_array_equal(found.value_w, value[number])


def test_polls_slower_than_two_a_conversion_give_no_clock() -> None:
    trace, _, _ = held(2e-3, 3000, 1.33e-3)
    found = find_conversions(trace)
    assert not found.clocked
    assert found.period_s == pytest.approx(2e-3, rel=0.1)


def test_a_steady_value_is_one_conversion() -> None:
    time = np.arange(100) * 1e-3
    found = find_conversions(PowerTrace(time, {"r": np.full(100, 4.0)}, ("r",)))
    assert len(found) == 1
    assert np.isnan(found.noise_w)


def test_too_short_a_trace_is_refused() -> None:
    with pytest.raises(InsufficientData, match="fewer than two"):
        find_conversions(PowerTrace(np.array([1.0]), {"r": np.array([2.0])}, ("r",)))


def test_noise_is_told_without_drift() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(4000) * 1e-2
    value = 4 + np.linspace(0, 1, 4000) + rng.normal(0, 0.05, 4000)
    found = find_conversions(PowerTrace(time, {"r": value}, ("r",)))
    assert found.noise_w == pytest.approx(0.05, rel=0.05)
