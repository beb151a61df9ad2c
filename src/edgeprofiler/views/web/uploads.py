"""Files that users send: in a private folder under random names, few, and gone at the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.views.web.sessions import SESSION

ADDRESS = re.compile(r"upload:[0-9a-f]{32}")
"""What an upload is called in requests."""
_PREFIX = "edgeprofiler-web-"
_SUFFIXES = (".onnx", ".json")
_MAX_LABEL = 80


class NoUpload(InvalidInput):
    """No file of that address, or another session's: nobody is told which."""


@dataclass(frozen=True)
class Upload:
    """One file that was sent."""

    address: str
    label: str
    """The name it was sent under, for people; it never becomes part of a path."""
    path: Path
    size: int
    session: str = ""
    """The browser's session that it belongs to; empty for a program's."""


class Uploads:
    """The files of one run of the server."""

    def __init__(self, max_files: int, max_bytes: int) -> None:
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._files: OrderedDict[str, Upload] = OrderedDict()
        self._fresh: set[str] = set()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._held = -1

    def new_path(self, label: str) -> Path:
        """Return a path for a file to come, in a folder of its own."""
        with self._lock:
            if self._folder is None:
                clear_abandoned()
                self._folder, self._held = _own_folder()
            folder = Path(self._folder.name) / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        suffix = next((s for s in _SUFFIXES if label.lower().endswith(s)), "")
        return folder / f"model{suffix}"

    def add(self, path: Path, label: str) -> Upload:
        """Take a file that was written to a `new_path`; it stays until `settle` or `remove`."""
        address, size = f"upload:{path.parent.name}", path.stat().st_size
        upload = Upload(address, clean_label(label), path, size, SESSION.get())
        with self._lock:
            self._files[upload.address] = upload
            self._fresh.add(upload.address)
        return upload

    def settle(self, upload: Upload) -> None:
        """Keep a file that was read; the oldest of those that were make room."""
        with self._lock:
            self._fresh.discard(upload.address)
            settled = [f for f in self._files.values() if f.address not in self._fresh]
            size = sum(f.size for f in settled)
            gone = []
            while len(settled) > self._max_files or (len(settled) > 1 and size > self._max_bytes):
                gone.append(settled.pop(0))
                size -= gone[-1].size
            for old in gone:
                del self._files[old.address]
        for old in gone:
            self.discard(old.path)

    def get(self, address: str) -> Upload:
        """Return an upload of the session at hand, or a program's.

        Raises:
            NoUpload: it has none of that address (any more).
        """
        with self._lock:
            found = self._files.get(address)
        if found is None or found.session not in ("", SESSION.get()):
            raise NoUpload(address[:48], "no such upload (any more)", "send the file again")
        return found

    def remove(self, address: str) -> None:
        """Forget an upload and remove its file."""
        upload = self.get(address)
        with self._lock:
            self._files.pop(address, None)
            self._fresh.discard(address)
        self.discard(upload.path)

    def discard(self, path: Path) -> None:
        """Remove a file that was written to a `new_path`, and its folder."""
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            path.parent.rmdir()

    def all(self) -> tuple[Upload, ...]:
        """Return the uploads of the session at hand, oldest first; also those being read."""
        mine = SESSION.get()
        with self._lock:
            return tuple(upload for upload in self._files.values() if upload.session == mine)

    def close(self) -> None:
        """Remove everything."""
        with self._lock:
            self._files.clear()
            folder, self._folder = self._folder, None
        if folder is not None:
            os.close(self._held)
            folder.cleanup()


def clear_abandoned() -> None:
    """Remove the uploads of servers of ours that were killed: nobody holds their folders."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
                continue
            held = _hold(folder)  # fails where a server holds it
            try:
                shutil.rmtree(folder)
            finally:
                os.close(held)


def _own_folder() -> tuple[tempfile.TemporaryDirectory[str], int]:
    """Return a folder that is removed by close(), when the interpreter ends, or by a next server.

    A server that starts at the same moment may take it for an abandoned one: then another is made.
    """
    while True:
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
        try:
            return folder, _hold(Path(folder.name))
        except (BlockingIOError, FileNotFoundError):
            continue


def _hold(folder: Path) -> int:
    """Hold a folder as long as this process lives.

    Raises:
        OSError: another process holds it.
    """
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held


def clean_label(label: str) -> str:
    """Return the last part of a file's name, printable and short."""
    name = re.split(r"[\\/]", label)[-1]
    name = "".join(c for c in name if c.isprintable()).strip()
    return name[-_MAX_LABEL:] or "model"
