"""A recording is opened by its folder, in our layout or the reference's, or is open already."""

from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.measurement.recording import Recording, save_recording, write_reference
from edgeprofiler.measurement.recording.opening import open_recording
from edgeprofiler.measurement.simulator import simulate
from edgeprofiler.reading.read import read


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate(read("zoo:lenet"), runs=20)[0]


def test_either_layout_is_found(recording: Recording, tmp_path: Path) -> None:
    save_recording(recording, tmp_path / "ours")
    write_reference(recording, tmp_path / "theirs")
    assert open_recording(tmp_path / "ours").timeline.runs == 20
    assert open_recording(str(tmp_path / "theirs")).timeline.runs == 20
    assert open_recording(recording) is recording


def test_a_recording_is_of_one_model(recording: Recording, tmp_path: Path) -> None:
    save_recording(recording, tmp_path)
    for given in (tmp_path, recording):
        with pytest.raises(UsageError, match="`model` chooses one of a raw layout"):
            open_recording(given, "x")


def test_what_is_no_recording_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such folder"):
        open_recording(tmp_path / "none")
    with pytest.raises(InvalidInput, match="is no recording"):
        open_recording(tmp_path)
