"""What an owner measured calibrates the board, whatever form it is in."""

from dataclasses import replace

import pytest
from learning_data import BOARD, NETWORKS, measured

from edgeprofiler import calibrate, load_device, predict, validate
from edgeprofiler.core.errors import InsufficientData, InvalidInput, UsageError
from edgeprofiler.core.profile.document import write_profile
from edgeprofiler.measurement.recording.store import save_recording
from edgeprofiler.measurement.simulator import simulate
from edgeprofiler.reading.read import read


@pytest.fixture(scope="module")
def profiles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profiles")
    for name in NETWORKS:
        found = measured(name)
        label = replace(found.device, name=BOARD, mode="15w", runtime="trtexec")
        write_profile(replace(found, device=label), folder / f"{name}.json")
    return folder


def test_measured_profiles_calibrate_a_board_with_a_name_of_its_own(profiles, tmp_path):
    found = calibrate(profiles, f"{BOARD}@15w", name="my-orin")
    assert [fit.calibration.rows for fit in found.fits] == [len(NETWORKS)]
    path = tmp_path / "mine.toml"
    path.write_text(found.text())
    assert load_device(path).name == "my-orin"
    assert predict("zoo:resnet18", path).device.name == "my-orin"


def test_predictions_are_laid_beside_measured_profiles(profiles):
    found = validate(profiles)
    assert len(found.chosen("runtime")) == len(NETWORKS)
    assert len(found.chosen("power")) == len(NETWORKS)


def test_recordings_are_attributed_first(tmp_path):
    for name in ("lenet", "alexnet"):
        recording, _ = simulate(read(f"zoo:{name}"), runs=300)
        save_recording(recording, tmp_path / name)
    assert len(validate(tmp_path).chosen("runtime")) == 2
    with pytest.raises(InsufficientData, match="2 different networks"):
        calibrate(tmp_path)


def test_profiles_beside_recordings_count_whatever_they_are_called(tmp_path):
    recording, _ = simulate(read("zoo:lenet"), runs=300)
    save_recording(recording, tmp_path / "recorded")
    write_profile(measured(NETWORKS[0]), tmp_path / "0000.json")
    found = validate(tmp_path).chosen("runtime")
    assert sorted(c.row.network for c in found) == sorted(["lenet", NETWORKS[0]])


def test_what_was_not_measured_is_refused(tmp_path):
    write_profile(predict("zoo:lenet"), tmp_path / "p.json")
    with pytest.raises(InvalidInput, match="is predicted by"):
        calibrate(tmp_path / "p.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="holds no measured profile"):
        validate(tmp_path / "empty")
    with pytest.raises(UsageError, match="use letters, digits"):
        calibrate(tmp_path / "p.json", name="a b")
