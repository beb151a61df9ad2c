"""What `import edgeprofiler` and the command's help may load."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgeprofiler

HEAVY = {
    "onnx", "torch", "tensorrt", "onnxruntime", "pynvml", "sklearn", "scipy", "optuna", "pyarrow",
    "matplotlib", "fastapi", "mlflow", "dvc", "numpy",
}  # fmt: skip


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('MODULES', *sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("MODULES")[2].split())


def test_importing_the_package_loads_no_heavy_library() -> None:
    assert not _loaded_by("import edgeprofiler") & HEAVY


def test_the_help_page_loads_no_heavy_library() -> None:
    code = (
        "sys.argv = ['edgeprofiler', '--help']\n"
        "from edgeprofiler.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code"
    )
    assert not _loaded_by(code) & HEAVY


def test_predicting_a_zoo_network_loads_numpy_alone() -> None:
    code = "import edgeprofiler\nedgeprofiler.predict('zoo:lenet', 'jetson-nano')"
    assert _loaded_by(code) & HEAVY == {"numpy"}


@pytest.mark.parametrize("name", [n for n in edgeprofiler.__all__ if n != "from_torch"])
def test_every_public_name_exists(name: str) -> None:
    assert getattr(edgeprofiler, name) is not None
    assert name in dir(edgeprofiler)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = edgeprofiler.nothing


def _is_error(name: str) -> bool:
    found = getattr(edgeprofiler, name)
    return isinstance(found, type) and issubclass(found, edgeprofiler.EdgeProfilerError)


def test_every_public_name_is_documented() -> None:
    page = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"[A-Za-z_]+", page.partition("eval-rst")[2]))
    named = {n for n in edgeprofiler.__all__ if n != "__version__"}
    errors = {n for n in named if _is_error(n)}
    assert named - errors <= shown
    assert "edgeprofiler.core.errors" in page
