"""`edgeprofiler data` as a user meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.slow
def test_push_and_pull_say_what_moved(cli: Callable[..., object], tmp_path: Path) -> None:
    pytest.importorskip("dvc")
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").write_text("a\n" * 1000)
    pushed = cli("data", "push", data, "--remote", tmp_path / "store")
    assert pushed.code == 0
    assert "pushed data: 1 file, 2 kB" in pushed.err
    assert pushed.out.strip().endswith(".dir")
    pulled = cli("data", "pull", f"{data}.dvc", "-o", tmp_path / "b", "-r", tmp_path / "store")
    assert pulled.code == 0
    assert (tmp_path / "b/a.csv").read_text() == (data / "a.csv").read_text()
    again = cli("data", "pull", data)
    assert "already there" in again.err
    assert again.out == pushed.out


def test_what_is_no_source_ends_with_invalid_input(cli: Callable[..., object]) -> None:
    ran = cli("data", "pull", "nothing-here")
    assert ran.code == 3
    assert "name a pointer" in ran.err


def test_no_remote_is_a_usage_error(
    cli: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dvc")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_text("a")
    ran = cli("data", "push", tmp_path / "data")
    assert ran.code == 2
    assert "--remote" in ran.err
