"""Trained predictors in folders: the plain form that every other store keeps too."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from edgeprofiler.core import files, limits
from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.core.folders import atomic_folder
from edgeprofiler.prediction.predictors.artifact import (
    HEADER,
    Artifact,
    pack,
    unpack,
)


class FolderStore:
    """Predictors in folders below `root`; the address is the folder's path."""

    name = "folder"

    def __init__(self, root: str | Path = ".") -> None:
        self._root = Path(root)

    def get(self, address: str) -> Artifact:
        """Return the artifact in a folder.

        Raises:
            InvalidInput: the folder holds no predictor, or it was altered or cut off.
        """
        folder = self._root / address
        if not folder.is_dir():
            raise InvalidInput(folder, "is no folder", "name the folder that `train` wrote")
        if not (folder / HEADER).is_file():
            raise InvalidInput(folder, f"has no {HEADER}", "name the folder that `train` wrote")
        most = {HEADER: limits.PREDICTOR_HEADER_BYTES}

        def read(name: str) -> bytes:
            return files.read_bytes(folder / name, most.get(name, limits.ARRAYS_BYTES))

        return unpack(read, folder)

    def put(self, artifact: Artifact, address: str) -> str:
        """Write an artifact into a folder, which is made: whole, or what was there stays.

        Raises:
            CannotWrite: the folder cannot be made or written, or holds something else.
        """
        folder = self._root / address
        if folder.is_dir() and any(folder.iterdir()) and not (folder / HEADER).exists():
            raise CannotWrite(folder, "holds other files and no predictor")
        contents = pack(artifact)
        with atomic_folder(folder) as made:
            for name, data in contents.items():
                files.write_bytes(made / name, data)
        for stale in folder.glob("*.skops"):
            if stale.name not in contents:
                with contextlib.suppress(OSError):
                    stale.unlink()
        return str(folder)

    def list(self) -> Sequence[str]:
        """Return the folders below the root that hold a predictor."""
        found = self._root.glob(f"*/{HEADER}")
        return sorted(str(path.parent.relative_to(self._root)) for path in found)
