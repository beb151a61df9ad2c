"""Values that programs trip over, and mutations of documents, texts and bytes made of them."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

_LONG = "@@DIGITS"
"""Stands for an integer that Python's own writer of JSON would refuse to write."""

NUMBERS: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 7, 255, 65537, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63),
    2**64, 10**30, -(10**30), 10**310, f"{_LONG}5000", 0.5, -0.5, 1e-9, -1e-9, 1e9, 5e-324, 1e-308,
    1e308, -1e308, float("nan"), float("inf"), float("-inf"), True, False,
)  # fmt: skip
TEXTS = (
    "", " ", "a", "0", "-1", "1e400", "nan", "inf", "a" * 5000, "\x1b[31mred\x1b]0;title\x07",
    "\u202eright\u202c", "\ud800", "\0", "\r\n", "<script>alert(1)</script>", "../../etc/passwd",
    "/dev/zero", "zoo:lenet", "x" * 40 + ".onnx", "{{7*7}}", "%s%n", "\U0001f600", "'\"`|;,\t",
    "\uff11\uff12", "1_000", "0x10", "1,5", "fp16", "int8", "jetson-orin-nano", "1x3x8x8",
)  # fmt: skip


def scalar(rng: random.Random) -> Any:
    """Return a number, a text, nothing, or something small and empty."""
    roll = rng.random()
    if roll < 0.55:
        return rng.choice(NUMBERS)
    if roll < 0.85:
        return rng.choice(TEXTS)
    return rng.choice((None, [], {}, [[]], [None], {"": None}))


