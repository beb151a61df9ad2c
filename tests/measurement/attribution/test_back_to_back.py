"""Runs without pauses: what cannot be told apart is doubted, and the reader is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from edgeprofiler.measurement.attribution.intervals import LONGEST_GAP_S, Runs

from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.measurement.attribution import attribute_with_report
from edgeprofiler.measurement.attribution.attribute import BACK_TO_BACK
from edgeprofiler.measurement.attribution.fit import Samples
from edgeprofiler.measurement.attribution.timing import Timing
from edgeprofiler.measurement.attribution.whole import whole_power
from edgeprofiler.measurement.recording import Recording, Timeline
from edgeprofiler.measurement.simulator import Structure, Truth, simulate

LAYERS = tuple(
    make_layer(
        name=name, kind="convolutional", op="convolution",
        input_shapes=[(1, channels, size, size)], output_shapes=[(1, channels, size, size)],
        dtype="fp16", weight_elements=9 * channels**2, kernel=(3, 3), stride=(1, 1),
    )
    for name, channels, size in (
        ("a", 256, 28), ("b", 128, 56), ("c", 512, 14), ("d", 256, 28), ("e", 64, 112),
    )
)  # fmt: skip
NETWORK = Network("five", LAYERS, Source("test", "test"))
DENSE = replace(Structure.full(), schedule="back-to-back", idle_s=5.0)


def timeline(pause_s: float, runs: int = 50, layers: int = 4, call_s: float = 60e-6) -> Timeline:
    """Layers of 0.25 ms; each call takes `call_s` longer than its layers."""
    duration = np.full((runs, layers), 0.25e-3)
    length = layers * 0.25e-3 + call_s
    end = np.cumsum(np.full(runs, length + pause_s))
    return Timeline(
        layer_names=tuple("abcdefgh"[:layers]),
        duration_s=duration,
        run_end_s=end,
        run_start_s=end - length,
    )


@pytest.fixture(scope="module")
def dense() -> tuple[Recording, Truth]:
    return simulate(NETWORK, runs=6000, seed=3, structure=DENSE)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 3])
def test_runs_back_to_back_give_no_confident_wrong_number(seed: int) -> None:
    recording, truth = simulate(NETWORK, runs=6000, seed=seed, structure=DENSE)
    found = attribute_with_report(recording)
    assert BACK_TO_BACK in found.report.decisions
    assert BACK_TO_BACK in found.profile.warnings
    costs = found.profile.costs
    assert costs.standard_error_w is not None
    if found.report.level == "layers":
        seconds = truth.runtime_s
        for name in dict.fromkeys(costs.known_by):
            alone = name == "samples"
            chosen = np.array([label == name for label in costs.known_by])
            weight = seconds * chosen
            true = truth.power_w if alone else np.full(5, weight @ truth.power_w / weight.sum())
            score = (costs.power_w - true)[chosen] / costs.standard_error_w[chosen]
            assert np.abs(score).max() < 3
    energy = found.profile.totals.energy_j
    error = (energy.high - energy.low) / 2 / 1.6449
    assert abs(energy.value - truth.network_energy_j) < 2 * error


def test_one_power_of_runs_back_to_back_covers_the_truth(dense: tuple[Recording, Truth]) -> None:
    recording, truth = dense
    found = attribute_with_report(
        replace(
            recording,
            timeline=replace(
                recording.timeline,
                duration_s=recording.timeline.duration_s[:40],
                run_end_s=recording.timeline.run_end_s[:40],
                run_start_s=None,
                stamp_s=None,
            ),
        )
    )
    assert found.report.level == "network"
    assert BACK_TO_BACK in found.report.decisions
    energy = found.profile.totals.energy_j
    assert abs(energy.value - truth.energy_j.sum()) < energy.high - energy.low


def test_pauses_hold_a_window_only_where_one_in_twenty_is_as_long() -> None:
    assert Runs.of(timeline(2e-3)).pauses_hold(1.1e-3)
    assert not Runs.of(timeline(0.2e-3)).pauses_hold(1.1e-3)
    end = timeline(0.2e-3).run_end_s.copy()
    end[25:] += 2e-3  # one long pause among fifty
    assert not Runs.of(replace(timeline(0.2e-3), run_end_s=end)).pauses_hold(1.1e-3)


def test_gaps_are_not_longer_than_the_call_leaves_room_for() -> None:
    runs = Runs.of(timeline(1e-3, call_s=60e-6))
    assert runs.longest_gap_s == pytest.approx(15e-6)
    blocks = runs.grouped(np.array([0, 0, 1, 1]))
    assert blocks.longest_gap_s == runs.longest_gap_s
    unknown = replace(timeline(1e-3), run_start_s=None)
    assert Runs.of(unknown).longest_gap_s == LONGEST_GAP_S


def test_a_pause_that_no_window_sees_has_any_power_up_to_the_lowest_value() -> None:
    runs = Runs.of(timeline(0.2e-3, runs=400))
    end = np.arange(0.01, runs.end_s[-1] - 0.01, 3.3e-3)
    samples = Samples(end, np.full(end.size, 4.0), 5.0)
    whole = whole_power(runs, samples, Timing(1.1e-3), 0.05, trusted=False)
    assert whole.between_w == pytest.approx(2.0, rel=0.01)
    share = 0.26 / 1.26  # of the time between layers
    least, most = 4.0, 4.0 / (1 - share)
    assert whole.run_w - 1.1 * whole.run_error_w < least
    assert whole.run_w + 1.1 * whole.run_error_w > most


def test_the_layers_own_fit_tells_what_pauses_draw_where_no_window_sees_one() -> None:
    runs = Runs.of(timeline(0.2e-3, runs=400))
    end = np.arange(0.01, runs.end_s[-1] - 0.01, 3.3e-3)
    samples = Samples(end, np.full(end.size, 4.0), 5.0)
    whole = whole_power(runs, samples, Timing(1.1e-3), 0.05, trusted=True, pause=(1.0, 0.5))
    assert whole.between_w == 1.0
    assert whole.run_error_w == pytest.approx(0.5 * 0.26, rel=0.05)
