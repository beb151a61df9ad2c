"""Arrays that nobody can change, as all results are."""

from __future__ import annotations

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
