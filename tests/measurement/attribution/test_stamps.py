"""What time stamps say of when layers ran."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.stamps import ends_of
from edgeprofiler.measurement.recording import Timeline, stamp_kind

RUNS, LAYERS = 400, 12


def durations(seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    usual = np.exp(rng.normal(np.log(30e-6), 0.7, LAYERS))
    return np.asarray(usual * np.exp(rng.normal(0, 0.05, (RUNS, LAYERS))))


def in_sequence(duration: FloatArray, gap_s: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Stamps of layers as they end, and the ends of runs."""
    start = np.arange(RUNS) * 5e-3
    stamps = start[:, None] + np.cumsum(duration + gap_s, axis=1) - gap_s
    return np.round(stamps, 6), stamps[:, -1]


def in_a_burst(duration: FloatArray, seed: int = 1) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    end = np.arange(RUNS) * 5e-3 + duration.sum(axis=1)
    first = rng.uniform(10e-6, 40e-6, RUNS)
    steps = rng.gamma(4, 18e-6 / 4, duration.shape)
    steps[:, 0] = 0
    return np.round((end + first)[:, None] + np.cumsum(steps, axis=1), 6), end


def test_steps_that_follow_durations_are_ends_and_others_a_burst() -> None:
    duration = durations()
    assert stamp_kind(duration, in_sequence(duration)[0]) == "layer-end"
    assert stamp_kind(duration, in_sequence(duration, 5e-6)[0]) == "layer-end"
    assert stamp_kind(duration, in_a_burst(duration)[0]) == "callback-burst"


def test_layers_of_no_time_and_unknown_durations_decide_nothing() -> None:
    duration = durations()
    stamps, _ = in_sequence(duration)
    duration[:, 4] = 0.0
    duration[::7, 2] = np.nan
    assert stamp_kind(duration, stamps) == "layer-end"
    assert stamp_kind(duration[:, :1], stamps[:, :1]) == "callback-burst"


@pytest.mark.parametrize("gap_s", [0.0, 5e-6])
def test_ends_and_pauses_between_layers_are_read_from_stamps_in_sequence(gap_s: float) -> None:
    duration = durations()
    stamps, end = in_sequence(duration, gap_s)
    names = tuple(map(str, range(LAYERS)))
    found = ends_of(Timeline(names, duration, stamps[:, 0], stamp_s=stamps))
    assert found.kind == "layer-end"
    assert found.gap_s is not None
    np.testing.assert_allclose(found.gap_s[:-1], gap_s, atol=0.3e-6)
    assert found.gap_s[-1] == 0
    # all stamps of a run together are better than the last, which is rounded
    assert np.std(found.end_s - end) < np.std(stamps[:, -1] - end)


def test_pauses_that_are_longer_in_one_run_than_in_the_next_are_read_from_stamps() -> None:
    duration = durations()
    rng = np.random.default_rng(3)
    gap = 5e-6 * np.exp(rng.normal(0, 0.3, RUNS))
    late = rng.normal(0, 5e-6, RUNS)
    stamps, end = in_sequence(duration, gap[:, None])
    names = tuple(map(str, range(LAYERS)))
    stamps = np.round(stamps + late[:, None], 6)
    found = ends_of(Timeline(names, duration, stamps[:, 0], stamp_s=stamps))
    assert found.slack_s is not None
    longer = LAYERS * (gap - np.median(gap))
    assert np.std(found.slack_s - longer) < 0.1 * np.std(longer)
    # the end is that of the pause behind the last layer, but for a constant
    assert np.std(found.end_s - end - late - gap) < 0.7e-6


def test_stamps_that_err_say_nothing_of_pauses_that_do_not_vary() -> None:
    duration = durations()
    stamps, _ = in_sequence(duration, 5e-6)
    names = tuple(map(str, range(LAYERS)))
    stamps = stamps + np.random.default_rng(4).normal(0, 3e-6, stamps.shape)
    found = ends_of(Timeline(names, duration, stamps[:, 0], stamp_s=stamps))
    assert found.slack_s is not None
    assert np.std(found.slack_s) < 2e-6


def test_a_burst_begins_when_the_run_is_over() -> None:
    duration = durations()
    stamps, end = in_a_burst(duration)
    names = tuple(map(str, range(LAYERS)))
    found = ends_of(Timeline(names, duration, stamps[:, -1], stamp_s=stamps))
    assert found.kind == "callback-burst"
    assert found.gap_s is None
    assert np.std(found.end_s - end) < 10e-6
    # an end that the host took after the burst may still be the better one: both are tried
    assert len(found.also_s) == 1
    early = ends_of(Timeline(names, duration, end, stamp_s=stamps))
    assert early.end_s.tolist() == end.tolist()
    assert early.also_s == ()


def test_coarse_clocks_are_known_by_their_steps() -> None:
    duration = durations()
    stamps, end = in_a_burst(duration)
    names = tuple(map(str, range(LAYERS)))

    def resolution(step: float) -> float:
        coarse = np.round(stamps / step) * step
        return ends_of(Timeline(names, duration, end, stamp_s=coarse)).resolution_s

    assert resolution(1e-3) == 1e-3
    assert resolution(1e-5) == 1e-5
    assert resolution(1e-6) == 0.0


def test_without_stamps_there_are_the_runs_ends() -> None:
    duration = durations()
    _, end = in_a_burst(duration)
    found = ends_of(Timeline(tuple(map(str, range(LAYERS))), duration, end))
    assert found.kind == "none"
    assert found.end_s.tolist() == end.tolist()
