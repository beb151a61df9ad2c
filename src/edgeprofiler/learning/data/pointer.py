"""DVC's pointer: the small `NAME.dvc` that is committed in place of the data."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from edgeprofiler.core import files, limits
from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.core.extras import require
from edgeprofiler.core.text import first_line

_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True)
class Pointer:
    """One version of a file or folder."""

    name: str
    """What it is called beside the pointer."""
    md5: str
    """Fingerprint of its content; empty where DVC 2 wrote the pointer, which hashed otherwise."""
    text: str


def read_pointer(path: Path, revision: str | None = None) -> Pointer:
    """Return the pointer in a file, as it is or as it was at a git revision.

    Raises:
        InvalidInput: it is none, or there is no such revision.
    """
    if revision is None:
        return parse_pointer(files.read_text(path, limits.POINTER_BYTES), path)
    return parse_pointer(_at_revision(path, revision), f"{path}@{revision}")


def parse_pointer(text: str, source: object) -> Pointer:
    """Return the pointer that a text is."""
    value = _yaml(text, source)
    outs = value.get("outs") if isinstance(value, dict) else None
    if not isinstance(outs, list) or len(outs) != 1 or not isinstance(outs[0], dict):
        raise InvalidInput(source, "is no DVC pointer: it names no output, or several")
    out = outs[0]
    name, md5 = out.get("path"), out.get("md5", "")
    if not isinstance(name, str) or PurePosixPath(name).name != name or name in ("", ".", ".."):
        raise InvalidInput(source, f"points to {str(name)[:60]!r}, which does not lie beside it")
    if not isinstance(md5, str) or (md5 and not _MD5.fullmatch(md5)):
        raise InvalidInput(source, f"has the checksum {str(md5)[:60]!r}, which is no MD5")
    return Pointer(name, md5 if out.get("hash") == "md5" else "", text)


def _yaml(text: str, source: object) -> Any:
    with require("data"):
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
        from ruamel.yaml.events import NodeEvent
    try:
        events = YAML(typ="safe", pure=True).parse(text)
        if any(event.anchor for event in events if isinstance(event, NodeEvent)):
            # Lists of one another grow a text of a hundred bytes to gigabytes.
            raise InvalidInput(source, "is no DVC pointer (it has anchors)")
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise InvalidInput(source, f"is no DVC pointer ({first_line(error)})") from None


def _at_revision(path: Path, revision: str) -> str:
    if revision.startswith("-"):
        raise InvalidInput(revision, "is no git revision")
    try:
        done = subprocess.run(
            ["git", "show", f"{revision}:./{path.name}"],
            cwd=path.parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except (FileNotFoundError, NotADirectoryError):
        raise Unavailable(
            f"git or {path.parent} is missing", "install git; check the path"
        ) from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["git failed"]
        raise InvalidInput(f"{path}@{revision}", said[-1].removeprefix("fatal: "))
    return done.stdout
