"""`--predictor` and `--front-end` mean the same in every command that predicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from learning_data import BOARD, dataset
from paths import EXAMPLES

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.decision.advise import Options, State, single_changes
from edgeprofiler.decision.objective import objective
from edgeprofiler.decision.sweep import sweep
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.training.fitting import train
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.prediction.predict import predict, predictor_for
from edgeprofiler.reading.read import read_graph

pytest.importorskip("sklearn")
BUDGET = ("--budget", EXAMPLES / "budget.toml")
COMMANDS = {
    "predict": (),
    "sweep": ("--batch", "1,2"),
    "advise": ("--rows", "2"),
    "impact": (),
    "compare": ("zoo:alexnet",),
    "check": BUDGET,
    "report": ("--md", "-"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a predictor that was trained for `BOARD`."""
    folder = tmp_path_factory.mktemp("trained") / "p"
    fast = TrainingOptions(options={"trees": 4}, folds=2)
    FolderStore().put(train(dataset(), load_device(BOARD), fast), str(folder))
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_a_trained_predictor_answers_on_its_own_board(cli, trained: Path, command: str) -> None:
    ran = cli(command, "zoo:lenet", *COMMANDS[command], "--predictor", trained)
    assert ran.code in (0, 1)
    assert "device: " not in ran.err
    assert max(map(len, ran.out.splitlines())) <= 80 or command == "report"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_predictor_of_another_board_is_refused_in_one_line(
    cli, trained: Path, command: str
) -> None:
    ran = cli(
        command, "zoo:lenet", *COMMANDS[command], "--predictor", trained, "-d", "jetson-tx2"
    )  # fmt: skip
    assert ran.code == 2
    assert f"was trained for {BOARD}, not jetson-tx2" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_no_predictor_is_in_an_empty_folder(cli, tmp_path: Path, command: str) -> None:
    ran = cli(command, "zoo:lenet", *COMMANDS[command], "--predictor", tmp_path)
    assert ran.code == 3
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_front_end_is_named(cli, command: str) -> None:
    options = (*COMMANDS[command], "-d", BOARD)
    options = tuple(o for o in options if o != "zoo:alexnet")
    if command == "compare":
        options = (*options, "--batch", "1", "--batch", "2")
    assert cli(command, "lenet", *options, "--front-end", "zoo").code in (0, 1)
    wrong = cli(command, "zoo:lenet", *options, "--front-end", "nothing")
    assert wrong.code == 2
    assert "nothing" in wrong.err


@pytest.mark.parametrize("option", ["--predictor", "--front-end"])
@pytest.mark.parametrize("command", ["impact", "check", "compare", "report"])
def test_a_saved_profile_is_not_predicted_again(
    cli, trained: Path, tmp_path: Path, command: str, option: str
) -> None:
    saved = tmp_path / "p.json"
    cli("predict", "zoo:lenet", "-d", BOARD, "--json", saved)
    more = {"compare": (saved,), "check": BUDGET}.get(command, ())
    ran = cli(command, saved, *more, option, trained if option == "--predictor" else "zoo")
    assert ran.code == 2
    assert "belong to a model" in ran.err


def test_a_sweep_by_a_predictor_is_its_predictions(trained: Path) -> None:
    device = load_device(BOARD)
    found = sweep("zoo:resnet18", device=device, batch=(1, 4), predictor=trained)
    for row, batch in enumerate((1, 4)):
        totals = predict("zoo:resnet18", device, batch=batch, predictor=trained).totals
        assert found.end_to_end_s[row] == pytest.approx(totals.end_to_end_s.value)
        assert found.energy_j_low[row] == pytest.approx(totals.energy_j.low)
        assert found.energy_per_image_j[row] == pytest.approx(totals.energy_j.value / batch)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_predictor_of_another_mode_is_refused_in_one_line(
    cli, trained: Path, command: str
) -> None:
    ran = cli(
        command, "zoo:lenet", *COMMANDS[command], "--predictor", trained, "-d", f"{BOARD}@7w"
    )  # fmt: skip
    assert ran.code == 2
    assert f"was trained for {BOARD} in mode 15w, not 7w" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_host_alone_is_that_of_the_board_that_was_trained_for(tmp_path: Path) -> None:
    fast = TrainingOptions(options={"trees": 4}, folds=2)
    other = load_device("jetson-agx-orin@30w")
    FolderStore().put(train(dataset(), other, fast), str(tmp_path / "p"))
    profile = predict("zoo:lenet", predictor=tmp_path / "p", runtime="cpp")
    assert (profile.device.name, profile.device.mode) == (other.name, "30w")
    assert profile.device.runtime == "cpp"
    assert any("asked about cpp" in warning for warning in profile.warnings)


def test_a_predictor_knows_one_device_and_one_mode(cli, trained: Path) -> None:
    with pytest.raises(UsageError, match="one device in one power mode"):
        sweep("zoo:lenet", device=[f"{BOARD}@15w", f"{BOARD}@7w"], predictor=trained)
    ran = cli("sweep", "zoo:lenet", "-d", "all", "--predictor", trained)
    assert ran.code == 2
    ran = cli("advise", "zoo:lenet", "--predictor", trained, "--only", "mode")
    assert ran.code == 2
    assert "one power mode" in ran.err


def test_advice_by_a_predictor_is_its_predictions_and_changes_no_mode(trained: Path) -> None:
    answers = predictor_for(predictor=trained)
    graph = read_graph("zoo:lenet")
    state = State(graph, "fp16", answers)
    found = single_changes(state, Options(kinds=("batch", "mode"), batches=(2,))).changes
    assert {change.kind for change in found} == {"batch"}
    expected = predict("zoo:lenet", batch=2, predictor=trained).totals
    assert found[0].cost.latency_s == pytest.approx(expected.end_to_end_s.value)


def test_an_objective_by_a_predictor_is_its_predictions(trained: Path) -> None:
    values = objective(predictor=trained)(["zoo:lenet", "zoo:alexnet"])
    expected = [predict(f"zoo:{n}", predictor=trained).totals for n in ("lenet", "alexnet")]
    assert np.allclose(values.energy_j, [t.energy_j.value for t in expected], rtol=1e-12)
    assert np.allclose(values.runtime_s, [t.end_to_end_s.value for t in expected], rtol=1e-12)
    assert np.allclose(values.power_w, [t.power_w.value for t in expected], rtol=1e-12)


def test_a_comparison_by_a_predictor_names_it(cli, trained: Path) -> None:
    ran = cli("compare", "zoo:lenet", "zoo:alexnet", "--predictor", trained, "--json", "-")
    assert ran.code == 0
    assert json.loads(ran.out)["profiles"][0].startswith(f"lenet, {BOARD}")
