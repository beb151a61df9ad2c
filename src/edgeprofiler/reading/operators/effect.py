"""Operators without effect, as exporters often write them for one size and not for another."""

from __future__ import annotations

from edgeprofiler.core.graph import Graph, Node
from edgeprofiler.reading.operators.windows import pad_amounts, window_of

_JOINS = frozenset({"Concat", "Sum", "Max", "Min", "Mean"})
_POOLS = frozenset({"MaxPool", "AveragePool", "LpPool"})
_SAME_SHAPE = frozenset({"Resize", "Upsample", "Expand", "Tile", "Split"})


def changes_nothing(graph: Graph, node: Node) -> bool:
    """Say whether a node's result is its first input, element by element."""
    if not node.inputs or not node.inputs[0] or not node.outputs[0]:
        return False
    if node.op == "Identity":
        return True
    source, result = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if node.op in ("Cast", "CastLike"):
        return source.dtype == result.dtype
    if node.op in _JOINS:
        return len(node.inputs) == 1
    if source.shape != result.shape:
        return False
    if node.op in _SAME_SHAPE:
        return len(node.outputs) == 1
    if node.op == "Slice":
        return min(graph.integers(node, "steps", 4), default=1) > 0
    if node.op == "Pad":
        return not any(map(any, pad_amounts(graph, node)))
    if node.op == "Transpose":
        moved = [axis for axis in node.ints("perm") if source.shape[axis] > 1]
        return bool(node.ints("perm")) and moved == sorted(moved)
    if node.op in _POOLS:
        window = window_of(node, source.shape, result.shape)
        alone = not any(node.outputs[1:])
        return alone and set(window.kernel) <= {1} and set(window.stride) <= {1}
    return False
