"""A library that is missing is told with the extra that brings it, whichever place needs it."""

import ast
import sys
from importlib import metadata
from pathlib import Path

import pytest

import edgeprofiler
from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.extras import extras, require

SOURCE = Path(edgeprofiler.__file__).parent
PACKAGE_OF = {
    "dagshub": "dagshub", "httpx": "dagshub", "ruamel": "dvc", "sklearn": "scikit-learn",
    "pynvml": "nvidia-ml-py", "onnx_ir": "onnxscript", "sqlalchemy": "optuna",
    "markupsafe": "jinja2", "cloudpickle": "distributed",
}  # fmt: skip
"""What brings a module that is imported under another name."""


def test_a_missing_library_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(Unavailable) as caught, require("learn", "use the analytic model"):
        import sklearn.linear_model  # noqa: F401
    assert caught.value.reason == "scikit-learn is not installed"
    assert caught.value.remedy == "pip install 'edgeprofiler[learn]', or use the analytic model"


def test_a_library_that_is_there_but_broken_is_not_called_missing(tmp_path, monkeypatch) -> None:
    (tmp_path / "half_built.py").write_text("from math import not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with (
        pytest.raises(Unavailable, match=r"cannot be loaded .*'not_there'"),
        require("", "mend it"),
    ):
        import half_built  # noqa: F401


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), require("learn"):
        _ = 1 / 0


def test_extras_are_complete_missing_or_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"here": "2.1.0+cpu", "old": "1.9"}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    found = {
        extra.name: extra
        for extra in extras(
            [
                "numpy>=1.24",
                'here>=2.0; extra == "good"',
                'old>=2.0; extra == "bad"',
                'gone[all]>=1; extra == "bad"',
            ]
        )
    }
    assert {name: extra.complete for name, extra in found.items()} == {"bad": False, "good": True}
    assert found["bad"].missing == ("old 2.0 or later (here 1.9)", "gone")
    assert found["good"].present == ("here 2.1.0+cpu",)


def guards() -> list[tuple[str, str, str]]:
    """Every `with require("EXTRA")` of the sources: file, extra, imported module."""
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.With):
                continue
            call = node.items[0].context_expr
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "require"):
                continue
            extra = ast.literal_eval(call.args[0])
            for inner in ast.walk(node):
                names = [alias.name for alias in getattr(inner, "names", ())]
                if isinstance(inner, ast.ImportFrom):
                    names = [inner.module or ""]
                found += [(path.name, extra, name.split(".")[0]) for name in names if extra]
    return found


@pytest.mark.parametrize(("file", "extra", "module"), guards())
def test_every_guard_names_an_extra_that_brings_what_it_imports(
    file: str, extra: str, module: str
) -> None:
    if module == "edgeprofiler":
        return  # what it imports is the extra's
    known = {found.name: " ".join((*found.present, *found.missing)) for found in extras()}
    assert PACKAGE_OF.get(module, module) in known[extra], file
