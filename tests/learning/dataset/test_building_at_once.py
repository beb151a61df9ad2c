"""Recordings are attributed by as many processes as one likes, to the same data set."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import edgeprofiler
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.parallel import Workers
from edgeprofiler.measurement.recording import save_recording
from edgeprofiler.measurement.simulator import simulate

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for seed, name in enumerate(("lenet", "alexnet")):
        recording, _ = simulate(edgeprofiler.read(f"zoo:{name}"), runs=60, seed=seed)
        save_recording(recording, folder / name)
    return folder


def test_two_processes_build_the_data_set_of_one(recordings: Path) -> None:
    alone = edgeprofiler.build_dataset(recordings)
    shared = edgeprofiler.build_dataset(recordings, workers=Workers(jobs=2))
    assert shared.data.sha256 == alone.data.sha256
    assert shared.notes == alone.notes


def test_a_recording_that_is_broken_is_named_whoever_reads_it(
    recordings: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(InvalidInput, match=r"bad\.json"):
        edgeprofiler.build_dataset(recordings, bad, workers=Workers(jobs=2))


def test_a_pipe_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "layers.csv")
    with pytest.raises(InvalidInput, match="is not a regular file"):
        edgeprofiler.build_dataset(tmp_path / "layers.csv")
