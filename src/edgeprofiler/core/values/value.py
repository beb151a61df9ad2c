"""A value of a file with its place, and the checks that it must pass to be used."""

from __future__ import annotations

import difflib
import math
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, TypeVar, cast

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput

T = TypeVar("T")

_SHOWN = 40
"""Most characters of a value that a message shows."""

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 3 * _SHOWN  # it cuts out the middle


class Value:
    """A value of a JSON document with the file and the place where it stands.

    Indexing walks down; what is not there is null until something asks what it is.

    >>> document = Value({"layers": [{"groups": 2}, {"groups": -1}]}, "net.json")
    >>> document["layers"][0]["groups"].integer(minimum=1)
    2
    >>> document["layers"][1]["groups"].integer(minimum=1)
    Traceback (most recent call last):
    edgeprofiler.core.errors.InvalidInput: net.json: layers[1].groups is -1, below 1
    >>> document["layers"][1]["name"].default("unnamed").text()
    'unnamed'
    """

    __slots__ = ("_place", "raw", "source")

    _OBJECT: ClassVar[str] = "an object"
    _NULL: ClassVar[str] = "missing or null"

    def __init__(self, raw: Any, source: object, place: str | tuple[Value, str | int] = "") -> None:
        """Make a value.

        Args:
            raw: what stands there, as a parser gives it.
            place: where in the file, as `layers[3].power_w`; empty for the whole document. Or
                what it stands in, and its key there: most places are never told.
        """
        self.raw = raw
        self.source = source
        self._place = place

    @property
    def place(self) -> str:
        """Where in the file: `layers[3].power_w`; empty for the whole document."""
        found = self._place
        if isinstance(found, str):
            return found
        outer, key = found
        place = outer.place
        if isinstance(key, int):
            return f"{place}[{key}]"
        return f"{place}.{key}" if place and not key.startswith(": ") else f"{place}{key}"

    def at(self, place: str) -> Value:
        """Return the value under another name for its place."""
        return self._like(self.raw, place)

    def _like(self, raw: Any, place: str | tuple[Value, str | int]) -> Value:
        return type(self)(raw, self.source, place)

    def fail(self, problem: str, remedy: str = "") -> InvalidInput:
        """Return the error that says what is wrong here."""
        return InvalidInput(self.source, f"{self.place} {problem}".lstrip(), remedy)

    def wrong(self, expected: str) -> InvalidInput:
        """Return the error for a value of another kind than `expected`."""
        if self.null:
            return self.fail(f"is {self._NULL}, where {expected} is expected")
        return self.fail(f"is {shown(self.raw)}, where {expected} is expected")

    # Walking.

    @property
    def null(self) -> bool:
        """Whether the value is missing or null."""
        return self.raw is None

    def default(self, raw: Any) -> Value:
        """Return the value, or `raw` in its place where it is missing or null."""
        return self.of(raw) if self.null else self

    def of(self, raw: Any) -> Value:
        """Return another value in the same place, such as a part of what stands there."""
        return self._like(raw, self._place)

    def maybe(self, read: Callable[[Value], T]) -> T | None:
        """Return what `read` makes of the value; `None` where it is missing or null."""
        return None if self.null else read(self)

    def __getitem__(self, key: str | int) -> Value:
        if isinstance(key, str):
            return type(self)(self.mapping().get(key), self.source, (self, key))
        entries = self._list()
        raw = entries[key] if 0 <= key < len(entries) else None
        return type(self)(raw, self.source, (self, key))

    def under(self, key: str) -> Value:
        """Return a value of an object, whose place is told as `what: key`."""
        return type(self)(self.mapping().get(key), self.source, (self, f": {key}"))

    def __contains__(self, key: str) -> bool:
        return key in self.mapping()

    def mapping(self) -> Mapping[str, Any]:
        """Return an object's keys and raw values."""
        if not isinstance(self.raw, dict):
            raise self.wrong(self._OBJECT)
        return self.raw

    def entries(self) -> Iterator[tuple[str, Value]]:
        """Yield keys and values of an object."""
        for key in self.mapping():
            yield clean(key), self[key]

    def allow(self, known: Sequence[str]) -> None:
        """Refuse keys that are not in `known`: a mistyped one would be left out of account."""
        for key in self.mapping():
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                fix = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
                raise self.fail(f"has an unknown key {shown(key)}", fix)

    def items(self, length: int | None = None) -> list[Value]:
        """Return the entries of a list, of `length` entries where that is said."""
        found = self._list()
        if length is not None and len(found) != length:
            raise self.fail(f"has {len(found)} entries, where {length} are expected")
        return [type(self)(raw, self.source, (self, i)) for i, raw in enumerate(found)]

    def _list(self) -> Sequence[Any]:
        if not isinstance(self.raw, (list, tuple)):  # tuples stand in what was never written
            raise self.wrong("a list")
        return self.raw

    # Texts and truth values.

    def text(self) -> str:
        """Return a text; what UTF-8 cannot hold (lone surrogates) is replaced."""
        if not isinstance(self.raw, str):
            raise self.wrong("a text")
        return clean(self.raw)

    def name(self) -> str:
        """Return a text that is not empty."""
        text = self.text()
        if not text:
            raise self.fail("is empty")
        return text

    def words(self) -> str:
        """Return a text for people; a number or truth value is one too."""
        if isinstance(self.raw, (bool, int, float)):
            return shown(self.raw)
        return self.text()

    def choice(self, options: Sequence[str]) -> str:
        """Return a text that is one of `options`."""
        text = self.text()
        if text not in options:
            wanted = "" if len(options) == 1 else "one of: "
            raise self.fail(f"is {shown(text)}", f"expected {wanted}{', '.join(options)}")
        return text

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(item.text() for item in self.items())

    def boolean(self) -> bool:
        """Return true or false."""
        if not isinstance(self.raw, bool):
            raise self.wrong("true or false")
        return self.raw

    # Numbers.

    def integer(self, minimum: int = -limits.INTEGER - 1, maximum: int = limits.INTEGER) -> int:
        """Return an integer within bounds, both included; by default those of 64 bits."""
        raw = self._scalar()
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise self.wrong("an integer")
        self._bound(raw, minimum, maximum)
        return raw

    def whole(self, minimum: int = -(2**53), maximum: int = 2**53) -> int:
        """Return a number without a fraction, also one that is written `8.0` or `4e6`."""
        number = self.number()
        if not number.is_integer():
            raise self.fail(f"is {number:g}", "it must be a whole number")
        self._bound(number, minimum, maximum)
        return int(number)

    def number(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        *,
        above: float | None = None,
    ) -> float:
        """Return a finite number within bounds: both included, and above `above`."""
        raw = self._scalar()
        if not isinstance(raw, (int, float)) or isinstance(raw, bool):
            raise self.wrong("a number")
        try:
            value = float(raw)
        except OverflowError:
            raise self.fail("is too large a number") from None
        if not math.isfinite(value):
            raise self.fail("is not a finite number")
        self._bound(value, minimum, maximum)
        if above is not None and not value > above:
            raise self.fail(f"is {value:g}", f"it must be above {_least(above)}")
        return value

    def number_or_nan(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        *,
        above: float | None = None,
    ) -> float:
        """Return a number, NaN for null."""
        return math.nan if self.null else self.number(minimum, maximum, above=above)

    def numbers(self, length: int | None = None) -> tuple[float, ...]:
        """Return a list of finite numbers."""
        return tuple(item.number() for item in self.items(length))

    def _scalar(self) -> Any:
        """Return what may be a number."""
        return self.raw

    def _bound(self, value: float, minimum: float | None, maximum: float | None) -> None:
        if minimum is not None and value < minimum:
            raise self.fail(f"is {shown(value)}, below {minimum:g}")
        if maximum is not None and value > maximum:
            raise self.fail(f"is {shown(value)}, above {maximum:g}")

    # Shapes of tensors.

    def shape(self) -> tuple[int, ...]:
        """Return a tensor's shape: a list of non-negative integers that memory could hold."""
        raw = self.raw
        found = plain_shape(raw)
        if found is not None:
            return found
        if not isinstance(raw, (list, tuple)):
            raise self.wrong("a list of integers")
        if len(raw) > limits.RANK:
            raise self.fail(f"has {len(raw)} dimensions, more than {limits.RANK}")
        for size in raw:
            if not isinstance(size, int) or isinstance(size, bool):
                raise self.wrong("a list of integers")
            if not 0 <= size <= limits.DIMENSION:
                kind = "a negative" if size < 0 else "an absurdly large"
                raise self.fail(f"has {kind} dimension ({shown(size)})")
        raise self.fail(f"has more than 2**40 elements ({shown(raw)})")

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Return a list of shapes."""
        return tuple(item.shape() for item in self.items())


class TomlValue(Value):
    """A value of a TOML file; only the words of messages differ."""

    __slots__ = ()

    _OBJECT = "a table"
    _NULL = "missing"


def plain_shape(raw: object) -> tuple[int, ...] | None:
    """Return a list of sizes as a tensor's shape; `None` where it is none (`Value.shape` says why).

    >>> plain_shape([1, 3, 224, 224]), plain_shape([1, -1])
    ((1, 3, 224, 224), None)
    """
    if not isinstance(raw, (list, tuple)) or len(raw) > limits.RANK:
        return None
    try:
        return _sizes(*raw)
    except TypeError:  # a list or an object among them cannot be looked up
        return None


@lru_cache(maxsize=4096, typed=True)  # by type too: 1.0 and true equal 1, and are no sizes
def _sizes(*sizes: object) -> tuple[int, ...] | None:
    """Return sizes as a shape; files hold few shapes, and each of them often."""
    total = 1
    for size in sizes:
        if type(size) is not int or not 0 <= size <= limits.DIMENSION:
            return None
        total *= size
    return cast("tuple[int, ...]", sizes) if total <= limits.ELEMENTS else None


def clean(text: str) -> str:
    """Return `text` with lone surrogates replaced, so that it can be written as UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def shown(value: object) -> str:
    """Return a value as a message shows it: short, whatever it is."""
    try:
        text = clean(_BRIEF.repr(value))
    except ValueError:  # an integer of more digits than Python prints
        return "too many digits"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _least(above: float) -> str:
    return "zero" if above == 0 else f"{above:g}"
