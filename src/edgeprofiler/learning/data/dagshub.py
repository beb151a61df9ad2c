"""DagsHub's client: files of a repository, tracked by git or by DVC, one at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from edgeprofiler.core import files
from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.core.extras import require
from edgeprofiler.core.progress import Progress, silent
from edgeprofiler.core.text import first_line
from edgeprofiler.learning.data.content import git_blob_of

_AGAIN = "the data here are as they were; run the same command again to go on where it stopped"


class Repository:
    """A repository on DagsHub.

    Args:
        name: `OWNER/REPO`.
        revision: branch or commit; the default branch where `None`.
    """

    def __init__(self, name: str, revision: str | None = None) -> None:
        with require("dagshub"):
            import dagshub.auth
            import httpx
            from dagshub.common import config
            from dagshub.common.api.repo import PathNotFoundError, RepoAPI
        self.name, self._revision = name, revision
        self._lost, self._failures = PathNotFoundError, (RuntimeError, httpx.HTTPError)
        # Its own way without a token is to open a browser; public repositories need none.
        auth: Any = httpx.Auth()
        if os.environ.get("DAGSHUB_USER_TOKEN"):
            try:
                auth = dagshub.auth.get_authenticator(fail_if_no_token=True)
            except self._failures as error:
                raise Unavailable(
                    f"DagsHub: {first_line(error)}", "check DAGSHUB_USER_TOKEN"
                ) from None
        self._api = RepoAPI(name, host=config.host, auth=auth)

    def fetch(self, path: str, folder: Path, progress: Progress = silent) -> Path:
        """Make `folder` hold exactly the files below `path`; intact ones there are kept.

        Args:
            path: file or folder of the repository.
            folder: where they come.
            progress: is told how many files have arrived; nobody knows how many there are.

        Returns:
            The folder, or the file in it where `path` is a file.

        Raises:
            InvalidInput: there is no such path, or a file arrived altered.
            Unavailable: the server cannot be reached, or failed.
        """
        wanted: set[Path] = set()
        alone = False
        for entry in self._walk(path):
            inside = PurePosixPath(entry.path).relative_to(PurePosixPath(path))
            if ".." in inside.parts or inside.is_absolute():
                raise InvalidInput(self.name, f"lists {entry.path[:60]!r}, which leads elsewhere")
            alone = not inside.parts
            local = folder / (PurePosixPath(path).name if alone else inside)
            progress("files fetched", len(wanted), None)
            wanted.add(local)
            if local.is_file() and _intact(local.read_bytes(), entry.hash) is True:
                continue
            data = self._ask(self._api.get_file, entry.path)
            if entry.versioning == "dvc" and _intact(data, entry.hash) is False:
                raise InvalidInput(f"dagshub:{self.name}", f"{entry.path} arrived altered", _AGAIN)
            local.parent.mkdir(parents=True, exist_ok=True)
            files.write_bytes(local, data)
        for stale in [p for p in folder.rglob("*") if p.is_file() and p not in wanted]:
            stale.unlink()
        single = folder / PurePosixPath(path).name
        return single if alone and single.is_file() else folder

    def _walk(self, path: str) -> Iterator[Any]:
        waiting = [path]
        while waiting:
            for entry in self._ask(self._api.list_path, waiting.pop()):
                if entry.type == "dir":
                    waiting.append(entry.path)
                elif entry.type == "file":
                    yield entry

    def _ask(self, call: Any, path: str) -> Any:
        try:
            return call(path, self._revision)
        except self._lost:
            at = f" at {self._revision}" if self._revision else ""
            raise InvalidInput(f"dagshub:{self.name}", f"has no {path!r}{at}") from None
        except self._failures as error:
            raise Unavailable(f"DagsHub: {first_line(error)}", _AGAIN) from None


def _intact(data: bytes, said: str) -> bool | None:
    """Say whether data are what the server says; `None` where it says nothing that is known."""
    if len(said) == 32:
        return hashlib.md5(data, usedforsecurity=False).hexdigest() == said
    if len(said) == 40:
        return git_blob_of(data) == said
    return None
