"""What a file or folder holds, as one fingerprint: the one that DVC writes into its pointers."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import digest_of_file


@dataclass(frozen=True)
class Content:
    """Fingerprint, number of files and bytes of a file or folder."""

    md5: str
    """MD5 of the file, or of the sorted listing of a folder's files, then with `.dir`."""
    files: int
    size_bytes: int


def content_of(path: Path) -> Content:
    """Return what a file or folder holds; empty folders inside do not count.

    Raises:
        InvalidInput: there is no such path, it holds a link or a device, or no file at all.
    """
    if path.is_symlink():
        raise InvalidInput(path, "is a symbolic link", "give the folder that it leads to")
    if path.is_file():
        return Content(digest_of_file(path, "md5"), 1, path.stat().st_size)
    if not path.is_dir():
        raise InvalidInput(path, "no such file or folder", "check the path")
    listing, size = [], 0
    for folder, folders, names in os.walk(path):
        for name in (*names, *folders):
            found = Path(folder, name)
            if found.is_symlink() or not (found.is_file() or found.is_dir()):
                raise InvalidInput(found, "is no plain file", "copy it into the folder, or move it")
        for name in names:
            found = Path(folder, name)
            listing.append(
                {"md5": digest_of_file(found, "md5"), "relpath": found.relative_to(path).as_posix()}
            )
            size += found.stat().st_size
    if not listing:
        raise InvalidInput(path, "holds no files")
    listing.sort(key=lambda entry: entry["relpath"])
    text = json.dumps(listing, sort_keys=True).encode()
    md5 = hashlib.md5(text, usedforsecurity=False).hexdigest()  # as DVC does
    return Content(f"{md5}.dir", len(listing), size)


def git_blob_of(data: bytes) -> str:
    """Return the name that git gives a file's contents."""
    header = f"blob {len(data)}\0".encode()
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()
