"""Equality in which unknown equals unknown, for nouns that the command line loads without numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any


def alike(left: Any, right: Any) -> bool:
    """Say whether two values are equal where NaN equals NaN, also inside arrays and tuples.

    >>> alike((1.0, float("nan")), (1.0, float("nan")))
    True
    """
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(alike(left[k], right[k]) for k in left)
    if hasattr(left, "dtype") and hasattr(right, "dtype"):
        import numpy as np

        return left.shape == right.shape and bool(
            np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
        )
    return bool(left == right)


class Alike:
    """A dataclass (made with `eq=False`) that equals another whose compared fields are `alike`."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(alike(getattr(self, name), getattr(other, name)) for name in _compared(self))

    def __hash__(self) -> int:
        values = [getattr(self, name) for name in _compared(self)]
        return hash(tuple(None if alike(value, math.nan) else value for value in values))


def _compared(noun: Any) -> list[str]:
    return [field.name for field in fields(noun) if field.compare]
