"""From files of measured layers to a predictor, as a notebook goes."""

from pathlib import Path

import numpy as np
import pytest
from learning_data import BOARD, NETWORKS, dataset, measured

from edgeprofiler import predict, write_profile
from edgeprofiler.core.errors import CannotWrite, UsageError

pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")

from edgeprofiler.learning.journeys import build_dataset, evaluate, train

FAST = {"trees": 4}


def test_profiles_become_a_data_set_and_a_predictor(tmp_path: Path) -> None:
    for name in NETWORKS:
        write_profile(measured(name), tmp_path / f"{name}.json")
    sources = [tmp_path / f"{name}.json" for name in NETWORKS]
    built = build_dataset(*sources, output=tmp_path / "data")
    assert len(built.data) == len(dataset())
    artifact = train(tmp_path / "data", output=tmp_path / "p", options=FAST)
    assert artifact.header["device"]["name"] == BOARD
    assert predict("zoo:resnet18", predictor=tmp_path / "p").origin.by == "trained:hybrid"


def test_what_stands_in_for_a_board_is_told_with_the_result() -> None:
    rows = dataset().with_columns(device=np.full(len(dataset()), "my-board"))
    doubt = "no datasheet of 'my-board'"
    assert doubt in train(rows, options=FAST).header["notes"][0]
    assert doubt in evaluate(rows, options=FAST, test_networks=["vgg11"]).notes[0]


def test_what_is_told_counts_before_the_file(tmp_path: Path) -> None:
    config = tmp_path / "train.toml"
    config.write_text("seed = 7\n[options]\ntrees = 5\nleaves = 4\n")
    header = train(dataset(), config=config, options={"trees": 6}).header
    assert header["recipe"] == {
        "name": "hybrid", "options": {"trees": 6, "leaves": 4}, "seed": 7,
    }  # fmt: skip


def test_where_nothing_can_be_written_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite):
        train(dataset(), output=tmp_path / "file" / "p")
    with pytest.raises(CannotWrite):
        build_dataset(tmp_path / "none", output=tmp_path / "file" / "p")
    with pytest.raises(UsageError, match="no network 'x'"):
        train(dataset(), test_networks=["x"])
