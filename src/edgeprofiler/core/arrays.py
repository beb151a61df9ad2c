"""Arrays that nobody can change, and what is alive at once."""

from __future__ import annotations

from collections.abc import Iterable
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
