"""With `--json -`, standard output holds JSON alone in every command that has the option."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from learning_data import BOARD, dataset
from paths import EXAMPLES

from edgeprofiler.cli.app import build_app
from edgeprofiler.core.device import load_device
from edgeprofiler.learning.dataset.storage import save_dataset
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.training.fitting import train
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.testing import write_ina3221_tree

for name in ("sklearn", "pyarrow", "optuna", "onnxruntime"):
    pytest.importorskip(name)
pytestmark = pytest.mark.slow
SIM = ("--sensor", "sim", "--runner", "sim", "--runs", 400, "--idle", 1)
MEASURED = "device,mode,software,network,model,batch,input,precision,runtime_ms\n" + "\n".join(
    f'{BOARD},15w,"JetPack 6.0, TensorRT",{n},zoo:{n},1,224x224,fp16,{ms}'
    for n, ms in (("resnet18", 2.6), ("resnet50", 6.3), ("vgg16", 17), ("squeezenet1_1", 1.3),
                  ("mnasnet1_0", 3))
)  # fmt: skip
CASES: dict[str, tuple[object, ...]] = {
    "predict": ("zoo:lenet",),
    "inspect": ("zoo:lenet",),
    "devices": (),
    "zoo": (),
    "devices show": (BOARD,),
    "validate": ("-m", "measured.csv"),
    "calibrate": ("-m", "measured.csv", "-d", BOARD, "-o", "board.toml"),
    "compare": ("zoo:lenet", "zoo:alexnet"),
    "sweep": ("zoo:lenet",),
    "advise": ("zoo:lenet",),
    "check": ("zoo:lenet", "--budget", EXAMPLES / "budget.toml"),
    "impact": ("zoo:lenet",),
    "collect": ("zoo:alexnet", *SIM, "-o", "again"),
    "attribute": ("recordings/alexnet",),
    "qa": ("recordings/alexnet",),
    "monitor": ("--sensor", "ina3221", "--sensor-option", "root=tree",
                "--", sys.executable, "-c", "import time; print('said'); time.sleep(1)"),
    "benchmark": ("zoo:lenet", "--backends", "onnxruntime,tensorrt", "--runs", 2),
    "doctor": (),
    "dataset describe": ("data",),
    "evaluate": ("data", "--option", "trees=4"),
    "tune": ("data", "--trials", 2),
    "models list": (),
    "models show": ("nano",),
}  # fmt: skip


def commands() -> dict[str, Any]:
    """Every command and sub-command by its words."""

    def walk(command: Any, words: str) -> Iterator[tuple[str, Any]]:
        yield words, command
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{words} {name}".strip())

    return dict(walk(typer.main.get_command(build_app()), ""))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set, a file of measured totals and a sensor's files."""
    folder = tmp_path_factory.mktemp("place")
    save_dataset(dataset(), folder / "data")
    (folder / "measured.csv").write_text(MEASURED + "\n", encoding="utf-8")
    write_ina3221_tree(folder / "tree", {"VDD_IN": (5000, 1100)})
    fast = TrainingOptions(options={"trees": 4}, folds=2)
    FolderStore().put(train(dataset(), load_device(BOARD), fast), str(folder / "p"))
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, as the working folder."""
    monkeypatch.chdir(place)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return place


def test_no_command_with_json_is_forgotten() -> None:
    having = {
        words
        for words, command in commands().items()
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert having == set(CASES)


@pytest.mark.parametrize("words", CASES)
def test_json_is_alone_and_the_rest_is_on_standard_error(
    cli: Callable[..., object], here: Path, words: str
) -> None:
    if "recordings/alexnet" in CASES[words] and not (here / "recordings").exists():
        cli("collect", "zoo:alexnet", *SIM, "-o", "recordings")
    if words.startswith("models"):
        pytest.importorskip("mlflow")
        if not (here / "mlflow.db").exists():
            assert cli("models", "push", "p", "nano").code == 0
    ran = cli(*words.split(), "--json", "-", *CASES[words])
    assert ran.code in (0, 1), ran.err
    assert json.loads(ran.out)
    assert len(ran.err.splitlines()) >= 2
