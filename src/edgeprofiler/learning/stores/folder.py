"""Predictors and boards in folders: the plain form that every other store keeps too."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from edgeprofiler.core import files, limits
from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.core.folders import atomic_folder
from edgeprofiler.learning.stores.kept import KINDS, Kept, kind_of, pack_kept


class FolderStore:
    """Predictors and boards in folders below `root`; the address is the folder's path."""

    name = "folder"

    def __init__(self, root: str | Path = ".") -> None:
        self._root = Path(root)

    def get(self, address: str) -> Kept:
        """Return what is kept in a folder.

        Raises:
            InvalidInput: the folder holds nothing of ours, or it was altered or cut off.
        """
        folder = self._root / address
        if not folder.is_dir():
            raise InvalidInput(folder, "is no folder", "name the folder that `train` wrote")
        kind = next((kind for kind in KINDS if (folder / kind.header).is_file()), None)
        if kind is None:
            headers = " and no ".join(kind.header for kind in KINDS)
            raise InvalidInput(folder, f"has no {headers}", "name the folder that `train` wrote")
        most = {kind.header: kind.header_bytes}

        def read(name: str) -> bytes:
            return files.read_bytes(folder / name, most.get(name, limits.ARRAYS_BYTES))

        return kind.unpack(read, folder)

    def put(self, kept: Kept, address: str) -> str:
        """Write a thing into a folder, which is made: whole, or what was there stays.

        Raises:
            CannotWrite: the folder cannot be made or written, or holds something else.
        """
        folder, kind = self._root / address, kind_of(kept)
        if folder.is_dir() and any(folder.iterdir()) and not (folder / kind.header).exists():
            raise CannotWrite(folder, f"holds other files and no {kind.name}")
        contents = pack_kept(kept)
        with atomic_folder(folder) as made:
            for name, data in contents.items():
                files.write_bytes(made / name, data)
        for stale in folder.glob("*.skops"):
            if stale.name not in contents:
                with contextlib.suppress(OSError):
                    stale.unlink()
        return str(folder)

    def list(self) -> Sequence[str]:
        """Return the folders below the root that hold something of ours."""
        found = (path for kind in KINDS for path in self._root.glob(f"*/{kind.header}"))
        return sorted(str(path.parent.relative_to(self._root)) for path in found)
