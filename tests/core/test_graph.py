"""What a node's attributes say, whatever a file wrote there."""

import math

import pytest

from edgeprofiler.core.graph import Node


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, "a", (1, math.nan), ("a",)])
def test_an_attribute_that_is_no_integer_is_as_if_it_were_not_there(odd: object) -> None:
    node = Node("n", "Conv", ("x",), ("y",), {"group": odd})  # type: ignore[dict-item]
    assert node.integer("group", 1) == 1
    assert node.ints("group", (1, 1)) == (1, 1)


def test_whole_numbers_may_be_written_as_fractions() -> None:
    node = Node("n", "Conv", ("x",), ("y",), {"group": 2.0, "strides": (2.0, 1)})
    assert node.integer("group", 1) == 2
    assert node.ints("strides") == (2, 1)
