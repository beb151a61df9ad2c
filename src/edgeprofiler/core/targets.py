"""Looking at outputs before the work: what takes hours must not fail at its last step."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgeprofiler.core.errors import CannotWrite


def check_target(target: str | None) -> None:
    """Return if a file could be written now; `-` is standard output, `None` nothing.

    Raises:
        CannotWrite: its folder is missing or cannot be written, or it is a folder itself.
    """
    if target is None or target == "-":
        return
    path = Path(target)
    try:
        if path.is_dir():
            raise CannotWrite(path, "is a folder")
        if path.exists() and not path.is_file():
            return  # a device or a pipe, which opening may already disturb
        _write_nothing(path.resolve().parent)
    except OSError as error:
        raise CannotWrite.because(path, error) from None


def check_folder(folder: Path) -> None:
    """Return if a folder could be made and written now; nothing is made.

    Raises:
        CannotWrite: it could not.
    """
    nearest = folder.absolute()
    try:
        while not nearest.exists():
            nearest = nearest.parent
        _write_nothing(nearest)
    except OSError as error:
        raise CannotWrite.because(folder, error) from None


def _write_nothing(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder):
        pass
