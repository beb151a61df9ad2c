"""Where a sensor's window lies is found from afar, whatever the shape of what it integrates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.fit import fit
from edgeprofiler.measurement.attribution.prior import Prior
from edgeprofiler.measurement.attribution.problem import Mixture, Samples
from edgeprofiler.measurement.attribution.runs import RunTimes
from edgeprofiler.measurement.attribution.search import (
    Place,
    coarse,
    finest,
    simplest,
    with_pauses,
)
from edgeprofiler.measurement.attribution.timing import Timing
from edgeprofiler.measurement.recording import Timeline

POWER = np.array([5.0, 1.5, 6.5, 4.0, 2.0, 5.5, 3.0, 6.0])


def problem(timing: Timing, *, seed: int = 0, noise_w: float = 0.05, count: int = 4000) -> Mixture:
    """Conversions every 6.6 ms of runs of eight layers, as a sensor of that timing gives them."""
    rng = np.random.default_rng(seed)
    duration = rng.uniform(30e-6, 250e-6, 8) * np.exp(rng.normal(0, 0.05, (8000, 8)))
    gap = timing.gap_s * 8
    pause = 3e-3 * np.exp(rng.normal(0, 0.15, 8000))
    end = np.cumsum(duration.sum(axis=1) + gap + pause)
    runs = RunTimes.of(Timeline(tuple("abcdefgh"), duration, end))
    ends = float(runs.end_s[10]) + 6.6e-3 * np.arange(count)
    ends = ends[ends < runs.end_s[-10]]
    samples = Samples(ends, np.zeros(ends.size))
    known = None if timing.gap_s else np.zeros(8)
    prior = Prior(["conv"] * 8, runs.mean_s, 4.0)
    empty = Mixture(runs, known, samples, prior, 5.0, 4.0, (0.0, float(runs.end_s[-1])), 0.0)
    power = np.concatenate([POWER, [1.0, 0.4]])
    above = empty.predicted(timing, empty.energy(timing, power), 0.0)
    return empty.with_samples(Samples(ends, above + rng.normal(0, noise_w, ends.size)))


def long_layers(*, dip: float, follows: float = 0.0, seed: int = 0) -> tuple[Mixture, FloatArray]:
    """Conversions of layers that outlast the window and draw less in their first tenth.

    Power goes with some power of a clock that moves, if `follows` says so.
    """
    rng = np.random.default_rng(seed)
    usual = np.array([3.1e-3, 0.06e-3, 1.7e-3, 0.4e-3, 2.4e-3, 0.1e-3])
    duration = usual * np.exp(rng.normal(0, 0.05, (3000, 6)))
    end = np.cumsum(duration.sum(axis=1) + rng.uniform(0.5e-3, 6e-3, 3000))
    parts = np.stack([0.1 * duration, 0.9 * duration], axis=2).reshape(3000, 12)
    power = np.array([5.0, 1.5, 6.5, 4.0, 3.0, 5.5])
    inner = np.stack([dip * power, (power - 0.1 * dip * power) / 0.9], axis=1).ravel()
    timing = Timing(1.1e-3, 0.4e-3)
    made = []
    for length, names in ((parts, "abcdefghijkl"), (duration, "abcdef")):
        runs = RunTimes.of(Timeline(tuple(names), length, end))
        if follows:
            clock = np.repeat([0.15, -0.12, 0.05, -0.08], 750)
            runs = replace(runs, clock=clock)
        ends = np.arange(float(runs.end_s[3]), float(runs.end_s[-3]), 6.6e-3)
        prior = Prior(["conv"] * len(names), runs.mean_s, 4.0)
        empty = Samples(ends, np.zeros(ends.size))
        span = (0.0, float(runs.end_s[-1]))
        made.append(Mixture(runs, np.zeros(len(names)), empty, prior, 5.0, 4.0, span, 0.0))
    true, task = made
    true.follows = follows  # keeps the layers' means
    above = true.predicted(timing, true.energy(timing, np.append(inner, [0.4, 0.4])), 0.0)
    noise = rng.normal(0, 0.05, above.size)
    return task.with_samples(Samples(task.samples.end_s, above + noise)), power


def test_layers_that_start_up_slowly_are_not_taken_for_a_rail_nor_for_another_lag() -> None:
    task, power = long_layers(dip=0.5)
    places = finest(task, coarse(task, 6.6e-3))
    assert places[0].timing.time_constant_s == 0
    assert places[0].timing.lag_s == pytest.approx(0.4e-3, abs=60e-6)
    found = fit(task, places[0].timing, ("lag_s", "window_s"), rounds=8, texture=True)
    assert found.timing.lag_s == pytest.approx(0.4e-3, abs=10e-6)
    error = np.sqrt(np.diag(found.covariance))[:6]
    assert np.abs((found.mean_w[:6] - power) / error).max() < 3.5


def test_power_within_long_layers_follows_the_clock_too() -> None:
    task, power = long_layers(dip=0.2, follows=1.5)
    found = fit(task, Timing(1.1e-3, 0.4e-3), ("lag_s", "window_s"), rounds=8, texture=True)
    error = np.sqrt(np.diag(found.covariance))[:6]
    assert float(found.residual.std()) < 0.06  # 0.05 were drawn
    assert np.abs((found.mean_w[:6] - power) / error).max() < 3.5


def test_power_that_follows_the_clock_is_found_without_being_told_how() -> None:
    task, timing = problem(Timing(1.1e-3, 0.4e-3)), Timing(1.1e-3, 0.4e-3)
    steps = np.repeat([0.0, 0.15, -0.1, 0.05], len(task.runs) // 4)
    clock = steps - steps.mean()
    task.runs = replace(task.runs, clock=clock)
    run = np.searchsorted(task.runs.end_s, task.samples.end_s)
    busy = task.shares(timing, 0.0)[:, :8] @ POWER
    moved = task.samples.above_w + busy * (np.exp(1.7 * clock[run]) - 1)
    followed = task.with_samples(Samples(task.samples.end_s, moved))
    found = fit(followed, timing, ("lag_s", "window_s"), rounds=5)
    mean = float(np.average(np.exp(1.7 * clock), weights=task.runs.total_s))
    error = np.sqrt(np.diag(found.covariance))[:8]
    assert found.timing.lag_s == pytest.approx(0.4e-3, abs=10e-6)
    assert np.abs((found.mean_w[:8] - mean * POWER) / error).max() < 3.5


def layers(found: FloatArray) -> FloatArray:
    return found[:8]


@pytest.mark.parametrize(
    "timing",
    [
        Timing(1.1e-3, 0.4e-3),
        Timing(1.1e-3, 3.2e-3),
        Timing(0.588e-3, -0.5e-3),
        Timing(5e-3, 0.2e-3),
        Timing(1.1e-3, 0.3e-3, time_constant_s=1e-3),
    ],
    ids=["usual", "late", "short", "long", "rail"],
)
def test_window_lag_and_rail_are_found(timing: Timing) -> None:
    task = problem(timing)
    place = finest(task, coarse(task, 6.6e-3))[0]
    found = place.timing
    assert found.lag_s == pytest.approx(timing.lag_s, abs=40e-6)
    assert found.window_s == pytest.approx(timing.window_s, abs=60e-6)
    assert (found.time_constant_s > 0) == (timing.time_constant_s > 0)
    names = ("lag_s", "window_s") + (("time_constant_s",) if found.time_constant_s else ())
    best = fit(task, found, names, rounds=8)
    assert best.timing.window_s == pytest.approx(timing.window_s, abs=15e-6)
    error = np.sqrt(np.diag(best.covariance))[:8]
    assert np.abs(layers(best.mean_w) - POWER).max() < 4 * error.max()
    assert np.abs((layers(best.mean_w) - POWER) / error).max() < 4


def test_places_that_leave_hardly_more_than_the_best_are_given_to_be_fitted() -> None:
    """In noise the best place is often a layer off; the right one is beside it."""
    for seed in range(3):
        task = problem(Timing(2.2e-3, 0.4e-3), seed=seed, noise_w=0.4, count=1500)
        places = finest(task, coarse(task, 6.6e-3))
        assert min(abs(place.timing.lag_s - 0.4e-3) for place in places) < 60e-6
        assert places == sorted(places, key=lambda place: place.left)


@pytest.mark.slow
def test_a_mean_of_several_conversions_is_found_where_the_settings_do_not_say_so() -> None:
    timing = Timing(1.1e-3, 0.4e-3, averaged=4, spacing_s=6.6e-3)
    task = problem(timing, count=2500)
    # values come every 26.4 ms only
    some = task.with_samples(task.samples.take(np.arange(0, len(task.samples), 4)))
    found = finest(some, coarse(some, 26.4e-3))[0].timing
    assert found.averaged == 4
    assert found.window_s == pytest.approx(1.1e-3, abs=0.1e-3)


def test_pauses_between_layers_are_fitted() -> None:
    task = problem(Timing(1.1e-3, 0.4e-3, gap_s=5e-6))
    plain = finest(task, coarse(task, 6.6e-3))[0]
    place = with_pauses(task, plain.timing, 10e-6, 6.6e-3)[0]
    assert place.timing.gap_s == pytest.approx(5e-6, abs=2.5e-6)
    best = fit(task, place.timing, ("lag_s", "window_s", "gap_s"), rounds=8)
    assert best.timing.gap_s == pytest.approx(5e-6, abs=1.5e-6)


@pytest.mark.parametrize("seed", [3, 5])
def test_pauses_between_many_short_layers_are_found_among_many_minima(seed: int) -> None:
    """What is left has a minimum where layers fall on others, or pauses look like a rail."""
    rng = np.random.default_rng(seed)
    usual = rng.uniform(10e-6, 40e-6, 40)
    duration = usual * np.exp(rng.normal(0, 0.05, (6000, 40)))
    end = np.cumsum(duration.sum(axis=1) + 40 * 6.7e-6 + rng.uniform(1e-3, 5e-3, 6000))
    names = tuple(str(number) for number in range(40))
    runs = RunTimes.of(Timeline(names, duration, end))
    ends = np.arange(float(runs.end_s[3]), float(runs.end_s[-3]), 6.6e-3)
    samples = Samples(ends, np.zeros(ends.size))
    prior = Prior(["conv"] * 40, runs.mean_s, 4.0)
    task = Mixture(runs, None, samples, prior, 5.0, 4.0, (0.0, float(end[-1])), 0.0)
    timing = Timing(1.1e-3, 1.2e-3, gap_s=6.7e-6)
    power = np.concatenate([rng.uniform(1.0, 6.0, 40), [1.0, 0.4]])
    above = task.predicted(timing, task.energy(timing, power), 0.0)
    task = task.with_samples(Samples(ends, above + rng.normal(0, 0.07, ends.size)))
    plain = finest(task, coarse(task, 6.6e-3))[0]
    tried = with_pauses(task, plain.timing, 12e-6, 6.6e-3)
    names = ("lag_s", "window_s", "gap_s")
    best = max(
        (fit(task, place.timing, names, rounds=8) for place in tried),
        key=lambda found: found.log_likelihood,
    )
    assert best.timing.gap_s == pytest.approx(6.7e-6, abs=0.5e-6)


def test_no_fit_makes_pauses_longer_than_the_call_leaves_room_for() -> None:
    task = problem(Timing(1.1e-3, 0.4e-3, gap_s=5e-6))
    task.runs = replace(task.runs, spare_s=8 * 4e-6)
    best = fit(task, Timing(1.1e-3, 0.4e-3, gap_s=3e-6), ("lag_s", "gap_s"), rounds=6)
    assert best.timing.gap_s == pytest.approx(4e-6)


def test_a_window_alone_is_preferred_unless_a_rail_leaves_clearly_less() -> None:
    alone, rail = Timing(1.1e-3), Timing(1.1e-3, time_constant_s=1e-3)
    assert simplest([Place(1.0, rail), Place(1.01, alone)]).timing == alone
    assert simplest([Place(1.0, rail), Place(1.5, alone)]).timing == rail


def test_fits_tell_their_timing_s_error_and_their_noise() -> None:
    task = problem(Timing(1.1e-3, 0.4e-3), noise_w=0.08)
    best = fit(task, Timing(1.1e-3, 0.4e-3), ("lag_s", "window_s"), rounds=4)
    assert set(best.timing_error) == {"lag_s", "window_s"}
    assert abs(best.timing.lag_s - 0.4e-3) < 4 * best.timing_error["lag_s"]
    assert best.noise.sensor_w == pytest.approx(0.08, rel=0.1)
    assert best.noise.common < 0.004


def test_more_conversions_make_errors_smaller_as_they_should() -> None:
    task = problem(Timing(1.1e-3, 0.4e-3))
    quarter = task.with_samples(task.samples.some(len(task.samples) // 4))
    errors = [
        np.sqrt(np.diag(fit(part, Timing(1.1e-3, 0.4e-3), ("lag_s",), rounds=4).covariance))[:8]
        for part in (task, quarter)
    ]
    assert np.median(errors[1] / errors[0]) == pytest.approx(2.0, rel=0.15)


def test_power_that_varies_within_layers_is_seen_and_absent_where_it_does_not() -> None:
    task = problem(Timing(1.1e-3, 0.4e-3), noise_w=0.02)
    start = Timing(1.1e-3, 0.4e-3)
    plain = fit(task, start, ("lag_s", "window_s"), rounds=4, texture=True)
    assert plain.texture_w == 0.0
    waves = task.texture(start, np.full(8, 2))
    rng = np.random.default_rng(5)
    rough = task.samples.above_w + waves @ rng.normal(0, 1.0, waves.shape[1])
    varied = task.with_samples(Samples(task.samples.end_s, rough))
    seen = fit(varied, start, ("lag_s", "window_s"), rounds=4, texture=True)
    assert 0.2 < seen.texture_w < 3.0
    blind = fit(varied, start, ("lag_s", "window_s"), rounds=4)
    assert np.abs(seen.mean_w[:8] - POWER).mean() < np.abs(blind.mean_w[:8] - POWER).mean()


@pytest.mark.parametrize("rail", [0.0, 0.5e-3])
@pytest.mark.parametrize("gap", [0.0, 5e-6])
def test_slopes_are_what_predictions_change_by(gap: float, rail: float) -> None:
    timing = Timing(1.1e-3, 0.4e-3, gap_s=gap, time_constant_s=rail)
    task = problem(timing, count=1500)
    task.gap_s = None
    power = np.concatenate([POWER, [1.0, 0.4]])
    steps = {"lag_s": 1e-6, "window_s": 1e-6, "gap_s": 0.1e-6, "drift_s": 1e-6, "bend_s": 1e-6}
    found = task.slopes(task.edges(timing, power, 0.0), tuple(steps), steps, 0.0)
    here = task.predicted(timing, task.energy(timing, power), 0.0)
    for column, (name, step) in enumerate(steps.items()):
        moved = timing.with_values({name: getattr(timing, name) + step})
        there = task.predicted(moved, task.energy(moved, power), 0.0)
        change = (there - here) / step
        off = np.sqrt(np.mean((found[:, column] - change) ** 2) / np.mean(change**2))
        assert off < 0.12


def test_halves_of_a_session_are_what_fits_of_either_say() -> None:
    task, timing = problem(Timing(1.1e-3, 0.4e-3)), Timing(1.1e-3, 0.4e-3)
    whole = fit(task, timing, (), rounds=3)
    parts = np.array_split(np.arange(len(task.samples)), 2)
    for part, (information, moment) in zip(parts, whole.halves, strict=True):
        alone = fit(task.with_samples(task.samples.take(part)), timing, (), rounds=3)
        power = np.linalg.solve(information, moment) + whole.centre_w
        plain = np.linalg.solve(alone.information, alone.moment) + alone.centre_w
        error = np.sqrt(np.diag(np.linalg.inv(alone.information)))
        # a half alone has a drift and a noise of its own
        assert np.abs((power - plain) / error).max() < 0.8
