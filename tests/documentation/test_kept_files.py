"""Files of every schema that was ever written are still read: one kept file each."""

from __future__ import annotations

from pathlib import Path

import pytest
from paths import ROOT

import edgeprofiler
from edgeprofiler.measurement.recording.opening import open_recording

KEPT = ROOT / "tests" / "kept"


@pytest.mark.parametrize("path", sorted(KEPT.glob("profile-*.json")), ids=lambda p: p.stem)
def test_a_kept_profile_is_read(path: Path) -> None:
    profile = edgeprofiler.read_profile(path)
    assert profile.network.name == "lenet"
    assert len(profile.costs.runtime_s) == len(profile.network) > 5
    assert profile.totals.energy_j.value > 0
    assert edgeprofiler.compare(path, path).comparisons


@pytest.mark.parametrize("path", sorted(KEPT.glob("device-*.toml")), ids=lambda p: p.stem)
def test_a_kept_board_is_read(path: Path) -> None:
    device = edgeprofiler.load_device(path)
    assert device.name == "kept-board"
    assert edgeprofiler.predict("zoo:lenet", path).totals.power_w.value > 5.1


@pytest.mark.parametrize("path", sorted(KEPT.glob("recording-*")), ids=lambda p: p.stem)
def test_a_kept_recording_is_read(path: Path) -> None:
    recording = open_recording(path)
    assert recording.network
    assert edgeprofiler.qa(recording).checks


@pytest.mark.parametrize("path", sorted(KEPT.glob("predictor-*")), ids=lambda p: p.stem)
def test_a_kept_predictor_predicts(path: Path) -> None:
    pytest.importorskip("sklearn")
    profile = edgeprofiler.predict("zoo:vgg16", predictor=path)
    assert profile.totals.runtime_s.value > 0


@pytest.mark.parametrize("path", sorted(KEPT.glob("dataset-*")), ids=lambda p: p.stem)
def test_a_kept_dataset_is_read(path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert len(edgeprofiler.build_dataset(path).data.networks) == 6


@pytest.mark.parametrize("path", sorted(KEPT.glob("mask-*.json")), ids=lambda p: p.stem)
def test_a_kept_mask_is_what_advice_writes(path: Path) -> None:
    import json

    document = json.loads(path.read_text())
    assert document["schema"] == f"edgeprofiler.mask/{path.stem.removeprefix('mask-')}"
