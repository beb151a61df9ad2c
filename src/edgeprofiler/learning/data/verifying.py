"""Read back what a remote keeps of a version; run as a program in a private project's folder.

    python -m edgeprofiler.learning.data.verifying MD5 [--repair]

DVC itself asks a remote only whether it has an object, not whether the object is what its name
says. Leaves `flaws.json` in the folder: a list with the fields of each `Flaw`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20
_READERS = 8
"""Objects read at once: most of the time of small ones is the way there and back."""
REPORT = "flaws.json"
LISTING = "its list of files"


@dataclass(frozen=True)
class Flaw:
    """An object of a remote that is not what its name says."""

    name: str
    """Which file of the version it is."""
    path: str
    """Where it lies."""
    missing: bool
    repaired: bool = False

    def __str__(self) -> str:
        return f"{self.name} {'is missing' if self.missing else 'is damaged'} ({self.path})"


def flaws(md5: str, repair: bool) -> Iterator[Flaw]:
    """Yield what the remote of the project in this folder lacks or has damaged of a version.

    Args:
        md5: fingerprint of the version, as its pointer has it.
        repair: whether to overwrite damaged objects by the project's own.
    """
    from dvc.repo import Repo

    with Repo(".") as project:
        remote, own = project.cloud.get_remote_odb(), project.cache.local
        objects = {md5: LISTING if md5.endswith(".dir") else "the file"}
        yield from _flaws(remote, own, objects, repair)
        listing = next((odb for odb in (own, remote) if odb.fs.exists(odb.oid_to_path(md5))), None)
        if listing is not None and md5.endswith(".dir"):
            yield from _flaws(remote, own, _files(listing, md5), repair)


def _files(odb: Any, md5: str) -> dict[str, str]:
    """Return the name of a file of each fingerprint in a folder; none of a damaged listing."""
    with odb.fs.open(odb.oid_to_path(md5), "rb") as stream:
        text = stream.read()
    if hashlib.md5(text, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
        return {}
    return {entry["md5"]: entry["relpath"] for entry in reversed(json.loads(text))}


def _flaws(remote: Any, own: Any, objects: dict[str, str], repair: bool) -> Iterator[Flaw]:
    def look(md5: str) -> Flaw | None:
        path = remote.oid_to_path(md5)
        if not remote.fs.exists(path):  # DVC's own `exists` removes what it finds damaged
            return Flaw(objects[md5], path, missing=True)
        if _is_whole(remote, md5):
            return None
        if repair:
            remote.fs.put_file(own.oid_to_path(md5), path)
        return Flaw(objects[md5], path, missing=False, repaired=repair)

    with ThreadPoolExecutor(_READERS) as pool:
        for done, flaw in enumerate(pool.map(look, objects), 1):
            # a bar as DVC draws it, for whoever runs this program
            print(f"|Checking the remote {done}/{len(objects)} [00:00", file=sys.stderr)
            if flaw is not None:
                yield flaw


def _is_whole(odb: Any, md5: str) -> bool:
    digest = hashlib.md5(usedforsecurity=False)  # as DVC does
    with odb.fs.open(odb.oid_to_path(md5), "rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == md5.removesuffix(".dir")


def main(arguments: list[str]) -> None:
    """Write the flaws of a version."""
    md5, *options = arguments
    found = [asdict(flaw) for flaw in flaws(md5, "--repair" in options)]
    Path(REPORT).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
