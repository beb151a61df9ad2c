"""Folders of several files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgeprofiler.core.errors import CannotWrite
from edgeprofiler.core.files import pause_for_tests

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Of Linux's fcntl.h and renameat2(2)."""


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder; what comes into it stands in `folder`, all at once, after the block.

    Files of other names in `folder` stay. Where the system cannot exchange two folders in one
    step (not Linux, a mount, a folder that cannot be replaced), the files are renamed one after
    another, each of them whole.

    Raises:
        CannotWrite: it cannot be made or written; `folder` is what it was.
    """
    place = Path(os.path.realpath(folder))
    made = False
    try:
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            made = True
        beside = os.access(place.parent, os.W_OK)
        parent = place.parent if beside else place
        staged = Path(tempfile.mkdtemp(prefix=f".{place.name[:40]}.", dir=parent))
    except OSError as error:
        raise CannotWrite.because(folder, error, "cannot be made") from None
    try:
        yield staged
        umask = os.umask(0)
        os.umask(umask)
        staged.chmod(0o777 & ~umask if made else place.stat().st_mode & 0o7777)
        pause_for_tests()
        if made:
            staged.rename(place)
        elif not (beside and _keeps_others(staged, place) and exchange(staged, place)):
            for path in sorted(staged.iterdir()):
                path.replace(place / path.name)
        pause_for_tests()
    except OSError as error:
        raise CannotWrite.because(folder, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders of one file system in a single step; `False` where that cannot be."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    names = (os.fsencode(one), os.fsencode(other))
    return bool(call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _keeps_others(staged: Path, place: Path) -> bool:
    """Link the files of other names into the new folder; `False` where it would lose anything."""
    if Path.cwd().is_relative_to(place):  # who stands in a folder would stand in no folder
        return False
    others = [path for path in place.iterdir() if not (staged / path.name).exists()]
    if not all(path.is_file() and not path.is_symlink() for path in others):
        return False
    try:
        for path in others:
            os.link(path, staged / path.name)
    except OSError:
        return False
    return True
