"""Ctrl-C says what is kept and how to go on, and ends with its own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edgeprofiler
from edgeprofiler.learning import data as versions

SAID = {
    "train": "is as it was; the same command begins anew",
    "evaluate": "nothing is kept",
    "tune": "trials that ended are kept in the study; the same command goes on",
    "build_dataset": "is as it was; the same command begins anew",
    "push": "the same command sends the rest",
    "pull": "what arrived is kept; the same command goes on",
}


@pytest.mark.parametrize("journey", SAID)
def test_an_interrupt_says_what_is_kept(
    journey: str, cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    of_data = journey in ("push", "pull")
    monkeypatch.setattr(versions if of_data else edgeprofiler, journey, interrupted)
    place = tmp_path / "out"
    words = {
        "train": ("train", tmp_path, "-o", place),
        "evaluate": ("evaluate", tmp_path),
        "tune": ("tune", tmp_path),
        "build_dataset": ("dataset", "build", tmp_path, "-o", place),
        "push": ("data", "push", tmp_path),
        "pull": ("data", "pull", "data.dvc"),
    }[journey]
    ran = cli(*words)
    assert ran.code == 130
    assert "interrupted; " in ran.err
    assert SAID[journey] in ran.err
