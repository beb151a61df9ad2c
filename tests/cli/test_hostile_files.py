"""Files that once broke a command: each is refused in a line, or answered with what can be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from paths import SHARED

import edgeprofiler
from edgeprofiler.core.text import visible

HOSTILE = SHARED / "inputs" / "hostile"
COMMANDS = {
    ".parquet": ("dataset", "describe", "@"),
    "budget.toml": ("check", "zoo:lenet", "--budget", "@"),
    ".toml": ("predict", "zoo:lenet", "--device", "@"),
    "profile.json": ("impact", "@"),
    ".json": ("predict", "@"),
    ".onnx": ("predict", "@"),
}
"""By an ending, or the first word of the name with its ending."""
ANSWERED = {"ansi_graph.json", "ansi_names.onnx", "ansi_profile.json", "nullint.parquet"}


def _names(folder: str) -> list[str]:
    """Return what to try; a name that skips where there is nothing."""
    place = HOSTILE / folder
    return sorted(path.name for path in place.iterdir()) if place.is_dir() else ["(none)"]


def _words(path: Path) -> list[str]:
    special = f"{'budget' if 'budget' in path.stem else 'profile'}{path.suffix}"
    named = special.split(".")[0] in path.stem
    words = COMMANDS[special if named and special in COMMANDS else path.suffix]
    return [word.replace("@", str(path)) for word in words]


@pytest.mark.parametrize("name", _names("files"))
def test_a_hostile_file_is_refused_or_shown_without_acting(
    name: str, cli: Callable[..., object], shared: Path
) -> None:
    path = shared / "inputs" / "hostile" / "files" / name
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow")
    ran = cli(*_words(path))
    assert ran.code == (0 if name in ANSWERED else 3)
    assert "Traceback" not in ran.err
    assert len(ran.err) < 3000
    for text in (ran.out, ran.err):
        assert visible(text, keep="\n") == text


@pytest.mark.parametrize("name", _names("predictors"))
def test_a_hostile_predictor_is_refused(
    name: str, cli: Callable[..., object], shared: Path
) -> None:
    folder = shared / "inputs" / "hostile" / "predictors" / name
    ran = cli("predict", "zoo:lenet", "--predictor", folder)
    assert ran.code == 3
    assert ran.out == ""
    assert f"error: {folder}" in ran.err


@pytest.mark.parametrize("number", ["-1.0", "NaN", "1e308", "1e400", "-Infinity", "9" * 5000])
@pytest.mark.parametrize("name", ["runtime_s", "power_w"])
def test_a_profile_with_numbers_that_cannot_be_is_refused(
    name: str, number: str, cli: Callable[..., object], tmp_path: Path
) -> None:
    path = tmp_path / "net.json"
    edgeprofiler.write_profile(edgeprofiler.predict("zoo:lenet", "jetson-orin-nano"), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["layers"][1][name] = "NUMBER"
    path.write_text(json.dumps(document).replace('"NUMBER"', number), encoding="utf-8")
    ran = cli("impact", path)
    assert ran.code == 3
    assert f"error: {path}" in ran.err
    assert "Traceback" not in ran.err