def near(rng: random.Random, value: Any) -> Any:
    """Return something like a value: of its type, or a number a little off."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((value + 1, value - 1, -value, value * 1000, value * 2**40, float(value)))
    if isinstance(value, float):
        return rng.choice((-value, value * 1e3, value * 1e-3, value * 1e300, value * 1e-300))
    if isinstance(value, str):
        cut = rng.randrange(len(value) + 1)
        return rng.choice((value[:cut], value[cut:], value * 2, value + rng.choice(TEXTS)))
    return scalar(rng)


def document(rng: random.Random, root: Any, times: int = 0) -> Any:
    """Return a document with some of its values, keys and lists changed."""
    root = copy.deepcopy(root)
    for _ in range(times or rng.choice((1, 1, 1, 2, 2, 4, 8))):
        places: list[tuple[Any, Any]] = []
        _walk(root, places, rng)
        if not places:
            return scalar(rng)
        _change(rng, *rng.choice(places), places)
    return root


def _walk(value: Any, places: list[tuple[Any, Any]], rng: random.Random) -> None:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    # Long lists look alike: a few of their entries are enough to change.
    for key in keys if len(keys) <= 40 else rng.sample(list(keys), 40):
        places.append((value, key))
        if isinstance(value[key], (dict, list)) and value[key]:
            _walk(value[key], places, rng)


def _change(rng: random.Random, parent: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    roll = rng.random()
    try:
        if roll < 0.35:
            parent[key] = scalar(rng)
        elif roll < 0.6:
            parent[key] = near(rng, parent[key])
        elif roll < 0.72:
            del parent[key]
        elif roll < 0.84:
            other, place = rng.choice(places)
            parent[key] = copy.deepcopy(other[place])
        elif isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            parent[rng.choice(TEXTS)] = parent.pop(key)
    except (LookupError, TypeError):  # an earlier change took the place away
        return


def as_json(value: Any) -> bytes:
    """Return a document as JSON, also with what JSON cannot hold."""
    text = json.dumps(value)
    text = re.sub(rf'"{_LONG}(\d+)"', lambda m: "9" * int(m.group(1)), text)
    return text.encode("utf-8", "surrogatepass")


_TOKEN = re.compile(r"-?[0-9][0-9_.eE+-]*|\"[^\"\n]*\"|'[^'\n]*'|[A-Za-z_][A-Za-z0-9_-]*")


def text(rng: random.Random, data: bytes) -> bytes:
    """Return a text with some of its numbers, words and lines changed."""
    words = data.decode("utf-8", "replace")
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        lines = words.split("\n")
        roll = rng.random()
        line = rng.randrange(len(lines))
        if roll < 0.7:
            tokens = list(_TOKEN.finditer(lines[line]))
            if tokens:
                token = rng.choice(tokens)
                new = _token(rng, token.group())
                lines[line] = lines[line][: token.start()] + new + lines[line][token.end() :]
        elif roll < 0.8:
            del lines[line]
        elif roll < 0.9:
            lines.insert(rng.randrange(len(lines)), lines[line])
        else:
            lines.insert(line, rng.choice(("[", "[[a]]", "a.b.c=1", '"', ",,,,", "\0", "a" * 3000)))
        words = "\n".join(lines)
    return words.encode("utf-8", "surrogatepass")


def _token(rng: random.Random, old: str) -> str:
    value = scalar(rng) if rng.random() < 0.7 else near(rng, old)
    if isinstance(value, str) and value.startswith(_LONG):
        return "9" * int(value.removeprefix(_LONG))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, str) and old[:1] in "\"'":
        return f"{old[0]}{value}{old[0]}"
    return str(value)


def raw(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Return bytes with some of them changed, left out, repeated or taken from another file."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if not out:
            break
        start = rng.randrange(len(out))
        length = min(rng.choice((1, 1, 2, 4, 8, 64, 512)), len(out) - start)
        roll = rng.random()
        if roll < 0.35:
            out[start] ^= 1 << rng.randrange(8)
        elif roll < 0.5:
            out[start : start + length] = rng.choice((b"\0", b"\xff", b"\x80", b"\x7f")) * length
        elif roll < 0.65:
            del out[start : start + length]
        elif roll < 0.8:
            out[start:start] = out[start : start + length] * rng.choice((1, 2, 50))
        elif roll < 0.92 and other:
            place = rng.randrange(len(other))
            out[start : start + length] = other[place : place + length]
        else:
            del out[start:]
    return bytes(out)


def csv_cells(rng: random.Random, data: bytes) -> bytes:
    """Return a CSV text with cells, columns or the dialect changed."""
    rows = [line.split(",") for line in data.decode("utf-8", "replace").splitlines()]
    for _ in range(rng.choice((1, 1, 2, 4))):
        row = rng.randrange(len(rows))
        column = rng.randrange(len(rows[row]))
        roll = rng.random()
        if roll < 0.6:
            rows[row][column] = _token(rng, rows[row][column])
        elif roll < 0.7:
            for cells in rows:
                del cells[column : column + 1]
        elif roll < 0.8:
            for cells in rows:
                cells.insert(column, cells[column] if column < len(cells) else "")
        elif roll < 0.9:
            rows.insert(rng.randrange(len(rows)), list(rows[row]))
        else:
            rows[row].insert(column, '"')
        rows = [cells for cells in rows if cells] or [[""]]
    comma = rng.choice((",",) * 12 + (";", "\t"))
    end = rng.choice(("\n",) * 12 + ("\r\n", "\r"))
    return end.join(comma.join(cells) for cells in rows).encode("utf-8", "surrogatepass")


Mutation = Callable[[random.Random, bytes, bytes], bytes]


def mixed(*ways: tuple[float, Mutation]) -> Mutation:
    """Return a mutation that takes one of several ways, by their weights."""
    weights, functions = zip(*ways, strict=True)

    def mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
        way: Mutation = rng.choices(functions, weights)[0]
        return way(rng, data, other)

    return mutate


def json_mutation(rng: random.Random, data: bytes, _: bytes) -> bytes:
    """Return a JSON file with its document changed."""
    return as_json(document(rng, json.loads(data)))


JSON = mixed((0.85, json_mutation), (0.15, raw))
TOML = mixed((0.9, lambda rng, data, _: text(rng, data)), (0.1, raw))
CSV = mixed((0.9, lambda rng, data, _: csv_cells(rng, data)), (0.1, raw))
