"""Equality in which unknown equals unknown."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from edgeprofiler.core.alike import Alike, alike


@dataclass(frozen=True, eq=False)
class Noun(Alike):
    value: float
    remark: str = field(default="", compare=False)


def test_a_field_that_is_not_compared_makes_no_difference() -> None:
    """Nor does it to the hash, which equal things share."""
    one = Noun(math.nan, "read from a file")
    assert one == replace(one, remark="made by hand")
    assert hash(one) == hash(replace(one, remark="made by hand"))
    assert one != replace(one, value=1.0)


def test_unknown_equals_unknown_in_arrays_tuples_and_tables() -> None:
    nan = float("nan")
    assert alike((1.0, (nan,)), (1.0, (float("nan"),)))
    assert alike({"a": nan}, {"a": float("nan")})
    assert alike(np.array([nan, 1.0]), np.array([float("nan"), 1.0]))
    assert not alike(np.array([nan, 1.0]), np.array([nan, 2.0]))
    assert not alike((1.0,), (1.0, 2.0))
    assert not alike(Noun(nan), (nan,))
