"""Attribution of simulated recordings: right where it can be, silent where it cannot."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.network import Layer, Network, Source, make_layer
from edgeprofiler.core.profile.document import from_document, to_document
from edgeprofiler.measurement.attribution import Timing, attribute, attribute_with_report
from edgeprofiler.measurement.attribution.attribute import Attribution
from edgeprofiler.measurement.attribution.evidence import why_no_power
from edgeprofiler.measurement.attribution.export import COLUMNS, write_preprocessed
from edgeprofiler.measurement.qa import qa
from edgeprofiler.measurement.recording import PowerTrace, Recording, load_recording, save_recording
from edgeprofiler.measurement.sensors.ina3221 import Ina3221Sensor
from edgeprofiler.measurement.simulator import SensorModel, Structure, Truth, simulate
from edgeprofiler.reading.read import read
from edgeprofiler.testing import write_ina3221_tree


def conv(name: str, channels: int, size: int) -> Layer:
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


VIEW = make_layer(
    name="view", kind="other", op="noop", input_shapes=[(1, 8)], output_shapes=[(1, 8)],
    dtype="fp16",
)  # fmt: skip
NETWORK = Network(
    "six",
    (
        conv("a", 256, 28), conv("b", 128, 56), conv("c", 512, 14), VIEW,
        conv("d", 256, 28), conv("e", 64, 112), conv("f", 512, 14),
    ),
    Source("test", "test"),
)  # fmt: skip
RUNS = 4000


@pytest.fixture(scope="module")
def easy() -> tuple[Recording, Truth]:
    return simulate(NETWORK, runs=RUNS, seed=1)


@pytest.fixture(scope="module")
def found(easy: tuple[Recording, Truth]) -> Attribution:
    return attribute_with_report(easy[0])


def layer_error(found: Attribution, truth: Truth) -> float:
    ran = truth.runtime_s > 0
    wrong = np.abs(found.profile.costs.power_w - truth.power_w)[ran] * truth.runtime_s[ran]
    return float(wrong.sum() / (truth.above_idle_w * truth.runtime_s)[ran].sum())


@pytest.mark.slow
def test_layer_powers_and_timing_are_found(
    easy: tuple[Recording, Truth], found: Attribution
) -> None:
    _, truth = easy
    assert found.report.level == "layers"
    assert layer_error(found, truth) < 0.08
    timing = found.report.timing
    assert timing is not None
    assert timing.window_s == pytest.approx(truth.window_s, rel=0.02)
    assert timing.gap_s == pytest.approx(truth.gap_s, abs=3e-6)
    energy = found.profile.totals.energy_j.value
    assert energy == pytest.approx(truth.network_energy_j, rel=0.005)


@pytest.mark.slow
def test_averaging_is_found_among_the_settings_of_a_real_chip(tmp_path: Path) -> None:
    """The driver of the INA3221 shows them for each chip; the simulator, for its only one."""
    recording, _ = simulate(NETWORK, runs=6000, seed=1, sensor=SensorModel(averaging=4))
    chip = write_ina3221_tree(tmp_path, {recording.trace.total_rails[0]: (5000, 1000)})
    (chip / "samples").write_text("4\n")
    real = replace(recording, sensor_settings=Ina3221Sensor(root=str(tmp_path)).settings())
    one, two = attribute_with_report(recording).report, attribute_with_report(real).report
    assert one.timing is not None
    assert one.timing.averaged == 4
    assert two == one


@pytest.mark.slow
def test_errors_are_honest(easy: tuple[Recording, Truth], found: Attribution) -> None:
    _, truth = easy
    costs = found.profile.costs
    assert costs.standard_error_w is not None
    alone = np.array([name == "samples" for name in costs.known_by])
    score = (costs.power_w - truth.power_w)[alone] / costs.standard_error_w[alone]
    assert (np.abs(score) < 3).all()


@pytest.mark.slow
def test_the_profile_adds_up_and_survives_being_written(found: Attribution) -> None:
    profile = found.profile
    totals = profile.totals
    parts = np.nansum(profile.costs.energy_j) + profile.fixed.energy_j + profile.host_gap.energy_j
    assert totals.energy_j.value == pytest.approx(parts, rel=1e-9)
    assert totals.energy_j.low < totals.energy_j.value < totals.energy_j.high
    assert from_document(to_document(profile)) == profile
    assert profile.simulated
    assert profile.origin.kind == "measured"


@pytest.mark.slow
def test_a_noop_is_covered_and_costs_nothing(found: Attribution) -> None:
    cost = found.profile[3]
    assert cost.covered
    assert cost.known_by == "noop"
    assert cost.runtime_s.value == 0
    assert cost.energy_j.value == 0


@pytest.mark.slow
def test_known_timing_is_taken_as_it_is(easy: tuple[Recording, Truth]) -> None:
    recording, truth = easy
    timing = Timing(truth.window_s, truth.lag_s - 15e-6, truth.gap_s)
    found = attribute_with_report(recording, timing=timing)
    assert found.report.timing_error == {}
    assert found.report.timing == timing
    assert layer_error(found, truth) < 0.06
    assert "timing given" in "\n".join(found.report.lines())


def test_runs_locked_to_the_sensor_get_no_power() -> None:
    recording, _ = simulate(
        NETWORK, runs=3000, sensor=SensorModel(clock_ppm=0.0),
        structure=Structure(schedule="locked", duration_jitter=0.0),
    )  # fmt: skip
    found = attribute_with_report(recording)
    assert found.report.level == "runtimes"
    assert np.isnan(found.profile.costs.power_w).all()
    assert any("locked" in warning for warning in found.profile.warnings)
    assert np.isfinite(found.profile.totals.runtime_s.value)


@pytest.mark.slow
def test_stamps_off_by_more_than_a_layer_give_the_network_only() -> None:
    recording, truth = simulate(NETWORK, runs=RUNS, structure=Structure(stamp_jitter_s=200e-6))
    found = attribute_with_report(recording)
    assert found.report.level == "network"
    assert set(found.profile.costs.known_by) == {"network", "noop"}
    total = found.profile.totals.energy_j
    half = (total.high - total.low) / 2
    assert abs(total.value - truth.network_energy_j) < 2 * half
    assert any("one power for the network" in text for text in found.report.decisions)


@pytest.mark.slow
def test_stamps_in_milliseconds_give_the_network_only(easy: tuple[Recording, Truth]) -> None:
    recording, _ = easy
    timeline = recording.timeline
    assert timeline.stamp_s is not None
    coarse = replace(
        timeline,
        stamp_s=np.round(timeline.stamp_s, 3),
        run_end_s=np.round(timeline.run_end_s, 3),
        run_start_s=None,
    )
    found = attribute_with_report(replace(recording, timeline=coarse))
    assert found.report.level == "network"
    assert "stamps move in steps of 1 ms" in found.report.decisions[0]


def test_a_few_runs_give_one_power_for_the_network() -> None:
    recording, _ = simulate(NETWORK, runs=20)
    found = attribute_with_report(recording)
    assert found.report.level == "network"
    assert "too few" in found.report.decisions[0]


def test_the_network_method_is_as_asked(easy: tuple[Recording, Truth]) -> None:
    recording, truth = easy
    found = attribute_with_report(recording, "network")
    power = found.profile.costs.power_w[truth.runtime_s > 0]
    assert np.ptp(power) == 0
    mean = truth.energy_j.sum() / truth.runtime_s.sum()
    assert power[0] == pytest.approx(mean, rel=0.1)


def test_a_sensor_whose_value_never_changes_is_refused_as_stuck(
    easy: tuple[Recording, Truth],
) -> None:
    recording, _ = easy
    time = recording.trace.time_s
    stuck = replace(
        recording, trace=PowerTrace(time, {"VDD_IN": np.full(time.size, 5.0)}, ("VDD_IN",))
    )
    with pytest.raises(InsufficientData, match="one and the same value in all"):
        attribute(stuck)


def test_without_a_sensor_there_are_times_only_and_it_is_said(
    easy: tuple[Recording, Truth],
) -> None:
    recording, truth = easy
    silent = replace(
        recording, trace=PowerTrace(np.empty(0), {}, ()), idle_before=None, idle_after=None
    )
    bare = replace(silent, device={**recording.device, "sensor": "none"})
    profile = attribute(bare)
    np.testing.assert_allclose(profile.costs.runtime_s, truth.runtime_s)
    assert profile.costs.covered.all()
    assert np.isnan(profile.totals.energy_j.value)
    assert any("no power sensor" in warning for warning in profile.warnings)
    assert any("gave no reading" in warning for warning in attribute(silent).warnings)


@pytest.fixture
def folder(easy: tuple[Recording, Truth], tmp_path: Path) -> Path:
    """A recording as a collection with a sensor writes it, in many chunks."""
    recording, _ = easy
    timeline, trace = recording.timeline, recording.trace
    some = replace(timeline, duration_s=timeline.duration_s[:50], run_end_s=timeline.run_end_s[:50])
    few = PowerTrace(
        trace.time_s[:99], {rail: w[:99] for rail, w in trace.rails_w.items()}, trace.total_rails
    )
    short = replace(
        recording,
        timeline=replace(some, run_start_s=None, stamp_s=None, stamp_kind="none"),
        trace=few,
        device={**recording.device, "sensor": "ina3221"},
    )
    save_recording(short, tmp_path / "r")
    header = json.loads((tmp_path / "r" / "recording.json").read_text())
    header |= {"runner": "tensorrt", "sensor": "ina3221"}
    (tmp_path / "r" / "recording.json").write_text(json.dumps(header))
    return tmp_path / "r"


def test_runs_that_are_lost_are_not_called_never_collected(folder: Path) -> None:
    """The file and what of it is lost are named."""
    damaged = bytearray((folder / "runs-001.bin").read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (folder / "runs-001.bin").write_bytes(bytes(damaged))
    with pytest.raises(InsufficientData, match=r"runs-001\.bin breaks off after 1 whole chunk: "):
        attribute(load_recording(folder))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "power-001.bin is missing"),
        (lambda path: path.write_bytes(b""), "power-001.bin is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:50]), "power-001.bin breaks off after 0"),
    ],
)
def test_polls_that_are_lost_are_not_called_never_recorded(
    folder: Path, damage: Callable[[Path], object], told: str
) -> None:
    damage(folder / "power-001.bin")
    recording = load_recording(folder)
    warnings = attribute(recording).warnings
    assert any(f"polls of the power sensor are lost ({told}" in text for text in warnings)
    assert not any("no power sensor" in text for text in warnings)
    power = next(c for c in qa(recording).checks if c.name == "power")
    assert told in power.finding


def test_a_sensor_without_a_reading_and_rails_without_a_total_are_told(
    easy: tuple[Recording, Truth],
) -> None:
    recording, _ = easy
    silent = replace(
        recording,
        trace=PowerTrace(np.empty(0), {}, ()),
        idle_after=None,
        device={"sensor": "nvml"},
    )
    assert why_no_power(silent) == "the power sensor nvml gave no reading during the runs"
    rails = replace(recording, trace=replace(recording.trace, total_rails=()))
    assert "do not tell the board's power" in why_no_power(rails)


def test_the_window_rule_is_far_off(easy: tuple[Recording, Truth]) -> None:
    recording, truth = easy
    found = attribute_with_report(recording, "window")
    assert layer_error(replace(found), truth) > 0.15
    assert any("as published" in text for text in found.report.decisions)


def test_layers_without_a_description_are_unknown_but_timed(
    easy: tuple[Recording, Truth],
) -> None:
    profile = attribute(replace(easy[0], network=None), "network")
    assert {layer.op for layer in profile.network.layers} == {"unknown"}
    assert any("shapes of layers are unknown" in text for text in profile.network.warnings)


def test_wrong_words_and_empty_recordings_are_refused(easy: tuple[Recording, Truth]) -> None:
    recording, _ = easy
    with pytest.raises(UsageError, match="no method"):
        attribute(recording, "guess")  # type: ignore[arg-type]
    timeline = recording.timeline
    empty = replace(timeline, duration_s=timeline.duration_s[:0], run_end_s=timeline.run_end_s[:0])
    with pytest.raises(InsufficientData, match="no complete run"):
        attribute(replace(recording, timeline=empty))
    apart = replace(recording.trace, time_s=recording.trace.time_s + 1e6)
    with pytest.raises(InsufficientData, match="one clock"):
        attribute(replace(recording, trace=apart))


def test_the_reference_layout_has_a_row_for_every_layer_of_every_run(tmp_path: Path) -> None:
    recording, _ = simulate(NETWORK, runs=40)
    found = attribute_with_report(recording, "window")
    path = write_preprocessed(recording, found, tmp_path)
    assert path == tmp_path / "preprocessed_data" / "six" / "power_runtime_mapping_layerwise.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 40 * 7
    assert rows[0]["cycle"] == "1"
    assert float(rows[0]["layer_run_time"]) == pytest.approx(
        recording.timeline.duration_s[0, 0] * 1e3, abs=1e-8
    )
    empty = [row for row in rows if not row["layer_power_including_idle_power_micro_watt"]]
    assert empty
    for row in rows:
        if total := row["layer_power_including_idle_power_micro_watt"]:
            above = float(row["layer_power_excluding_idle_power_micro_watt"])
            assert float(total) - above == pytest.approx(found.profile.idle_power_w * 1e6, abs=1)
    assert (path.parent / "trt_engine_info.json").is_file()


@pytest.mark.slow
def test_power_that_varies_within_layers_is_seen_and_errors_allow_for_it() -> None:
    recording, truth = simulate(NETWORK, runs=8000, structure=Structure.full())
    found = attribute_with_report(recording)
    assert found.report.level == "layers"
    assert found.report.within_layer_w > 0
    costs = found.profile.costs
    assert costs.standard_error_w is not None
    ran = truth.runtime_s > 0
    alone = ran & (np.array(costs.known_by) == "samples")
    score = (costs.power_w - truth.power_w)[alone] / costs.standard_error_w[alone]
    assert np.abs(score).max() < 3
    report = found.report.document()
    assert report["timing"]["window_s"] == pytest.approx(1.1e-3, rel=0.05)
    assert "within layers" in "\n".join(found.report.lines())


@pytest.mark.slow
def test_pauses_between_layers_are_found_where_runs_follow_each_other_at_once() -> None:
    structure = Structure(schedule="back-to-back", gap_s=6e-6)
    recording, truth = simulate(read("zoo:resnet18"), runs=10_000, seed=0, structure=structure)
    found = attribute_with_report(recording)
    assert found.report.level == "layers"
    assert layer_error(found, truth) < 0.1  # a lag that is layers off leaves 0.16
    assert found.report.document()["timing"]["gap_s"] == pytest.approx(6e-6, rel=0.2)
