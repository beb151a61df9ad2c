"""Every example in a docstring does what it says, and every public function has one."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from learning_data import dataset
from paths import EXAMPLES, TINY_ONNX

import edgeprofiler
from edgeprofiler.measurement.recording import save_recording
from edgeprofiler.measurement.simulator import simulate

ROOT = Path(edgeprofiler.__file__).parent
FUNCTIONS = [n for n in edgeprofiler.__all__ if inspect.isfunction(getattr(edgeprofiler, n))]
NEEDS = {
    "build_dataset": "pyarrow", "train": "sklearn", "evaluate": "sklearn", "tune": "optuna",
    "from_torch": "torch", "report": "jinja2",
}  # fmt: skip
"""Libraries that an example's function needs."""
NEEDS_TOO = {"edgeprofiler.core.profile.profile": "narwhals"}
"""Libraries that the other examples of a module need."""
MEASURED = "device,mode,software,network,model,batch,input,precision,runtime_ms\n" + "\n".join(
    f'jetson-orin-nano,15w,"JetPack 6.0, TensorRT",{n},zoo:{n},1,224x224,fp16,{ms}'
    for n, ms in (("resnet18", 2.6), ("resnet50", 6.3), ("vgg16", 17), ("squeezenet1_1", 1.3),
                  ("mnasnet1_0", 3))
)  # fmt: skip


def modules() -> list[str]:
    """Names of the modules that hold an example."""
    found = [path for path in sorted(ROOT.rglob("*.py")) if ">>>" in path.read_text("utf-8")]
    return [
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in found
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name: a model, a profile, recordings, data, a budget."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "model.onnx").write_bytes(TINY_ONNX.read_bytes())
    (folder / "budget.toml").write_bytes((EXAMPLES / "budget.toml").read_bytes())
    (folder / "measured.csv").write_text(MEASURED + "\n", encoding="utf-8")
    edgeprofiler.write_profile(edgeprofiler.predict("zoo:lenet"), folder / "profile.json")
    (folder / "recordings").mkdir()
    recording, _ = simulate(edgeprofiler.read("zoo:lenet"), runs=60, seed=2)
    save_recording(recording, folder / "recordings" / "lenet")
    try:
        from edgeprofiler.learning.dataset.storage import save_dataset

        save_dataset(dataset(), folder / "data")
    except edgeprofiler.Unavailable:
        pass
    return folder


def run(tests: list[doctest.DocTest]) -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=options, verbose=False)
    said: list[str] = []
    for test in tests:
        runner.run(test, out=said.append)
    assert not runner.summarize(verbose=False).failed, "".join(said)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_has_an_example_that_runs(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    monkeypatch.chdir(place)
    found = doctest.DocTestFinder(recurse=False).find(getattr(edgeprofiler, name), name)
    assert found
    assert found[0].examples
    run(found)


@pytest.mark.parametrize("name", modules())
def test_the_other_examples_run_too(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in NEEDS_TOO:
        pytest.importorskip(NEEDS_TOO[name])
    monkeypatch.chdir(place)
    module: ModuleType = import_module(name)
    public = {getattr(edgeprofiler, n).__qualname__ for n in FUNCTIONS}
    found = doctest.DocTestFinder().find(module, name)
    run([test for test in found if test.name.rpartition(".")[2] not in public])
