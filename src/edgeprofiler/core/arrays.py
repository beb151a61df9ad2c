"""Arrays that nobody can change, and equality in which unknown equals unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt


def read_only(values: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> npt.NDArray[Any]:
    """Return values as an array in one piece that cannot be written.

    >>> read_only([1, 2])[0] = 3
    Traceback (most recent call last):
    ValueError: assignment destination is read-only
    """
    array = np.ascontiguousarray(values, dtype)
    array.setflags(write=False)
    return array


def peak(spans: Iterable[tuple[int, int, float]]) -> float:
    """Return the largest sum of amounts that are there at once.

    Args:
        spans: first and last step of each, both counted, and how much it is.

    >>> peak([(0, 1, 2.0), (1, 3, 5.0), (2, 2, 1.0)])
    7.0
    """
    changes: dict[int, float] = {}
    for first, last, amount in spans:
        changes[first] = changes.get(first, 0.0) + amount
        changes[last + 1] = changes.get(last + 1, 0.0) - amount
    return max(accumulate(changes[step] for step in sorted(changes)), default=0.0)


def alike(left: object, right: object) -> bool:
    """Say whether two values are equal where NaN equals NaN, also inside arrays and tuples.

    >>> alike((1.0, float("nan")), (1.0, float("nan")))
    True
    """
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.shape == right.shape and bool(
            np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
        )
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(alike(left[k], right[k]) for k in left)
    return left == right


class Alike:
    """A dataclass (made with `eq=False`) that equals another whose fields are `alike`."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        return all(alike(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        values = [getattr(self, field.name) for field in fields(self)]  # type: ignore[arg-type]
        return hash(tuple(None if alike(value, math.nan) else value for value in values))
