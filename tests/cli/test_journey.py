"""One whole journey: record a simulated board, attribute, build a data set, train, predict."""

import csv
import json
from pathlib import Path

import pytest

from edgeprofiler.core.profile.document import read_profile

NETWORKS = ("alexnet", "squeezenet1_1", "resnet18")


@pytest.mark.slow
def test_from_a_recording_to_a_prediction_of_another_network(cli, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("pyarrow")
    recordings, profiles = tmp_path / "recordings", tmp_path / "profiles"
    profiles.mkdir()
    ran = cli(
        "collect", *(f"zoo:{name}" for name in NETWORKS), "--sensor", "sim", "--runner", "sim",
        "--device", "jetson-orin-nano", "--runs", "4000", "--idle", "5", "-o", recordings,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    for name in NETWORKS:
        assert cli("qa", recordings / name).code == 0
        saved = profiles / f"{name}.json"
        assert cli("attribute", recordings / name, "--json", saved).code == 0
        profile = read_profile(saved)
        assert profile.simulated
        assert profile.origin.kind == "measured"
        assert profile.totals.energy_j.known
    data = tmp_path / "data"
    assert cli("dataset", "build", *sorted(profiles.iterdir()), "-o", data).code == 0
    assert cli("dataset", "describe", data).code == 0
    predictor = tmp_path / "predictor"
    assert cli("train", data, "--recipe", "hybrid", "-o", predictor).code == 0
    options = ("--predictor", predictor, "-d", "jetson-orin-nano")
    ran = cli("predict", "zoo:vgg11", *options, "--json", "-", "--csv", tmp_path / "vgg11.csv")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert document["origin"]["by"].startswith("trained")
    assert all(layer["runtime_s"] >= 0 for layer in document["layers"])
    assert len(list(csv.DictReader((tmp_path / "vgg11.csv").open()))) == len(document["layers"])
    assert cli("compare", profiles / "resnet18.json", profiles / "alexnet.json").code == 0
