"""What every rule of shape inference shares: its type, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.graph.graph import Node, Shape, Tensor

Inputs = Sequence["Tensor | None"]
"""A node's inputs in order; `None` where an optional one is omitted."""

Rule = Callable[[Node, Inputs], "list[Shape]"]
"""Returns the shape of each output."""


def fail(node: Node, problem: str, remedy: str = "") -> NoReturn:
    """Refuse a node whose inputs or attributes do not fit together."""
    raise InvalidInput(f"node {node.name or node.outputs[0]!r} ({node.op})", problem, remedy)


def tensor(node: Node, inputs: Inputs, index: int) -> Tensor:
    """Return an input that the operator cannot do without."""
    found = inputs[index] if index < len(inputs) else None
    if found is None:
        fail(node, f"input {index} is missing")
    return found


def optional(inputs: Inputs, index: int) -> Tensor | None:
    """Return an input that may be omitted."""
    return inputs[index] if index < len(inputs) else None


def integers(node: Node, inputs: Inputs, index: int) -> tuple[int, ...]:
    """Return the value of an input that a shape depends on.

    Raises:
        InvalidInput: the value is computed while the model runs.
    """
    found = tensor(node, inputs, index)
    if found.value is None:
        fail(node, f"the value of {found.name!r} is known only while the model runs")
    return tuple(int(number) for number in found.value)


def axis_of(node: Node, axis: int, rank: int) -> int:
    """Return `axis` counted from the front."""
    if not -rank <= axis < max(rank, 1):
        fail(node, f"axis {axis} of a tensor of {rank} dimensions")
    return axis % rank if rank else 0


def axes_of(node: Node, inputs: Inputs, index: int, rank: int) -> tuple[int, ...] | None:
    """Return axes given as an input (newer ONNX) or as the attribute `axes` (older)."""
    if optional(inputs, index) is not None:
        axes = integers(node, inputs, index)
    elif "axes" in node.attributes:
        axes = node.ints("axes")
    else:
        return None
    return tuple(axis_of(node, axis, rank) for axis in axes)


def broadcast(node: Node, shapes: Sequence[Shape]) -> Shape:
    """Return the shape that `shapes` broadcast to, as NumPy does."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    rank = max(len(shape) for shape in shapes)
    result = [1] * rank
    for shape in shapes:
        for place, length in enumerate(shape, rank - len(shape)):
            if length == 1 or length == result[place]:
                continue
            if result[place] != 1:
                fail(node, "shapes do not fit: " + " and ".join(map(str, shapes)))
            result[place] = length
    return tuple(result)
