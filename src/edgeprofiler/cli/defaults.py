"""What a user sets once: defaults of a question, from the environment and from files.

`EDGEPROFILER_DEVICE` counts before `[tool.edgeprofiler]` in the nearest `pyproject.toml`, and that
before the user's own `edgeprofiler/config.toml`. All of them yield to what a call, or a budget,
says; Python's functions do not look at them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import head_of
from edgeprofiler.core.values import read_toml
from edgeprofiler.prediction.question import read_table
from edgeprofiler.prediction.question.option import naming
from edgeprofiler.prediction.question.question import normal_of

FIELDS = ("device", "runtime", "rate", "confidence")
"""What may have a default: what holds for every model, built or not."""

VARIABLE = "EDGEPROFILER_DEVICE"
_SECTION = "[tool.edgeprofiler]"


def defaults() -> dict[str, tuple[Any, str]]:
    """Return the defaults of this user in this folder, by field, and where each is set.

    Raises:
        InvalidInput: a file sets something else, or no value of its field.
        UsageError: the variable holds no device.
    """
    found: dict[str, tuple[Any, str]] = {}
    for path, section in ((_user_file(), False), (_project_file(), True)):
        if path is not None:
            found |= _read(path, section)
    device = os.environ.get(VARIABLE)
    if device:
        with naming(VARIABLE):
            found["device"] = normal_of("device", device), VARIABLE
    return found


def with_defaults(
    asked: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what is asked with defaults for the rest, and where each of those is set.

    Args:
        known: what is said elsewhere and counts before defaults, as by a budget.

    A trained predictor has its own device, host and confidence: only a rate is left to default.
    """
    said = {**(known or {}), **asked}
    chosen = {
        name: (value, source)
        for name, (value, source) in defaults().items()
        if said.get(name) is None and (name == "rate" or said.get("predictor") is None)
    }
    return (
        {**asked, **{name: value for name, (value, _) in chosen.items()}},
        {name: source for name, (_, source) in chosen.items()},
    )


def _read(path: Path, section: bool) -> dict[str, tuple[Any, str]]:
    table = read_toml(path)
    if section:
        table = table["tool"].default({})["edgeprofiler"].default({})
    table.allow(FIELDS)
    source = f"{_SECTION} of {path}" if section else str(path)
    return {name: (value, source) for name, value in read_table(table.mapping(), source).items()}


def _project_file() -> Path | None:
    """Return the nearest `pyproject.toml` above this folder that has a section of ours.

    Raises:
        InvalidInput: this folder is no more.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise InvalidInput("this folder", "was removed", "change to one that is there") from None
    path = next((p for f in (here, *here.parents) if (p := f / "pyproject.toml").is_file()), None)
    if path is None or b"tool.edgeprofiler" not in head_of(path, limits.TOML_BYTES):
        return None  # whatever else is in it is not ours to judge
    return path


def _user_file() -> Path | None:
    try:
        if sys.platform == "win32":
            folder = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        else:
            folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    except RuntimeError:  # a user without a home, as in a container
        return None
    path = folder / "edgeprofiler" / "config.toml"
    return path if path.is_file() else None
