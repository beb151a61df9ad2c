"""Values of a question's fields: from texts, and in their normal form."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgeprofiler.core import limits
from edgeprofiler.core.choices import precision_named, runtime_named
from edgeprofiler.core.device.software import version_of
from edgeprofiler.core.errors import UsageError

if TYPE_CHECKING:
    from edgeprofiler.core.network import Shape

MOST_W = 1000.0
"""More than any board's idle power."""

SIZES = {"ge": 1, "le": limits.IMAGE_SIDE}
_SHAPE = re.compile(r"\d{1,9}(?:[x,]\d{1,9})*")
_RATE = re.compile(r"(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?:/\s*(s|sec|min|h|hour|day)|fps|Hz)?")
_PER_SECOND = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "day": 86400.0}
_RANGE = re.compile(r"(\d{1,9})(?::(\d{1,9})(?::(\d{1,9}))?)?")


def text_of(value: Any) -> str:
    """Return a name; anything else is refused."""
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{_short(value)} is no name")
    return value.strip()


def path_of(value: Any) -> Any:
    """Return a name or a path as it is, and objects (a device, a predictor) too."""
    if isinstance(value, str):
        return text_of(value)
    if value is None or isinstance(value, (bool, int, float, list, tuple, dict)):
        raise UsageError(f"{_short(value)} is no name")
    return value


def flag_of(value: Any) -> bool:
    """Return a truth value; anything else is refused."""
    if not isinstance(value, bool):
        raise UsageError(f"{_short(value)} is neither true nor false")
    return value


def precision_of(value: Any) -> str:
    """Return a precision as it is spelt here."""
    return precision_named(text_of(value))


def runtime_of(value: Any) -> str:
    """Return a host runtime as it is spelt here."""
    return runtime_named(text_of(value))


def tensorrt_of(value: Any) -> str:
    """Return a version of TensorRT as it stands, such as `8.6` or `10.x`."""
    text = text_of(value)
    version_of(text)
    return text


def watts_of(value: Any) -> float:
    """Return a power above zero that an idle board can have."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not 0 < value <= MOST_W:
        raise UsageError(f"{_short(value)} is no number of watts above 0")
    return float(value)


def boards_of(text: str) -> Sequence[str]:
    """Return a device, or every shipped board for `all`."""
    if text.strip().lower() != "all":
        return [text]
    from edgeprofiler.core.device import device_names  # help pages do without boards' files

    return [name for name in device_names() if name != "generic"]


def size_of(value: Any) -> int:
    """Return a whole number from 1 to `limits.IMAGE_SIDE`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or not 1 <= number <= limits.IMAGE_SIDE:
        raise UsageError(f"{_short(value)} is no whole number from 1 to {limits.IMAGE_SIDE}")
    return number


def rate_of(value: Any) -> float:
    """Return a rate in hertz, which a number without unit is.

    >>> rate_of("30/min"), rate_of("10 fps"), rate_of(24)
    (0.5, 10.0, 24.0)
    """
    rate = 0.0
    if isinstance(value, str):
        match = _RATE.fullmatch(value.strip())
        rate = 0.0 if match is None else float(match[1]) / _PER_SECOND[match[2] or "s"]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        rate = float(value)
    if not 0 < rate < limits.RATE_HZ:
        raise UsageError(f"{_short(value)} is no rate; write 10/s, 30/min or 10fps")
    return rate


def confidence_of(value: Any) -> float:
    """Return a share between 0 and 1, both left out."""
    # Nearer to 1 than this, quantiles end in rounding, and intervals are of no use long before.
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not 0 < value < 1 - 1e-12:
        raise UsageError(f"{_short(value)} is no number between 0 and 1, as 0.9")
    return float(value)


def shapes_of(value: Any) -> dict[str, Shape]:
    """Return shapes by name of input; the empty name means the only input."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise UsageError(f"{_short(value)} is no table of shapes by input")
    found = {}
    for name, shape in value.items():
        if isinstance(shape, str) or not isinstance(shape, Sequence) or not shape:
            raise UsageError(f"{name or 'the input'}: {_short(shape)} is no list of numbers")
        if not all(type(n) is int and n > 0 for n in shape):
            raise UsageError(f"{name or 'the input'}: {_short(shape)}: dimensions are from 1 up")
        found[name] = tuple(shape)
    return found


def parse_size(text: str) -> int | str:
    """Return the number of a text; what is no number stays a text, which no size is."""
    return int(text) if re.fullmatch(r"\s*\d{1,9}\s*", text) else text


def parse_sizes(text: str) -> Sequence[int]:
    """Return the values of `1,2,4`, `160:640:32` (both ends included) or a mix of both.

    >>> parse_sizes("1, 2, 160:224:32")
    [1, 2, 160, 192, 224]
    """
    values: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise UsageError(f"{text!r} is no list; write 1,2,4 or 160:640:32")
        start = int(match[1])
        stop, step = int(match[2] or start), int(match[3] or 1)
        if start < 1 or step < 1 or stop < start:
            raise UsageError(f"{part!r} is empty; write FROM:TO:STEP, from 1 up")
        if (stop - start) // step >= limits.SWEEP_POINTS:
            raise UsageError(f"{part!r} has more than {limits.SWEEP_POINTS:,} values")
        values += range(start, stop + 1, step)
    return values


def parse_number(text: str) -> float | str:
    """Return the number of a text; what is no number stays a text."""
    try:
        return float(text[:40])
    except ValueError:
        return text


def parse_flag(text: str) -> bool | str:
    """Return the truth value of a text; what is none stays a text.

    >>> parse_flag("true"), parse_flag("off"), parse_flag("perhaps")
    (True, False, 'perhaps')
    """
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    return words.get(text.strip().lower(), text)


def parse_shape(text: str) -> dict[str, Shape]:
    """Return an input's shape by its name, which may be left out.

    >>> parse_shape("images=1x3x640x640")
    {'images': (1, 3, 640, 640)}
    """
    name, _, numbers = text.rpartition("=")
    if not _SHAPE.fullmatch(numbers):
        raise UsageError(f"{text!r} is no shape; write input=1x3x640x640")
    return {name: tuple(int(n) for n in re.split("[x,]", numbers))}


def parse_names(text: str) -> Sequence[str]:
    """Return the names between commas."""
    return [part for part in text.replace(" ", "").split(",") if part]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 64 else f"{text[:64]}..."
