"""Framed, checksummed chunks appended to a file, readable up to the first broken one.

A chunk is a header (magic, kind, phase, payload length, CRC-32 of all that and the payload)
and its payload. There is no index: a file cut at any byte is read up to its last whole chunk.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.core.files import check_readable
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.values import Value, parse_json

MAGIC = b"EPC1"
_BLOCK_BYTES = 8_000_000
"""What is written at once, and lost at once where the disk is full."""
_HEADER = struct.Struct("<4sBBHII")


class ChunkKind(IntEnum):
    """What a payload holds."""

    JSON = 1
    POWER = 2
    RUNS = 3


class Phase(IntEnum):
    """What went on while a chunk was sampled."""

    OTHER = 0
    IDLE_BEFORE = 1
    WARMUP = 2
    RUN = 3
    IDLE_AFTER = 4


@dataclass(frozen=True)
class Chunk:
    """One whole, verified chunk."""

    kind: int
    phase: int
    payload: bytes

    def json(self, source: object) -> Value:
        """Return the object in a JSON payload; `InvalidInput` if it is none."""
        if self.kind != ChunkKind.JSON:
            raise InvalidInput(source, "holds a chunk that is not a JSON object")
        value = parse_json(self.payload, source)
        value.mapping()
        return value


class ChunkWriter:
    """Appends chunks to a new file. A chunk that fails is cut off again, whole or not at all.

    Args:
        head: object of the first chunk, where there is one.

    Raises:
        CannotWrite: the file exists, or the disk is full, read-only or gone.
    """

    def __init__(self, path: Path, head: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self._good_bytes = 0
        self._descriptor = -1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o666)
            _sync_folder(path.parent)
            if head is not None:
                self.write_json(head)
        except OSError as error:
            raise CannotWrite.because(path, error) from None
        except BaseException:
            self.close()
            raise

    def write(self, kind: ChunkKind, payload: bytes, phase: int = Phase.OTHER) -> None:
        """Append one chunk; it is safe from a killed process, and after `sync` from a power cut."""
        head = _HEADER.pack(MAGIC, kind, phase, 0, len(payload), 0)
        check = zlib.crc32(payload, zlib.crc32(head))
        data = memoryview(_HEADER.pack(MAGIC, kind, phase, 0, len(payload), check) + payload)
        total = len(data)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self._cut()
            raise CannotWrite.because(self.path, error) from None
        except KeyboardInterrupt:
            self._cut()  # chunks that are written later must not stand behind half a chunk
            raise
        self._good_bytes += total

    def write_json(self, value: Mapping[str, Any]) -> None:
        """Append a JSON object."""
        self.write(ChunkKind.JSON, json.dumps(value, allow_nan=True).encode())

    def write_table(
        self, kind: ChunkKind, table: FloatArray, phase: int, head: bytes = b""
    ) -> None:
        """Append a table of two dimensions as chunks of some megabytes, each behind `head`."""
        rows = max(1, _BLOCK_BYTES // (8 * table.shape[1]))
        for start in range(0, len(table), rows):
            block = np.ascontiguousarray(table[start : start + rows], "<f8")
            self.write(kind, head + block.tobytes(), phase)

    def sync(self) -> None:
        """Wait until all chunks lie on the disk."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise CannotWrite.because(self.path, error) from None

    def close(self) -> None:
        """Close the file; harmless when closed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _cut(self) -> None:
        try:
            os.ftruncate(self._descriptor, self._good_bytes)
            os.lseek(self._descriptor, self._good_bytes, os.SEEK_SET)
        except OSError:
            return  # the reader stops at the broken chunk all the same


def read_chunks(path: Path) -> tuple[list[Chunk], str]:
    """Return all whole chunks of a file, and what was lost after them (empty: nothing).

    Raises:
        InvalidInput: the file is missing, unreadable or far too large.
    """
    if path.is_file() and path.stat().st_size == 0:
        return [], "is empty: the process died before it wrote anything"
    size = check_readable(path, limits.STREAM_BYTES)
    chunks: list[Chunk] = []
    at = 0
    with path.open("rb") as file:
        while at < size:
            head = file.read(_HEADER.size)
            if len(head) < _HEADER.size:
                break
            magic, kind, phase, reserved, length, check = _HEADER.unpack(head)
            if magic != MAGIC or length > min(limits.CHUNK_BYTES, size - at - _HEADER.size):
                break
            payload = file.read(length)
            zeroed = _HEADER.pack(magic, kind, phase, reserved, length, 0)
            if zlib.crc32(payload, zlib.crc32(zeroed)) != check:
                break
            chunks.append(Chunk(kind, phase, payload))
            at += _HEADER.size + length
    if at < size:
        whole = f"{len(chunks)} whole chunk{'' if len(chunks) == 1 else 's'}"
        return chunks, f"breaks off after {whole}: {size - at} of {size} bytes are lost"
    return chunks, ""


def _sync_folder(folder: Path) -> None:
    """Bring a new file's name to the disk too: a power cut could take it otherwise."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
