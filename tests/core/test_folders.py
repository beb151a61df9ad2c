"""Folders that are replaced whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprofiler.core import folders
from edgeprofiler.core.errors import CannotWrite
from edgeprofiler.core.folders import atomic_folder, exchange


def _held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def _write(folder: Path, **texts: str) -> None:
    with atomic_folder(folder) as made:
        for name, text in texts.items():
            (made / name).write_text(text)


def test_a_folder_is_made_with_those_it_lies_in(tmp_path: Path) -> None:
    _write(tmp_path / "a/b", x="1", y="2")
    assert _held(tmp_path / "a/b") == {"x": "1", "y": "2"}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


@pytest.mark.parametrize("can", [True, False])
def test_files_of_other_names_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can: bool
) -> None:
    if not can:
        monkeypatch.setattr(folders, "exchange", lambda *_: False)
    _write(tmp_path / "a", x="1", mine="mine")
    _write(tmp_path / "a", x="2", y="3")
    assert _held(tmp_path / "a") == {"x": "2", "y": "3", "mine": "mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_in_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "a/deep").mkdir(parents=True)
    (tmp_path / "a/deep/file").write_text("kept")
    _write(tmp_path / "a", x="1")
    assert (tmp_path / "a/deep/file").read_text() == "kept"
    assert (tmp_path / "a/x").read_text() == "1"


def test_who_stands_in_the_folder_still_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x").write_text("0")
    _write(Path(), x="1")
    assert Path("x").read_text() == "1"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    _write(tmp_path / "link", x="1")
    assert (tmp_path / "link").is_symlink()
    assert _held(tmp_path / "real") == {"x": "1"}


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    _write(tmp_path / "a", x="1")
    with pytest.raises(CannotWrite, match="directory"):
        _write(tmp_path / "a", x="2", **{"no/such": "3"})
    assert _held(tmp_path / "a") == {"x": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_not_there_is_not_exchanged(tmp_path: Path) -> None:
    assert not exchange(tmp_path / "a", tmp_path / "b")
