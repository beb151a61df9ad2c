"""Shares of integration windows, against a slow but plain calculation."""

from __future__ import annotations

import numpy as np
import pytest
from edgeprofiler.measurement.attribution.design import design, designs
from edgeprofiler.measurement.attribution.intervals import Runs

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.timing import Timing
from edgeprofiler.measurement.recording import Timeline


def some_runs(count: int = 12, seed: int = 1) -> Runs:
    rng = np.random.default_rng(seed)
    duration = rng.uniform(0.1e-3, 0.4e-3, (count, 3))
    end = 0.01 + np.cumsum(duration.sum(axis=1) + 30e-6 + rng.uniform(0, 2e-3, count))
    return Runs.of(Timeline(("a", "b", "c"), duration, end))


def on_a_grid(runs: Runs, gap: float, step: float) -> tuple[FloatArray, FloatArray]:
    """Indicators of a, b, c, gap and pause at the middles of small steps."""
    time = np.arange(-2e-3, runs.end_s[-1] + 5e-3, step)
    state = np.full(time.size, 4)
    for run in range(len(runs)):
        now = runs.end_s[run]
        for layer in (2, 1, 0):
            state[(time >= now - gap) & (time < now)] = 3
            now -= gap
            begin = now - runs.duration_s[run, layer]
            state[(time >= begin) & (time < now)] = layer
            now = begin
    return time, np.eye(5)[state]


@pytest.mark.parametrize("gap", [0.0, 5e-6])
@pytest.mark.parametrize("tau", [0.0, 0.4e-3])
def test_shares_agree_with_a_fine_grid(gap: float, tau: float) -> None:
    runs = some_runs()
    step = 0.2e-6
    time, state = on_a_grid(runs, gap, step)
    if tau:
        level = state[0].copy()
        keep = np.exp(-step / tau)
        smooth = np.empty_like(state)
        for row in range(len(state)):
            level = level * keep + state[row] * (1 - keep)
            smooth[row] = level
        state = smooth
    sums = np.concatenate([np.zeros((1, 5)), np.cumsum(state, axis=0)])
    ends = np.linspace(4e-3, runs.end_s[-1], 40)
    window, lag = 1.1e-3, 0.3e-3
    shares = design(runs, ends, Timing(window, lag, gap, tau))
    last = np.rint((ends - lag - time[0]) / step).astype(int)
    first = np.rint((ends - lag - window - time[0]) / step).astype(int)
    expected = (sums[last] - sums[first]) * step / window
    np.testing.assert_allclose(shares, expected, atol=3e-3)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-9)


def test_cells_of_a_layer_add_up_to_the_layer() -> None:
    runs = some_runs()
    ends = np.linspace(4e-3, runs.end_s[-1], 50)
    timing = Timing(0.7e-3, 0.1e-3, 4e-6, 0.2e-3)
    whole = design(runs, ends, timing)
    cut = design(runs, ends, timing, np.array([2, 1, 3]))
    np.testing.assert_allclose(cut[:, :2].sum(axis=1), whole[:, 0], atol=1e-12)
    np.testing.assert_allclose(cut[:, 3:6].sum(axis=1), whole[:, 2], atol=1e-12)
    np.testing.assert_allclose(cut[:, 6:], whole[:, 3:], atol=1e-12)


def test_an_averaged_value_is_the_mean_of_its_windows() -> None:
    runs = some_runs(30)
    ends = np.linspace(15e-3, runs.end_s[-1], 20)
    single = Timing(1e-3)
    comb = Timing(1e-3, averaged=3, spacing_s=2e-3)
    expected = sum(design(runs, ends - k * 2e-3, single) for k in range(3)) / 3
    np.testing.assert_allclose(design(runs, ends, comb), expected, atol=1e-12)


def test_blur_keeps_shares_whole() -> None:
    runs = some_runs()
    ends = np.linspace(4e-3, runs.end_s[-1], 20)
    blurred = design(runs, ends, Timing(1e-3, blur_s=50e-6))
    np.testing.assert_allclose(blurred.sum(axis=1), 1.0)


def test_layers_that_take_no_time_are_left_out() -> None:
    duration = np.array([[1e-3, 0.0, 2e-3], [1e-3, 0.0, 2e-3]])
    runs = Runs.of(Timeline(("a", "view", "b"), duration, np.array([1.0, 1.01])))
    assert runs.active.tolist() == [0, 2]
    assert runs.layers == 2


@pytest.mark.parametrize("tau", [0.0, 20e-6, 0.4e-3])
def test_designs_together_are_those_one_by_one(tau: float) -> None:
    """Near places share the cells of their runs; far ones, and other gaps, do not."""
    runs, ends = some_runs(60), np.linspace(2e-3, 0.1, 300)
    cells = np.array([3, 1, 4])
    base = Timing(0.5e-3, 0.1e-3, 3e-6, tau)
    timings = [
        base,
        *(base.with_value("lag_s", lag) for lag in (0.15e-3, 0.4e-3, 5e-3, 0.1e-3)),
        *(base.with_value("window_s", window) for window in (0.05e-3, 4e-3)),
        *(base.with_value(name, 20e-6) for name in ("blur_s", "gap_s", "time_constant_s")),
        base,
    ]
    together = list(designs(runs, ends, timings, cells))
    assert len(together) == len(timings)
    for found, timing in zip(together, timings, strict=True):
        np.testing.assert_array_equal(found, design(runs, ends, timing, cells))
        np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("tau", [0.0, 20e-6, 0.4e-3])
def test_cells_of_a_layer_add_up_to_it(tau: float) -> None:
    runs, ends = some_runs(60), np.linspace(2e-3, 0.1, 300)
    timing = Timing(0.5e-3, 0.1e-3, 3e-6, tau)
    whole = design(runs, ends, timing)
    cut = design(runs, ends, timing, np.array([3, 1, 4]))
    added = np.add.reduceat(cut, [0, 3, 4, 8, 9], axis=1)
    np.testing.assert_allclose(added, whole, atol=1e-12)
