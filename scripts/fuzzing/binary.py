"""Mutations inside the formats of our own: chunks with checksums, arrays with fingerprints."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from fuzzing.nasty import as_json, document, raw

_CHUNK = struct.Struct("<4sBBHII")
_FLOATS = (
    0.0, -1.0, 1e308, -1e308, 5e-324, 1e-300, float("nan"), float("inf"), float("-inf"), 1e9, 1e18,
)  # fmt: skip

Files = Mapping[str, bytes]


def stream(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Return a stream of a recording with chunks changed, their checksums right again."""
    if rng.random() < 0.1:
        return raw(rng, data, other)
    chunks = []
    at = 0
    while at + _CHUNK.size <= len(data):
        _, kind, phase, _, length, _ = _CHUNK.unpack_from(data, at)
        chunks.append([kind, phase, data[at + _CHUNK.size : at + _CHUNK.size + length]])
        at += _CHUNK.size + length
    for _ in range(rng.choice((1, 1, 2, 3))):
        if not chunks:
            break
        place = rng.randrange(len(chunks)) if rng.random() < 0.7 else 0
        _change_chunk(rng, chunks, place)
    return b"".join(_framed(*chunk) for chunk in chunks)


def _change_chunk(rng: random.Random, chunks: list[list[Any]], place: int) -> None:
    kind, _, payload = chunks[place]
    roll = rng.random()
    if roll < 0.1:
        chunks[place][0] = rng.choice((0, 1, 2, 3, 4, 255))
    elif roll < 0.15:
        chunks[place][1] = rng.choice((0, 1, 2, 3, 4, 5, 255))
    elif roll < 0.2:
        del chunks[place]
    elif roll < 0.25:
        chunks.insert(place, list(chunks[rng.randrange(len(chunks))]))
    elif kind == 1:
        chunks[place][2] = as_json(document(rng, json.loads(payload)))
    elif roll < 0.35:
        chunks[place][2] = payload[: rng.randrange(len(payload) + 1)]
    else:
        chunks[place][2] = numbers(rng, payload)


def _framed(kind: int, phase: int, payload: bytes) -> bytes:
    head = _CHUNK.pack(b"EPC1", kind, phase, 0, len(payload), 0)
    check = zlib.crc32(payload, zlib.crc32(head))
    return _CHUNK.pack(b"EPC1", kind, phase, 0, len(payload), check) + payload


def numbers(rng: random.Random, payload: bytes) -> bytes:
    """Return bytes whose last 8 n are numbers with some of them changed."""
    head = len(payload) % 8
    values = np.frombuffer(payload, "<f8", offset=head).copy()
    if not values.size:
        return payload
    for _ in range(rng.choice((1, 2, 8))):
        place = rng.randrange(values.size)
        values[place :: rng.choice((values.size, values.size, 7, 1))] = rng.choice(_FLOATS)
    changed: bytes = values.tobytes()
    return payload[:head] + changed


def archive(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Return an archive of arrays with values, types, shapes or members changed."""
    if rng.random() < 0.2:
        return raw(rng, data, other)
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        arrays = {name: read.read(name) for name in read.namelist()}
    for _ in range(rng.choice((1, 1, 2, 4))):
        name = rng.choice([*arrays])
        arrays[name] = _changed_array(rng, arrays[name])
        if rng.random() < 0.1:
            arrays[rng.choice(("x.npy", "", "../x", "schema.json"))] = arrays.pop(name)
    out = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED,) * 5 + (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(out, "w", method) as written:
        for name, content in arrays.items():
            written.writestr(name, content)
    return out.getvalue()


def _changed_array(rng: random.Random, data: bytes) -> bytes:
    roll = rng.random()
    if not data.startswith(b"\x93NUMPY"):
        try:
            return as_json(document(rng, json.loads(data)))
        except ValueError:
            return raw(rng, data, b"")
    if roll < 0.15:
        return data[:128].replace(b"(", b"(9", 1) + data[128:]
    if roll < 0.25:
        return data.replace(b"<f8", rng.choice((b"<i8", b"|O ", b"<c8", b"|S8", b"<f4")), 1)
    try:
        values = np.load(io.BytesIO(data))
    except ValueError:
        return raw(rng, data, b"")
    if values.dtype.kind == "f" and values.size and roll < 0.6:
        values = np.frombuffer(numbers(rng, values.astype("<f8").tobytes()))
    elif values.dtype.kind in "iu" and values.size and roll < 0.6:
        values = values.copy()
        values.flat[rng.randrange(values.size)] = rng.choice((-1, 0, 1, 100, 2**31 - 1))
    else:
        cut = rng.randrange(max(1, len(values.reshape(-1))))
        values = rng.choice((values.reshape(-1)[:cut], values[None], values.astype("f4")))
    out = io.BytesIO()
    np.save(out, values, allow_pickle=False)
    return out.getvalue()


def resigned(files: Files) -> dict[str, bytes]:
    """Return a predictor's files with the fingerprints that belong to them."""
    made = dict(files)
    try:
        header = json.loads(made["predictor.json"])
        header["files"] = {
            name: hashlib.sha256(data).hexdigest()
            for name, data in made.items()
            if name != "predictor.json"
        }
        header.pop("sha256", None)
        text = json.dumps(header, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        made["predictor.json"] = json.dumps({**header, "sha256": digest}).encode()
    except (ValueError, TypeError, AttributeError):
        return made
    return made
