"""Attributes of things as JSON holds them."""

import json
import math
from dataclasses import dataclass

from edgeprofiler.core.plain import attributes, plain


@dataclass(frozen=True)
class Thing:
    name: str = "a"
    shape: tuple[tuple[int, ...], ...] = ((1, 2), ())
    watts: float = math.nan
    on: bool = True


def test_what_is_not_known_is_null_and_tuples_are_lists_however_deep() -> None:
    found = attributes(Thing(), "on name", "shape watts")
    assert [*found] == ["on", "name", "shape", "watts"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found == {"on": True, "name": "a", "shape": [[1, 2], []], "watts": None}
    assert plain({"a": (1.5, {"b": math.inf})}) == {"a": [1.5, {"b": None}]}
