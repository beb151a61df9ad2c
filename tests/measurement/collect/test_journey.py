"""A collection is looked at whole before its first model runs."""

from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.measurement.collect.journey import collect, prepare
from edgeprofiler.measurement.collect.summary import summary
from edgeprofiler.measurement.recording import is_recording
from edgeprofiler.testing import FakeRunner, VirtualClock

SIM = {"sensor": "sim", "runner": "sim", "runs": 20, "idle_s": 1.0}


def test_models_are_recorded_into_a_folder_each(tmp_path: Path) -> None:
    found = collect("zoo:lenet", "zoo:alexnet", output=tmp_path, **SIM)
    assert [recording.name for recording in found] == ["lenet", "alexnet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alexnet", "lenet"]
    facts = summary(tmp_path / "lenet", found[0])
    assert (facts["runs"], facts["complete"], facts["simulated"]) == (20, True, True)
    assert facts["power_w"] > facts["idle_before_w"] > 0


def test_what_is_wrong_with_the_last_model_is_said_before_the_first_runs(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the zoo has no network"):
        collect("zoo:lenet", "zoo:none", output=tmp_path, **SIM)
    assert not list(tmp_path.iterdir())


def test_a_recording_is_yielded_before_the_next_begins(tmp_path: Path) -> None:
    chosen = prepare("zoo:lenet", "zoo:alexnet", output=tmp_path, **SIM)
    first, recording = next(iter(chosen.recordings()))
    assert (first.name, recording.complete) == ("lenet", True)
    assert chosen.place == first
    assert not is_recording(tmp_path / "alexnet")


def test_a_runner_may_be_handed_over(tmp_path: Path) -> None:
    runner = FakeRunner(layer_s=0.01, clock=VirtualClock())
    (recording,) = collect("fake:net", output=tmp_path, sensor="none", runner=runner, runs=5)
    assert recording.timeline.runs == 5
    with pytest.raises(UsageError, match="`batch` means nothing to the runner fake"):
        prepare("fake:net", output=tmp_path, sensor="none", runner=runner, batch=2)


def test_without_a_sensor_it_idles_where_that_is_asked_for(tmp_path: Path) -> None:
    took = []
    for folder, idle_s in (("asked", 40.0), ("not", None)):
        runner = FakeRunner(layer_s=0.01, clock=VirtualClock())
        collect(
            "fake:net", output=tmp_path / folder, sensor="none", runner=runner, runs=5,
            idle_s=idle_s, dither_s=0.0,
        )  # fmt: skip
        took.append(runner.clock.now_s())
    assert took[0] - took[1] == pytest.approx(80.0)


def test_a_resolution_becomes_the_shapes_that_a_runner_takes(tmp_path: Path) -> None:
    chosen = prepare("zoo:lenet", output=tmp_path, resolution=40, **SIM)
    assert chosen.runner.options["shapes"] == {"input": [1, 1, 40, 40]}
    with pytest.raises(UsageError, match="different inputs"):
        prepare("zoo:lenet", "zoo:alexnet", output=tmp_path, resolution=64, **SIM)
    with pytest.raises(UsageError, match="not both"):
        prepare("zoo:lenet", output=tmp_path, resolution=40, shapes={"": (1, 1, 32, 32)}, **SIM)
