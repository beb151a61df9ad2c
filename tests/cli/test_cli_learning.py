"""dataset, train and evaluate as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from learning_data import NETWORKS, dataset, measured
from typer.testing import CliRunner

from edgeprofiler.cli.app import build_app
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.profile.document import write_profile
from edgeprofiler.learning.dataset.storage import save_dataset

pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")
pytestmark = pytest.mark.slow
RUN = CliRunner()


def call(*words: object) -> str:
    result = RUN.invoke(build_app(), [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learn")
    (folder / "profiles").mkdir()
    for name in NETWORKS:
        write_profile(measured(name), folder / "profiles" / f"{name}.json")
    call("dataset", "build", folder / "profiles", "-o", folder / "data")
    return folder / "data"


def test_a_folder_of_profiles_becomes_a_data_set(data: Path) -> None:
    from edgeprofiler.learning.dataset.storage import load_dataset

    assert len(load_dataset(data)) == len(dataset())
    output = call("dataset", "describe", data)
    assert "resnet18" in output
    assert all(len(line) <= 80 for line in output.splitlines())


def test_describe_as_json_stands_alone(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = RUN.invoke(
        build_app(),
        ["dataset", "describe", str(data), "--json", "-", "--plot", str(tmp_path / "c.png")],
    )
    assert json.loads(result.stdout)["rows"] == len(dataset())
    assert (tmp_path / "c.png").stat().st_size > 10_000


def test_train_then_predict(data: Path, tmp_path: Path) -> None:
    output = call("train", data, "-o", tmp_path / "p", "--option", "trees=10")
    assert "runtime convolutional" in " ".join(output.split())
    output = call("predict", "zoo:resnet18", "--predictor", tmp_path / "p", "-q")
    assert "trained:hybrid" in output.replace("\n", " ")


def test_evaluate_prints_errors_and_draws(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    output = call(
        "evaluate", data, "--option", "trees=10", "--test-networks", "lenet,vgg11",
        "--plots", tmp_path / "plots",
    )  # fmt: skip
    assert "RMSPE" in output
    assert all(len(line) <= 80 or "wrote" in line for line in output.splitlines())
    names = {path.stem for path in (tmp_path / "plots").iterdir()}
    assert names == {
        "predicted-measured", "residuals", "comparison", "learning-curve", "layers-lenet",
        "layers-vgg11",
    }  # fmt: skip


def test_bad_words_are_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        call("dataset", "build", tmp_path / "none", "-o", tmp_path / "d")
    with pytest.raises(InvalidInput, match="holds no measured profile"):
        call("dataset", "build", tmp_path, "-o", tmp_path / "d")
    with pytest.raises(UsageError, match="no network 'x'"):
        call("train", data, "-o", tmp_path / "p", "--test-networks", "x")


def test_an_unknown_board_is_stood_in_for(tmp_path: Path) -> None:
    devices = np.full(len(dataset()), "my-board")
    save_dataset(dataset().with_columns(device=devices), tmp_path / "own")
    output = call("train", tmp_path / "own", "-o", tmp_path / "p", "--option", "trees=5")
    assert "generic" in output


def test_options_in_a_file_and_on_the_line_are_joined(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "train.toml"
    config.write_text("seed = 7\n[options]\ntrees = 5\nleaves = 4\n")
    call("train", data, "-o", tmp_path / "p", "--config", config, "--option", "trees=6")
    header = json.loads((tmp_path / "p" / "predictor.json").read_text())
    assert header["recipe"] == {
        "name": "hybrid", "options": {"trees": 6, "leaves": 4}, "seed": 7,
    }  # fmt: skip


def test_a_name_needs_a_track(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`name` goes with `track`"):
        call("train", data, "-o", tmp_path / "p", "--name", "nano")


def test_a_training_is_logged_and_registered(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    call("train", data, "-o", "p", "--option", "trees=5", "--track", "--name", "nano")
    (tmp_path / "mine.toml").write_text('base = "jetson-orin-nano"\nname = "lab"\n')
    assert call("models", "push", "mine.toml", "board").split()[-1] == "models:/board/1"
    listed = {line.split()[0]: line.split()[1] for line in call("models", "list").splitlines()[1:]}
    assert listed == {"board/1": "board", "nano/1": "predictor"}
    assert "jetson-orin-nano" in call("models", "show", "board")
    call("models", "pull", "board", "-o", "again.toml")
    assert (tmp_path / "again.toml").read_text() == (tmp_path / "mine.toml").read_text()
    with pytest.raises(UsageError, match="a predictor: name a folder"):
        call("models", "pull", "nano", "-o", "p.toml")
    with pytest.raises(InvalidInput, match="a predictor and no board"):
        call("predict", "zoo:lenet", "-d", "models:/nano")
