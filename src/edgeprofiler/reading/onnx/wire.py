"""Skimming an ONNX file: everything that shapes depend on, without the weights.

Parsing a 500 MB model whole takes twice its size in memory, though only the dimensions of its
weights matter here. So the protobuf wire format is walked over a memory map, and the payloads
of large tensors (initialisers, Constant attributes, in subgraphs and functions too),
documentation and metadata are left out. What remains is a valid, small ONNX file.

The wire format: https://protobuf.dev/programming-guides/encoding/; field numbers: `onnx.proto`.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from pathlib import Path

from edgeprofiler.core import files, limits
from edgeprofiler.core.errors import InvalidInput

_SMALL_BYTES = 128
_FLOAT_PAYLOAD_BYTES = 1024
_INTEGER_PAYLOAD_BYTES = 1024 * 1024
_SCALAR_LIMIT_BYTES = 1024 * 1024
_SHAPE_DTYPES = frozenset({5, 6, 7, 9, 12, 13})
"""TensorProto data types that shapes and indices have: 16- to 64-bit integers, booleans."""

_MAPPED_BYTES = 32 * 1024**2
"""How much of a file is passed before its pages are given back: a touch may map megabytes."""

_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _TENSOR, _SPARSE, _FUNCTION, _VALUE_INFO = range(8)

_CHILDREN: dict[int, dict[int, int]] = {
    _MODEL: {7: _GRAPH, 25: _FUNCTION},
    _GRAPH: {
        1: _NODE, 5: _TENSOR, 15: _SPARSE, 11: _VALUE_INFO, 12: _VALUE_INFO, 13: _VALUE_INFO,
    },
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _VALUE_INFO: {},
}  # fmt: skip
_DROPPED: dict[int, frozenset[int]] = {  # documentation, metadata, training, devices
    _MODEL: frozenset({6, 14, 20, 26}),
    _GRAPH: frozenset({10, 14, 16}),
    _NODE: frozenset({6, 9, 10}),
    _ATTRIBUTE: frozenset({13}),
    _SPARSE: frozenset(),
    _FUNCTION: frozenset({8, 12, 14}),
    _VALUE_INFO: frozenset({3, 4}),
}
_LARGE_DROPPED = {_ATTRIBUTE: frozenset({4, 7, 8, 9})}
"""Fields left out where they are large: an attribute's string and its lists of numbers."""
_PAYLOADS = frozenset({4, 5, 6, 7, 9, 10, 11})
_TENSOR_DROPPED = frozenset({12, 16})


class _Malformed(ValueError):
    """The bytes are no protobuf message."""


@dataclass
class _Budget:
    fields: int = field(default_factory=lambda: limits.ONNX_FIELDS)
    kept: int = field(default_factory=lambda: limits.ONNX_KEPT_BYTES)
    mapped: int = 0
    """Bytes of tensors passed since the map's pages were last given back."""
    whole: frozenset[bytes] = frozenset()
    """Names of tensors whose payloads are kept, however large."""


Buffer = bytes | mmap.mmap


def skim_file(path: Path, whole: frozenset[str] = frozenset()) -> bytes:
    """Return the ONNX file at `path` without the payloads of large tensors.

    Args:
        path: the file.
        whole: names of tensors whose payloads are kept all the same.

    Raises:
        InvalidInput: the file cannot be read, is truncated, or is no protobuf message.
    """
    files.check_readable(path, limits.MODEL_BYTES)
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view,
        ):
            return skim(view, path, whole)
    except (OSError, ValueError) as error:
        raise InvalidInput(path, f"cannot be read ({error})") from None


def skim(data: Buffer, source: object, whole: frozenset[str] = frozenset()) -> bytes:
    """Return a serialised ModelProto without the payloads of large tensors."""
    budget = _Budget(whole=frozenset(name.encode() for name in whole))
    try:
        return b"".join(_message(data, 0, len(data), _MODEL, budget, 0))
    except _Malformed as error:
        raise InvalidInput(source, f"is not an ONNX file ({error})") from None


def _varint(data: Buffer, position: int, end: int) -> tuple[int, int]:
    result = shift = 0
    while position < end:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
        if shift > 63:
            raise _Malformed(f"a number at byte {position} has no end")
    raise _Malformed(f"it ends within a field, at byte {end}")


