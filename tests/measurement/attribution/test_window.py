"""The published window rule, number for number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.profile import from_document, to_document
from edgeprofiler.measurement.attribution import attribute_with_report, window_powers
from edgeprofiler.measurement.recording import PowerTrace, Recording, SamplerReport, Timeline

NAN = float("nan")


def record(
    polls_us: list[int], watts: list[float], stamps_us: list[list[int]],
    durations_ms: list[list[float]], idle_w: float | None = 5.0,
) -> Recording:  # fmt: skip
    time, power = np.array(polls_us) / 1e6, np.array(watts)
    stamps = np.array(stamps_us) / 1e6
    idle = None
    if idle_w is not None:
        idle = PowerTrace(np.array([-1.0]), {"VDD_IN": np.array([idle_w])}, ("VDD_IN",))
    return Recording(
        name="toy",
        trace=PowerTrace(time, {"VDD_IN": power}, ("VDD_IN",)),
        timeline=Timeline(
            layer_names=tuple(f"l{k}" for k in range(stamps.shape[1])),
            duration_s=np.array(durations_ms) / 1e3,
            run_end_s=stamps[:, 0],
            stamp_s=stamps,
            stamp_kind="callback-burst",
        ),
        idle_before=idle,
        idle_after=None,
        sampler=SamplerReport(1e-3, 0, 0, NAN),
        state_before=None,
        state_after=None,
    )


def test_one_sample_of_5_volts_and_1_1_amperes_gives_5_5_watts_half_above_idle() -> None:
    recording = record([1000], [5000 * 1100 / 1e6], [[1500]], [[1.0]])
    found = attribute_with_report(recording, "window")
    assert found.profile.costs.power_w[0] == 5.5
    assert found.profile.costs.power_w[0] - found.profile.idle_power_w == 0.5


def test_both_ends_of_the_window_count() -> None:
    recording = record([1000, 2000, 2001], [1.0, 3.0, 100.0], [[2000]], [[1.0]])
    found = window_powers(recording)
    assert found.samples[0, 0] == 2
    assert found.power_w[0, 0] == 2.0


def test_a_layer_without_a_sample_has_no_power_not_zero() -> None:
    recording = record([5000], [4.0], [[1000, 5000]], [[0.5, 0.5]])
    found = attribute_with_report(recording, "window")
    assert np.isnan(found.profile.costs.power_w[0])
    assert found.profile.costs.power_w[1] == 4.0
    assert found.profile.costs.known_by == ("", "window")


def test_a_layer_without_a_sample_counts_with_its_time_and_leaves_the_total_s_power_unknown() -> (
    None
):
    """Times add up, and what the layers that have samples need is not said of the whole."""
    recording = record([5000], [4.0], [[1000, 5000]], [[0.5, 0.25]])
    recording = replace(
        recording, timeline=replace(recording.timeline, run_start_s=np.array([-1e-3]))
    )
    found = attribute_with_report(recording, "window")
    profile = found.profile
    assert profile.uncovered == ()
    assert profile.totals.runtime_s.value == pytest.approx(0.75e-3, rel=1e-12)
    assert profile.totals.end_to_end_s.value == pytest.approx(2e-3, rel=1e-12)
    totals = to_document(profile)["totals"]
    for name in ("energy_j", "energy_above_idle_j", "power_w", "power_above_idle_w"):
        assert totals[name] is None
    assert any("1 layers never do: the network's power" in text for text in profile.warnings)
    assert from_document(to_document(profile)) == profile


def test_where_every_layer_has_a_sample_the_network_has_an_energy() -> None:
    recording = record([1000, 5000], [2.0, 4.0], [[1000, 5000, 5000]], [[0.5, 0.25, 0.0]])
    profile = attribute_with_report(recording, "window").profile
    assert profile.totals.energy_j.value == pytest.approx(2e-3, rel=1e-12)


def test_a_true_zero_stays_zero() -> None:
    recording = record([1000], [0.0], [[1000]], [[0.1]])
    assert window_powers(recording).power_w[0, 0] == 0.0
    assert attribute_with_report(recording, "window").profile.costs.power_w[0] == 0.0


def test_agrees_with_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    polls = np.sort(rng.integers(0, 200_000, 300))
    watts = rng.integers(0, 10**7, 300) / 1e6
    stamps = np.sort(rng.integers(1000, 200_000, (60, 4)), axis=1)
    durations = rng.integers(0, 3000, (60, 4)) / 1e3
    recording = record(polls.tolist(), watts.tolist(), stamps.tolist(), durations.tolist())
    found = window_powers(recording)
    micro = np.rint(watts * 1e6)
    for run in range(60):
        for layer in range(4):
            stop = stamps[run, layer]
            start = stop - round(durations[run, layer] * 1000)
            inside = micro[(polls >= start) & (polls <= stop)]
            if inside.size:
                assert found.power_w[run, layer] == inside.sum() / inside.size / 1e6
            else:
                assert np.isnan(found.power_w[run, layer])


def test_layers_average_over_the_runs_that_have_samples() -> None:
    recording = record([1000, 3000], [2.0, 4.0], [[1000], [2000], [3000]], [[0.1], [0.1], [0.1]])
    assert window_powers(recording).layer_power_w.tolist() == [3.0]


def test_without_stamps_ends_are_rebuilt_from_durations() -> None:
    recording = record([900], [2.0], [[1000, 1000]], [[0.2, 0.2]])
    timeline = recording.timeline
    bare = Timeline(timeline.layer_names, timeline.duration_s, timeline.run_end_s)
    found = window_powers(replace(recording, timeline=bare))
    assert found.samples.tolist() == [[0, 1]]
