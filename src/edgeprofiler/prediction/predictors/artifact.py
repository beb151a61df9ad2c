"""A trained predictor at rest: `predictor.json`, `arrays.npz` and nothing that executes.

The header holds the schema, the features in order, device, provenance, errors and versions, and
SHA-256 of every other file and of itself. Equal contents give equal bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core import files
from edgeprofiler.core.archives import members, parse_array
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import parse_json, shown

SCHEMA = "edgeprofiler.predictor/1"
HEADER = "predictor.json"
ARRAYS = "arrays.npz"

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Artifact:
    """Header and arrays of a trained predictor.

    `extra` holds further files by name: estimators of a user's own recipe, kept by skops.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]
    extra: Mapping[str, bytes] = field(default_factory=dict)


def pack(artifact: Artifact) -> dict[str, bytes]:
    """Return the files of an artifact by name; equal artifacts give equal bytes."""
    packed = _pack_arrays(artifact.arrays)
    contents = {ARRAYS: packed, **{name: artifact.extra[name] for name in sorted(artifact.extra)}}
    header = {
        **artifact.header,
        "schema": SCHEMA,
        "files": {name: files.sha256_of(data) for name, data in contents.items()},
    }
    header["sha256"] = _fingerprint(header)
    return {HEADER: files.dump_json(header).encode(), **contents}


def unpack(read: Callable[[str], bytes], source: object) -> Artifact:
    """Return the artifact that files hold; refuse what is not exactly what was written.

    Args:
        read: returns the file of a name; `InvalidInput` where there is none.
        source: where the files lie, for messages.

    Raises:
        InvalidInput: a file is missing, truncated, altered or of another version.
    """
    header = parse_json(read(HEADER), f"{source}/{HEADER}")
    header["schema"].choice((SCHEMA,))
    listed = header["files"]
    if ARRAYS not in listed:
        raise listed.fail(f"lists no {ARRAYS}")
    names = [check_name(name, source) for name in listed.mapping()]
    if header["sha256"].raw != _fingerprint(header.mapping()):
        raise header.fail("was altered: its checksum does not match", _AGAIN)
    contents = {}
    for name in names:
        contents[name] = read(name)
        if files.sha256_of(contents[name]) != listed[name].raw:
            raise InvalidInput(
                source, f"{name} was altered or cut off: its checksum differs", _AGAIN
            )
    arrays = _unpack_arrays(contents.pop(ARRAYS), source)
    return Artifact(header.mapping(), arrays, contents)


def digest_of(artifact: Artifact) -> str:
    """Return what tells an artifact from any other: SHA-256 of its header, which has the rest's."""
    known = artifact.header.get("sha256")
    return str(known) if known else files.sha256_of(pack(artifact)[HEADER])


def check_name(name: str, source: object) -> str:
    """Return the name of a file within an artifact; refuse one that leads out of its folder."""
    if len(PurePosixPath(name).parts) != 1 or name.startswith(".") or "\\" in name:
        raise InvalidInput(source, f"lists a file {shown(name)} that is no plain name")
    return name


_AGAIN = "fetch or train it again"


def _fingerprint(header: Mapping[str, Any]) -> str:
    body = {key: value for key, value in header.items() if key != "sha256"}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return files.sha256_of(text.encode("utf-8", "surrogatepass"))


def _pack_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    # numpy's own savez writes the time of day into the archive: two trainings would differ.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            data = io.BytesIO()
            np.lib.format.write_array(
                data, np.ascontiguousarray(arrays[name]), (1, 0), allow_pickle=False
            )
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, data.getvalue())
    return buffer.getvalue()


def _unpack_arrays(data: bytes, source: object) -> dict[str, npt.NDArray[Any]]:
    place = f"{source}/{ARRAYS}"
    return {
        name.removesuffix(".npy"): parse_array(content, f"{place}: {shown(name)}")
        for name, content in members(data, place)
    }
