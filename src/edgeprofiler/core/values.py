"""JSON from strangers, read so that a wrong value is refused with its place.

>>> document = JsonValue({"layers": [{"groups": -1}]}, "net.json", "")
>>> document.get("layers").items()[0].get("groups").integer(minimum=0)
Traceback (most recent call last):
edgeprofiler.core.errors.InvalidInput: net.json: layers[0].groups is -1, below 0
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core.errors import InvalidInput

MAX_DIMENSION = 2**31
"""Largest dimension of a tensor; what memory could hold is smaller still."""

MAX_ELEMENTS = 2**40
"""Most elements that a tensor may have."""

MAX_RANK = 64
"""Most dimensions that a tensor may have."""

_SHOWN = 40


@dataclass(frozen=True)
class JsonValue:
    """A value of a JSON document with the place where it stands."""

    raw: Any
    source: object
    place: str

    def fail(self, problem: str, remedy: str = "") -> InvalidInput:
        """Return the error that says what is wrong here."""
        return InvalidInput(self.source, f"{self.place or 'the document'} {problem}", remedy)

    def _wrong(self, expected: str) -> InvalidInput:
        if self.raw is None:
            return self.fail(f"is missing or null, where {expected} is expected")
        shown = repr(self.raw)
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
        return self.fail(f"is {shown}, where {expected} is expected")

    @property
    def null(self) -> bool:
        """Whether the value is missing or null."""
        return self.raw is None

    def get(self, key: str) -> JsonValue:
        """Return the value of `key` in an object; null where there is none."""
        place = f"{self.place}.{key}" if self.place else key
        return JsonValue(self.mapping().get(key), self.source, place)

    def mapping(self) -> Mapping[str, Any]:
        """Return an object's keys and raw values."""
        if not isinstance(self.raw, dict):
            raise self._wrong("an object")
        return self.raw

    def items(self) -> list[JsonValue]:
        """Return the entries of a list."""
        if not isinstance(self.raw, list):
            raise self._wrong("a list")
        return [JsonValue(raw, self.source, f"{self.place}[{i}]") for i, raw in enumerate(self.raw)]

    def entries(self) -> Iterator[tuple[str, JsonValue]]:
        """Yield keys and values of an object."""
        for key in self.mapping():
            yield clean(key), self.get(key)

    def text(self) -> str:
        """Return a text; what UTF-8 cannot hold (lone surrogates) is replaced."""
        if not isinstance(self.raw, str):
            raise self._wrong("a text")
        return clean(self.raw)

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(item.text() for item in self.items())

    def boolean(self) -> bool:
        """Return true or false."""
        if not isinstance(self.raw, bool):
            raise self._wrong("true or false")
        return self.raw

    def integer(self, minimum: int | None = None, maximum: int | None = None) -> int:
        """Return an integer within bounds, both included."""
        if not isinstance(self.raw, int) or isinstance(self.raw, bool):
            raise self._wrong("an integer")
        self._check_bounds(self.raw, minimum, maximum)
        return self.raw

    def number(self, minimum: float | None = None, maximum: float | None = None) -> float:
        """Return a finite number within bounds, both included."""
        if not isinstance(self.raw, (int, float)) or isinstance(self.raw, bool):
            raise self._wrong("a number")
        try:
            value = float(self.raw)
        except OverflowError:
            raise self.fail("is too large a number") from None
        if not math.isfinite(value):
            raise self.fail("is not a finite number")
        self._check_bounds(value, minimum, maximum)
        return value

    def number_or_nan(self, minimum: float | None = None) -> float:
        """Return a number, NaN for null."""
        return math.nan if self.raw is None else self.number(minimum)

    def shape(self) -> tuple[int, ...]:
        """Return a tensor's shape: a list of non-negative integers that memory could hold."""
        if not isinstance(self.raw, list):
            raise self._wrong("a list of integers")
        if len(self.raw) > MAX_RANK:
            raise self.fail(f"has {len(self.raw)} dimensions, more than {MAX_RANK}")
        for size in self.raw:
            if not isinstance(size, int) or isinstance(size, bool):
                raise self._wrong("a list of integers")
            if not 0 <= size <= MAX_DIMENSION:
                kind = "a negative" if size < 0 else "an absurdly large"
                raise self.fail(f"has {kind} dimension ({_short(size)})")
        if math.prod(self.raw) > MAX_ELEMENTS:
            raise self.fail(f"has more than 2**40 elements ({_short(self.raw)})")
        return tuple(self.raw)

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Return a list of shapes."""
        return tuple(item.shape() for item in self.items())

    def _check_bounds(self, value: float, minimum: float | None, maximum: float | None) -> None:
        if minimum is not None and value < minimum:
            raise self.fail(f"is {_short(value)}, below {minimum:g}")
        if maximum is not None and value > maximum:
            raise self.fail(f"is {_short(value)}, above {maximum:g}")


def clean(text: str) -> str:
    """Return `text` with lone surrogates replaced, so that it can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _short(value: object) -> str:
    try:
        text = str(value)
    except ValueError:  # an integer of more digits than Python prints
        return "too many digits"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
