"""Widths and depths of the zoo's networks, as an address tells them: `?width=0.5&depths=1,2`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.reading.zoo.family import Entry, Setting

MOST_BLOCKS = 2_000
"""Blocks of all stages together; the deepest network of the zoo has 50."""
MOST_TIMES = 100.0
"""The largest factor of width or depth; the zoo's reach 3.1."""

Settings = tuple[tuple[str, Setting], ...]
"""Settings by name, in the order of names."""


def parse_query(source: str, entry: Entry, query: str) -> dict[str, Setting]:
    """Return what an address tells of a network: settings, and `classes`.

    Raises:
        InvalidInput: a part of it is no setting of the network, or its value is none.
    """
    found: dict[str, Setting] = {}
    own: Mapping[str, Setting] = {"classes": entry.classes, **entry.settings}
    for part in query.split("&"):
        name, _, text = part.partition("=")
        if name not in own or name in found or not text:
            raise InvalidInput(
                source, f"{part!r} is no option", f"it has {', '.join(own)}, each as NAME=VALUE"
            )
        found[name] = _parsed(source, name, text, own[name])
    return found


def checked(source: str, entry: Entry, settings: Mapping[str, Setting]) -> Settings:
    """Return settings that differ from a network's own, within bounds.

    Raises:
        InvalidInput: the network has no such setting, or cannot have that value.
    """
    own = entry.settings
    for name, value in settings.items():
        if name not in own:
            raise InvalidInput(source, f"it has no setting {name!r}", f"it has {_listed(own)}")
        like = own[name]
        if isinstance(like, tuple):
            if not isinstance(value, tuple) or len(value) != len(like):
                raise InvalidInput(source, f"{name} of {value}", f"give {len(like)} numbers")
            fits = all(1 <= v <= limits.IMAGE_SIDE for v in value)
            fits = fits and (name == "widths" or sum(value) <= MOST_BLOCKS)
        elif isinstance(like, float):
            fits = not isinstance(value, tuple) and 0 < value <= MOST_TIMES
        else:
            fits = isinstance(value, int) and 1 <= value <= limits.IMAGE_SIDE
        if not fits:
            raise InvalidInput(source, f"{name} of {value}", f"its own is {_said(like)}")
    return tuple(sorted((k, v) for k, v in settings.items() if v != own[k]))


def query_of(settings: Iterable[tuple[str, Setting]]) -> str:
    """Return the settings as an address has them; empty where there are none."""
    told = "&".join(f"{name}={_said(value)}" for name, value in settings)
    return f"?{told}" if told else ""


def _parsed(source: str, name: str, text: str, like: Setting) -> Setting:
    try:
        if isinstance(like, tuple):
            return tuple(_whole(part) for part in text.split(","))
        if isinstance(like, float):
            value = float(text)
            if math.isfinite(value):
                return value
            raise ValueError
        return _whole(text)
    except ValueError:
        expected = "a number" if isinstance(like, float) else "whole numbers"
        raise InvalidInput(
            source, f"{name} of {text!r}", f"give {expected}, such as {_said(like)}"
        ) from None


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise ValueError
    return int(text)


def _said(value: Setting) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}"


def _listed(own: Mapping[str, Setting]) -> str:
    return ", ".join(own) or "none"
