"""A calibrated board is kept and shared as a predictor is, and is used by its address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeprofiler import load_device, predict
from edgeprofiler.core.device.board_file import (
    HEADER,
    TEXT,
    BoardFile,
    board_file,
    pack_board,
    unpack_board,
)
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.learning.stores.facts import facts_of
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.stores.mlflow import MlflowStore
from edgeprofiler.prediction.loading import load_artifact

BOARD = """\
base = "jetson-orin-nano"
name = "Lab-Nano"
mode = "15w"

[[calibrations]]
mode = "15w"
runtime = "trtexec"
software = "TensorRT 10.3"
provenance = "five networks"
rows = 5
networks = ["lenet"]

[calibrations.parameters]
efficiency_tensor = 0.5

[calibrations.errors]
loo_mape = 0.07
"""


@pytest.fixture
def board() -> BoardFile:
    return board_file(BOARD, "mine.toml")


def test_what_is_put_is_what_is_got_and_a_list_names_it(tmp_path: Path, board: BoardFile) -> None:
    store = FolderStore(tmp_path)
    store.put(board, "nano")
    found = store.get("nano")
    assert isinstance(found, BoardFile)
    assert found.text == BOARD
    assert found.device.calibrations == board.device.calibrations
    assert store.list() == ["nano"]
    assert load_device(tmp_path / "nano" / TEXT).name == "Lab-Nano"


def test_a_registry_shows_what_it_was_fitted_on_and_how_well(board: BoardFile) -> None:
    facts = facts_of(board)
    assert facts.tags["kind"] == "board"
    assert facts.tags["device"] == "jetson-orin-nano@15w"
    assert facts.params["board"] == "Lab-Nano"
    assert facts.params["trtexec.15w.rows"] == "5"
    assert facts.metrics == {"trtexec.15w.loo_mape": 0.07}


def test_an_altered_board_is_refused(board: BoardFile) -> None:
    packed = pack_board(board)
    altered = {**packed, TEXT: packed[TEXT].replace(b"0.5", b"0.9")}
    with pytest.raises(InvalidInput, match="altered"):
        unpack_board(altered.__getitem__, "p")
    header = json.loads(packed[HEADER])
    other = json.dumps({**header, "schema": "edgeprofiler.board/9"}).encode()
    with pytest.raises(InvalidInput, match="schema"):
        unpack_board({**packed, HEADER: other}.__getitem__, "p")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('base = "/home/me/board.toml"', "others do not have"),
        ('base = "../board.toml"', "others do not have"),
        ('base = "models:/x"', "others do not have"),
        ('base = "jetson-nona"', "unknown device"),
        ('base = "jetson-nano"\nowner = "me"', "owner"),
        ("x = 1", "describes no board"),
    ],
)
def test_what_means_nothing_elsewhere_is_not_published(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        board_file(text, "mine.toml")


def test_a_board_is_no_predictor(tmp_path: Path, board: BoardFile) -> None:
    FolderStore(tmp_path).put(board, "nano")
    with pytest.raises(InvalidInput, match="a board and no predictor"):
        load_artifact(tmp_path / "nano")


@pytest.mark.slow
def test_a_published_board_answers_by_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: BoardFile
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    store = MlflowStore()
    assert store.put(board, "lab") == "models:/lab/1"
    store.set_alias("lab", "champion")
    assert [version.kind for version in store.versions()] == ["board"]
    found = load_device("models:/lab@champion@25w")
    assert (found.name, found.mode.name, found.source) == (
        "Lab-Nano", "25w", "models:/lab@champion"
    )  # fmt: skip
    there = predict("zoo:lenet", "models:/lab/1")
    here = predict("zoo:lenet", board.device)
    assert there.totals.runtime_s == here.totals.runtime_s
    assert there.device.name == "Lab-Nano"