def _field(data: Buffer, position: int, end: int) -> tuple[int, int, int, int]:
    """Return number, wire type, start and end of the content of the field at `position`."""
    tag, position = _varint(data, position, end)
    number, wire = tag >> 3, tag & 7
    if number == 0 or number > 536_870_911:
        raise _Malformed(f"no field has number {number}, at byte {position}")
    if wire == 2:
        length, position = _varint(data, position, end)
        stop = position + length
    elif wire == 0:
        _, stop = _varint(data, position, end)
    elif wire == 5:
        stop = position + 4
    elif wire == 1:
        stop = position + 8
    else:
        raise _Malformed(f"wire type {wire} at byte {position}")
    if stop > end:
        raise _Malformed(f"a field at byte {position} claims more than the file holds")
    return number, wire, position, stop


def _message(
    data: Buffer, start: int, end: int, kind: int, budget: _Budget, depth: int
) -> list[bytes]:
    if kind == _TENSOR:
        return _tensor(data, start, end, budget)
    if depth > limits.ONNX_DEPTH:
        raise _Malformed("its subgraphs are nested too deep")
    children, dropped = _CHILDREN[kind], _DROPPED[kind]
    large = _LARGE_DROPPED.get(kind, frozenset())
    parts: list[bytes] = []
    run = position = start
    while position < end:
        tag_at = position
        number, wire, content, position = _field(data, position, end)
        budget.fields -= 1
        if budget.fields < 0:
            raise _Malformed(f"it has more than {limits.ONNX_FIELDS} fields")
        size = position - content
        child = children.get(number) if wire == 2 else None
        if number in dropped or (number in large and size > _SCALAR_LIMIT_BYTES):
            _keep(data, run, tag_at, parts, budget)
            run = position
        elif child is not None and size > _SMALL_BYTES:
            inner = _message(data, content, position, child, budget, depth + 1)
            kept = sum(map(len, inner))
            if kept != size:
                _keep(data, run, tag_at, parts, budget)
                run = position
                parts.append(_encode(number << 3 | 2) + _encode(kept))
                parts += inner
            else:
                budget.kept += kept  # copied with the run instead
    _keep(data, run, end, parts, budget)
    return parts


def _tensor(data: Buffer, start: int, end: int, budget: _Budget) -> list[bytes]:
    budget.mapped += end - start
    if budget.mapped > _MAPPED_BYTES:
        budget.mapped = 0
        if isinstance(data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            data.madvise(mmap.MADV_DONTNEED)
    parts: list[bytes] = []
    payloads: list[tuple[int, int]] = []
    dtype, name = 0, b""
    run = position = start
    while position < end:
        tag_at = position
        number, wire, content, position = _field(data, position, end)
        budget.fields -= 1
        if budget.fields < 0:
            raise _Malformed(f"it has more than {limits.ONNX_FIELDS} fields")
        if number == 2 and wire == 0:
            dtype, _ = _varint(data, content, position)
        elif number == 8 and wire == 2:
            name = data[content:position]
        if number in _PAYLOADS or number in _TENSOR_DROPPED:
            _keep(data, run, tag_at, parts, budget)
            run = position
            if number in _PAYLOADS:
                payloads.append((tag_at, position))
    _keep(data, run, end, parts, budget)
    # The type may be written after the data, so what to keep is decided at the end.
    limit = _INTEGER_PAYLOAD_BYTES if dtype in _SHAPE_DTYPES else _FLOAT_PAYLOAD_BYTES
    if name in budget.whole or sum(stop - begin for begin, stop in payloads) <= limit:
        for begin, stop in payloads:
            _keep(data, begin, stop, parts, budget)
    return parts


def _keep(data: Buffer, start: int, end: int, parts: list[bytes], budget: _Budget) -> None:
    if end <= start:
        return
    budget.kept -= end - start
    if budget.kept < 0:
        raise _Malformed(
            f"its graph alone takes more than {limits.ONNX_KEPT_BYTES // limits.MIB} MiB"
        )
    parts.append(data[start:end])


def _encode(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
