"""What cannot be written is said before the work, and nothing is left behind."""

from pathlib import Path

import pytest

from edgeprofiler.core.errors import CannotWrite
from edgeprofiler.core.targets import check_folder, check_target


@pytest.mark.parametrize("target", [None, "-", "new.json", "/dev/null"])
def test_a_target_that_can_be_written_is_left_alone(
    target: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_target(target)
    assert not list(tmp_path.iterdir())


def test_a_target_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="is a folder"):
        check_target(str(tmp_path))
    with pytest.raises(CannotWrite, match="cannot be written"):
        check_target(str(tmp_path / "none" / "x.json"))


def test_a_folder_may_be_new_but_not_below_a_file(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite, match="cannot be written"):
        check_folder(tmp_path / "file" / "below")
