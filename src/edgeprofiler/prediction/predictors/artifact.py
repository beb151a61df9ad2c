"""A trained predictor at rest: `predictor.json`, `arrays.npz` and nothing that executes.

The header holds the schema, the features in order, device, provenance, errors and versions, and
SHA-256 of every other file and of itself. Equal contents give equal bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core import files
from edgeprofiler.core.errors import InvalidInput

SCHEMA = "edgeprofiler.predictor/1"
HEADER = "predictor.json"
ARRAYS = "arrays.npz"
MAX_BYTES = 256 * 1024 * 1024
"""Most bytes that the arrays of a predictor may take, packed or not."""

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


def unpack(contents: Mapping[str, bytes], source: object) -> Artifact:
    """Return the artifact that files hold; refuse what is not exactly what was written.

    Raises:
        InvalidInput: a file is missing, truncated, altered or of another version.
    """
    header = files.parse_json(_text(contents, source), source)
    if not isinstance(header, dict):
        raise InvalidInput(source, f"{HEADER} is no JSON object")
    schema = header.get("schema")
    if schema != SCHEMA:
        raise InvalidInput(source, f"schema is {str(schema)[:40]!r}", f"expected {SCHEMA!r}")
    if header.get("sha256") != _fingerprint(header):
        raise InvalidInput(source, f"{HEADER} was altered: its checksum does not match", _AGAIN)
    listed = header.get("files")
    if not isinstance(listed, dict) or ARRAYS not in listed:
        raise InvalidInput(source, f"{HEADER} lists no {ARRAYS}")
    for name, expected in listed.items():
        if name not in contents:
            raise InvalidInput(source, f"{name} is missing", _AGAIN)
        if files.sha256_of(contents[name]) != expected:
            raise InvalidInput(
                source, f"{name} was altered or cut off: its checksum differs", _AGAIN
            )
    arrays = _unpack_arrays(contents[ARRAYS], source)
    return Artifact(header, arrays, {n: contents[n] for n in listed if n != ARRAYS})


def check_name(name: object, source: object) -> str:
    """Return the name of a file within an artifact; refuse one that leads out of its folder."""
    path = PurePosixPath(name) if isinstance(name, str) else PurePosixPath()
    if not isinstance(name, str) or len(path.parts) != 1 or name.startswith(".") or "\\" in name:
        raise InvalidInput(source, f"lists a file {str(name)[:40]!r} that is no plain name")
    return name


_AGAIN = "fetch or train it again"


def _text(contents: Mapping[str, bytes], source: object) -> str:
    try:
        return contents[HEADER].decode("utf-8")
    except KeyError:
        raise InvalidInput(source, f"has no {HEADER}", "name a predictor's folder") from None
    except UnicodeDecodeError:
        raise InvalidInput(source, f"{HEADER} is no UTF-8 text") from None


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
    arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise InvalidInput(source, f"{ARRAYS} unpacks to more than {MAX_BYTES >> 20} MiB")
            for entry in entries:
                with archive.open(entry) as file:
                    array = np.lib.format.read_array(io.BytesIO(file.read()), allow_pickle=False)
                array.setflags(write=False)
                arrays[entry.filename.removesuffix(".npy")] = array
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError) as error:
        raise InvalidInput(source, f"{ARRAYS} cannot be read ({error})", _AGAIN) from None
    return arrays
