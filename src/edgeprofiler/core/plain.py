"""Things as JSON holds them, attribute by attribute under their own names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeprofiler.core.units import known

_AS_THEY_ARE = frozenset((str, int, bool, type(None)))
"""Types of most values: to ask first whether each is a `Mapping` takes three times as long."""


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: tuples as lists, numbers that are not known as null.

    >>> plain({"shape": (1, 3), "power_w": float("nan")})
    {'shape': [1, 3], 'power_w': None}
    """
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, float):
        return known(value)
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return value


def attributes(thing: object, *names: str) -> dict[str, Any]:
    """Return attributes of a thing by name, as JSON holds them; a text may hold several names.

    >>> attributes(3 + 4j, "real imag")
    {'real': 3.0, 'imag': 4.0}
    """
    return {name: plain(getattr(thing, name)) for name in " ".join(names).split()}
