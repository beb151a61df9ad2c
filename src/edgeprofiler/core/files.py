"""Reading that is bounded and writing that is whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgeprofiler.core import leftovers, limits
from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.core.text import first_line


def check_readable(path: Path, max_bytes: int = limits.TEXT_BYTES) -> int:
    """Return the size of a regular file; `InvalidInput` says why a path cannot be read."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InvalidInput(path, "no such file", "check the path") from None
    except (OSError, ValueError) as error:
        raise InvalidInput(path, f"cannot be read ({_reason(error)})") from None
    if stat.S_ISDIR(status.st_mode):
        raise InvalidInput(path, "is a folder", "name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInput(path, "is not a regular file")
    if status.st_size == 0:
        raise InvalidInput(path, "is empty")
    if status.st_size > max_bytes:
        size, limit = status.st_size / 1e6, max_bytes / 1e6
        raise InvalidInput(path, f"is too large ({size:.0f} MB; the limit is {limit:.0f} MB)")
    return status.st_size


def read_bytes(path: Path, max_bytes: int = limits.TEXT_BYTES) -> bytes:
    """Return the bytes of a file of at most `max_bytes`."""
    size = check_readable(path, max_bytes)
    try:
        with path.open("rb") as file:
            return file.read(size)  # no more, where it grows meanwhile
    except OSError as error:
        raise InvalidInput(path, f"cannot be read ({_reason(error)})") from None


def read_text(path: Path, max_bytes: int = limits.TEXT_BYTES) -> str:
    """Return the text of a file of at most `max_bytes`: UTF-8, or UTF-16 where a mark says so.

    Spreadsheets and Windows' shells write UTF-16; its byte-order mark, and UTF-8's, is dropped.
    """
    data = read_bytes(path, max_bytes)
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        kind = "UTF-16" if wide else "UTF-8"
        raise InvalidInput(path, f"is not {kind} text (byte {error.start})") from None
    if sys.getsizeof(text) > 2 * limits.TEXT_BYTES:  # one rare character makes all take four bytes
        problem = f"is too large as text ({sys.getsizeof(text) / 1e6:.0f} MB)"
        raise InvalidInput(path, problem, "split it")
    return text


def head_of(path: Path, size: int = 4096) -> bytes:
    """Return the first bytes of a file; none where there is no file that can be read."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path in the folder of `path`; it replaces `path` if the block succeeds.

    A link stays a link: what it points to is replaced. A device or pipe (`/dev/null`) takes the
    bytes as they are, since replacing it would make it a file.

    Raises:
        CannotWrite: the folder is missing, not writable or full. Nothing is left behind.
    """
    if _takes_bytes(path):
        yield from _written_through(path)
        return
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    leftovers.clear(path.parent)
    try:
        descriptor, name = tempfile.mkstemp(
            prefix=f".{path.name[:40]}.", suffix=leftovers.SUFFIX, dir=path.parent
        )
    except OSError as error:
        raise CannotWrite.because(path, error) from None
    temporary = Path(name)
    try:
        with leftovers.held(descriptor):
            yield temporary
        if path.is_dir():
            raise CannotWrite(path, "is a folder")
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        pause_for_tests()
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        pause_for_tests()
    except OSError as error:
        raise CannotWrite.because(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def pause_for_tests() -> None:
    """Wait as long as the variable `EDGEPROFILER_TEST_WRITE_S` says: for tests alone.

    `scripts/kill_writers.py` sets it, so that a process can be killed while it writes.
    """
    seconds = os.environ.get("EDGEPROFILER_TEST_WRITE_S")
    if seconds:
        time.sleep(float(seconds))


def _takes_bytes(path: Path) -> bool:
    """Say whether a path is a device, a pipe, or one of the system's names for an open file."""
    if path.parent in (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")):
        return path.exists()
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _written_through(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / path.name
        yield temporary
        try:
            with path.open("wb") as target:
                target.write(temporary.read_bytes())
        except OSError as error:
            raise CannotWrite.because(path, error) from None


def make_folder(folder: Path) -> None:
    """Make a folder and those that it lies in; nothing happens where it is there.

    Raises:
        CannotWrite: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite.because(folder, error, "cannot be made") from None


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def dump_json(value: Mapping[str, Any] | list[Any]) -> str:
    """Return `value` as indented JSON; NaN and infinity are refused rather than written."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_of_file(path: Path, algorithm: str = "sha256") -> str:
    """Return a digest of a file of any size in hexadecimal; it guards against accidents only.

    Raises:
        InvalidInput: it cannot be read.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while part := file.read(limits.MIB):
                digest.update(part)
    except OSError as error:
        raise InvalidInput(path, f"cannot be read ({_reason(error)})") from None
    return digest.hexdigest()


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or first_line(error)
