"""A simulated board is recorded, judged and attributed from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.measurement.recording import save_recording, write_reference
from edgeprofiler.measurement.simulator import simulate

NETWORK = Network(
    "pair",
    tuple(
        make_layer(
            name=name, kind="convolutional", op="convolution",
            input_shapes=[(1, 256, 28, 28)], output_shapes=[(1, 256, 28, 28)], dtype="fp16",
            weight_elements=589824, kernel=(3, 3), stride=(1, 1),
        )
        for name in ("first", "second")
    ),
    Source("test", "test"),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    recording, _ = simulate(NETWORK, runs=1500, seed=2)
    save_recording(recording, folder / "pair")
    write_reference(recording, folder / "reference")
    return folder


def test_attribute_prints_layers_with_errors_and_what_was_fitted(cli, folder: Path) -> None:
    ran = cli("attribute", str(folder / "pair"))
    assert ran.code == 0
    for text in ("first", "second", "std.", "SIMULATED", "conversions used"):
        assert text in ran.out


def test_attribute_writes_a_profile_and_both_kinds_of_csv(cli, folder: Path, tmp_path) -> None:
    out = tmp_path / "pair.csv"
    ran = cli(
        "attribute", str(folder / "pair"), "--json", "-", "--csv", str(out),
        "--reference-csv", str(tmp_path),
    )  # fmt: skip
    document = json.loads(ran.out)
    assert document["schema"] == "edgeprofiler.profile/2"
    assert document["origin"]["kind"] == "measured"
    assert document["simulated"]
    assert len(out.read_text().splitlines()) == 3
    path = tmp_path / "preprocessed_data" / "pair" / "power_runtime_mapping_layerwise.csv"
    with path.open(newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == 3000


@pytest.mark.parametrize("method", ["window", "network"])
def test_the_reference_layout_is_read(cli, folder: Path, method: str) -> None:
    ran = cli("attribute", str(folder / "reference"), "--method", method, "-q")
    assert ran.code == 0
    assert method in ran.out
    assert cli("qa", str(folder / "reference"), "--model", "pair").code == 0


def test_qa_gives_a_verdict_and_a_picture(cli, folder: Path, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "power.png"
    ran = cli("qa", str(folder / "pair"), "--plot", str(picture), "--json", "-")
    assert ran.code == 0
    verdict = json.loads(ran.out)
    assert verdict["verdict"] in ("good", "doubtful")
    assert {check["name"] for check in verdict["checks"]} >= {"period", "step", "idle", "ticks"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "conversions" in cli("qa", str(folder / "pair")).out


@pytest.mark.parametrize("command", ["attribute", "qa"])
def test_mistakes_are_said_in_one_line(cli, command: str, tmp_path) -> None:
    missing = cli(command, str(tmp_path / "none"))
    assert missing.code == 3
    assert "no such folder" in missing.err
    empty = cli(command, str(tmp_path))
    assert empty.code == 3
    assert "is no recording" in empty.err


@pytest.mark.parametrize("command", ["attribute", "qa"])
def test_a_recording_of_one_model_lets_none_be_chosen(cli, command: str, folder: Path) -> None:
    ran = cli(command, folder / "pair", "--model", "pair")
    assert ran.code == 2
    assert "--model chooses one of a raw layout" in ran.err


def test_wrong_methods_and_pictures_are_usage_errors(cli, folder: Path, tmp_path) -> None:
    assert cli("attribute", str(folder / "pair"), "--method", "magic").code == 2
    assert cli("qa", str(folder / "pair"), "--plot", str(tmp_path / "x.gif")).code == 2


def test_several_recordings_are_attributed_at_once_and_one_that_fails_is_named(
    cli, folder: Path
) -> None:
    one, other = str(folder / "pair"), str(folder / "pair")
    ran = cli("attribute", one, other, str(folder / "none"), "--jobs", "2", "--json", "-")
    assert ran.code == 3
    assert str(folder / "none") in ran.err
    alone = json.loads(cli("attribute", one, "--json", "-").out)
    assert json.loads(ran.out) == [alone, alone]
    assert cli("attribute", one, other, "--csv", "-").code == 2
