"""JSON and TOML, read within bounds."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import read_text
from edgeprofiler.core.values.value import TomlValue, Value

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = re.compile(
    rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{{limits.TOML_PARTS}}}"
)
"""More parts of a dotted key than are taken: tomllib needs quadratic time for them."""


def read_json(path: Path, max_bytes: int = limits.TEXT_BYTES) -> Value:
    """Return what a JSON file holds.

    Raises:
        InvalidInput: it cannot be read, is too large, no UTF-8 or no JSON.
    """
    return parse_json(read_text(path, max_bytes), path)


def parse_json(text: str | bytes, source: object) -> Value:
    """Return what a JSON text holds; `InvalidInput` says line and column.

    >>> parse_json('{"runs": [1, 2 3]}', "times.json")
    Traceback (most recent call last):
    edgeprofiler.core.errors.InvalidInput: times.json: is not JSON (line 1, column 16: ...)
    """
    room = _room(text)
    if room > limits.JSON_ROOM_BYTES:
        raise InvalidInput(
            source, f"holds too much JSON (it takes {room / 1e6:.0f} MB)", "split it"
        )
    try:
        # TensorRT 8.6 and later write control characters into the names of layers.
        return Value(json.loads(text, strict=False), source)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            source, f"is not JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        ) from None
    except (RecursionError, ValueError) as error:  # too deep, an integer too long, no UTF-8
        raise InvalidInput(source, f"is not usable JSON ({type(error).__name__})") from None


_ROOM = {"{": 240, "[": 96, ":": 100, '"': 24, ",": 40}
"""Bytes that an object, a list, a key, half a text and another entry take at most (Python 3.11)."""


def _room(text: str | bytes) -> int:
    """Return at most how many bytes a JSON text takes as objects, the texts in it aside."""
    if isinstance(text, bytes):
        return sum(text.count(mark.encode()) * size for mark, size in _ROOM.items())
    return sum(text.count(mark) * size for mark, size in _ROOM.items())


def read_toml(path: Path, max_bytes: int = limits.TOML_BYTES) -> Value:
    """Return the table of a TOML file.

    Raises:
        InvalidInput: it cannot be read, is too large, no UTF-8 or no TOML.
    """
    return parse_toml(read_text(path, max_bytes), path)


def parse_toml(text: str, source: object) -> Value:
    """Return the table of a TOML text; `InvalidInput` says the place."""
    long = _LONG_KEY.search(text)
    if long is not None:
        line = text.count("\n", 0, long.start()) + 1
        raise InvalidInput(source, f"has a key of more than {limits.TOML_PARTS} parts, line {line}")
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib  # type: ignore[no-redef,unused-ignore]
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also an integer too long
        raise InvalidInput(source, f"is not TOML ({error})") from None
    return TomlValue(table, source)


def shipped_toml(package: str, name: str) -> Value:
    """Return the table of a TOML file that lies in a package of ours, `data/prior.toml`."""
    path = resources.files(package).joinpath(name)
    return parse_toml(path.read_text(encoding="utf-8"), path)
