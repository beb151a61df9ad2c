"""Kernels and paddings from attributes and shapes."""

from __future__ import annotations

import pytest

from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.reading.operators.windows import pad_amounts, window_of


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [("SAME_UPPER", (0, 0), (1, 1)), ("SAME_LOWER", (1, 1), (0, 0)), ("VALID", (0, 0), (0, 0))],
)
def test_auto_pad_asks_for_what_the_output_needs(
    mode: str, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    node = Node("c", "Conv", ("x", "w"), ("y",), {"auto_pad": mode, "strides": (2, 2)})
    window = window_of(node, (1, 3, 224, 224), (1, 8, 112, 112), (8, 3, 3, 3))
    assert (window.kernel, window.before, window.after) == ((3, 3), before, after)


def test_a_pad_whose_numbers_are_not_known_is_told_by_its_growth() -> None:
    tensors = {"x": Tensor("x", (1, 3, 30, 30)), "y": Tensor("y", (1, 3, 33, 32))}
    node = Node("p", "Pad", ("x", "unknown"), ("y",))
    graph = Graph("net", (node,), tensors, ("x",), ("y",))
    assert pad_amounts(graph, node) == ((0, 0, 1, 1), (0, 0, 2, 1))
