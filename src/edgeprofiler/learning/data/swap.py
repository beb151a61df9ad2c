"""A folder is replaced by a finished one, or stays as it was."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from edgeprofiler.core import files, limits
from edgeprofiler.core.errors import CannotWrite, InvalidInput, Unavailable, UsageError
from edgeprofiler.core.folders import exchange
from edgeprofiler.core.values import read_json
from edgeprofiler.learning.data.content import content_of

_LOCK = ".lock"


@contextlib.contextmanager
def staging(target: Path, task: str, *, resumes: bool = True) -> Iterator[Path]:
    """Give a folder beside `target`; where a transfer `resumes`, it stays if that breaks off.

    Raises:
        CannotWrite: the folder cannot be made.
        Unavailable: another process works in it.
    """
    folder = _beside(target, task)
    try:
        folder.mkdir(exist_ok=True)
        lock = (folder / _LOCK).open("w")
    except OSError as error:
        raise CannotWrite.because(target, error) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unavailable(
                f"{target} is being transferred by another process", "wait until it has ended"
            ) from None
        broken_off = False
        try:
            yield folder
        except (InvalidInput, UsageError):  # nothing that could be gone on with
            raise
        except BaseException:
            broken_off = True
            raise
        finally:
            if not (broken_off and resumes):
                shutil.rmtree(folder, ignore_errors=True)


def holds(stage: Path) -> bool:
    """Say whether an earlier transfer left something in its folder."""
    return any(path.name != _LOCK for path in stage.iterdir())


def empty(stage: Path) -> None:
    """Take away what an earlier transfer left in its folder."""
    for path in stage.iterdir():
        if path.name != _LOCK:
            _remove(path)


def replace(target: Path, finished: Path) -> None:
    """Put `finished` in the place of `target`; both lie on one file system.

    Raises:
        CannotWrite: it cannot be done; `target` is what it was.
    """
    old = _beside(target, "old")
    try:
        files.pause_for_tests()
        if target.is_dir() and finished.is_dir() and exchange(finished, target):
            files.pause_for_tests()
            return  # what was there lies where the transfer's folder is taken away
        if target.exists():
            _remove(old)
            target.rename(old)
        files.pause_for_tests()
        try:
            finished.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        _remove(old)
    except OSError as error:
        raise CannotWrite.because(target, error, "cannot be replaced") from None


def recover(target: Path) -> None:
    """Undo a replacement that was cut off between its two renames."""
    old = _beside(target, "old")
    if not old.exists():
        return
    if target.exists():
        _remove(old)
    else:
        old.rename(target)


def remember(target: Path, md5: str, source: str) -> None:
    """Note which version `target` holds, so that later changes in it are noticed."""
    text = files.dump_json({"md5": md5, "source": source})
    files.write_text(_beside(target, "version"), text)


def refuse_unsaved(target: Path, *known: str) -> None:
    """Refuse to replace data of which this is the only copy.

    Args:
        known: fingerprints of versions that are kept elsewhere.

    Raises:
        UsageError: `target` holds neither one of those nor what was last pulled or pushed.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    note = _beside(target, "version")
    remembered = ""
    with contextlib.suppress(InvalidInput):
        remembered = read_json(note, limits.NOTE_BYTES)["md5"].text()
    if content_of(target).md5 not in {*known, remembered}:
        raise UsageError(
            f"{target} holds changes that were never pushed; push or move them, or use `force`"
        )


def _beside(target: Path, task: str) -> Path:
    return target.parent / f".{target.name}.{task}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
