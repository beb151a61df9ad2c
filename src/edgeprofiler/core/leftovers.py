"""Temporary files that a killed run left beside its targets: the next run clears them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_LOCKS = find_spec("fcntl") is not None
"""Not on Windows: what a killed run leaves there stays."""
SUFFIX = ".edgeprofiler-part"
"""Ends the name of each temporary file."""
_SETTLED_S = 1.0
"""A file is made and then held; one that is younger may not be held yet."""


@contextlib.contextmanager
def held(descriptor: int) -> Iterator[None]:
    """Hold a temporary file open in the block as one that is being written, then close it."""
    try:
        if _LOCKS:
            import fcntl

            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.close(descriptor)  # or nobody could replace the file
        yield
    finally:
        if _LOCKS:
            os.close(descriptor)


def is_leftover(name: str) -> bool:
    """Say whether a file's name is that of a temporary one, of a killed run or one that works.

    >>> is_leftover(".p.json.x1.edgeprofiler-part"), is_leftover("p.json")
    (True, False)
    """
    return name.startswith(".") and name.endswith(SUFFIX)


def clear(folder: Path) -> None:
    """Remove temporary files in a folder whose writers live no more; once for each folder."""
    if _LOCKS:
        _clear(folder.absolute())


@lru_cache(maxsize=1024)
def _clear(folder: Path) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if is_leftover(entry.name):
                with contextlib.suppress(OSError):
                    _clear_one(Path(entry.path))


def _clear_one(path: Path) -> None:
    import fcntl

    if time.time() - path.stat().st_mtime < _SETTLED_S:
        return
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer lives
        path.unlink()
