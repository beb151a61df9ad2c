"""What numbers that a model fixes for its own sizes become when the sizes around them change.

An export writes down targets of reshapes, sizes of resizes, ends of slices and parts of splits
for the shapes that it saw. They are carried over by what they meant there. Numbers that the
model calculates from its shapes need none of this: they are calculated again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from edgeprofiler.core.graph import Graph, Node, Shape, Tensor
from edgeprofiler.reading.graphs.build import adaptive_window
from edgeprofiler.reading.operators.sampling import resize_inputs


@dataclass(frozen=True)
class Move:
    """The shapes around a node before and after a change."""

    old_in: Sequence[Shape]
    new_in: Sequence[Shape]
    old_out: Sequence[Shape]
    axes: tuple[int, ...] = ()
    """Axes that the node's numbers stand for, where it says them."""


def carried(
    node: Node, index: int, before: Graph, now: Mapping[str, Tensor]
) -> tuple[Node, list[Tensor]]:
    """Return a node with its numbers carried over, and constants that it needs for that.

    Args:
        node: as it stands in `before`.
        index: its place, to name constants of a node without a name.
        before: the graph that the numbers were written for.
        now: tensors by name, with the new shapes of the node's inputs.
    """
    tensors = before.tensors
    move = Move(
        [tensors[name].shape if name else () for name in node.inputs],
        [now[name].shape if name else () for name in node.inputs],
        [tensors[name].shape if name else () for name in node.outputs],
    )
    if node.op in ("Conv", "ConvTranspose"):
        node = _regrouped(node, move)
    if not move.old_in or move.old_in[0] == move.new_in[0]:
        return node, []
    target = node.ints("output_size")
    if node.op == "AveragePool" and target:
        window = adaptive_window(move.new_in[0][2:], target)
        return replace(node, attributes={**node.attributes, **window}), []
    if node.op in ("Resize", "Upsample") and _unwritten(node, before):
        return _by_ratio(node, index, move)
    parameter = _PARAMETERS.get(node.op)
    if parameter is None:
        return node, []
    name, place, rule = parameter
    old = before.integers(node, name, place)
    source = node.inputs[place] if place < len(node.inputs) else ""
    if not old or source in before.calculated:
        return node, []
    if node.op in ("Slice", "Resize"):
        axes = before.integers(node, "axes", 3 if node.op == "Slice" else len(node.inputs))
        move = replace(move, axes=axes or tuple(range(len(old))))
    new = rule(node, old, move)
    if new is None or new == old:
        return node, []
    if name in node.attributes:
        return replace(node, attributes={**node.attributes, name: new}), []
    return _with_constant(node, index, place, replace(tensors[source], value=new))


def _with_constant(
    node: Node, index: int, place: int, constant: Tensor
) -> tuple[Node, list[Tensor]]:
    # constants may be shared with nodes for which they mean something else
    made = replace(constant, name=f"{constant.name}@{node.name or index}", constant=True)
    inputs = [*node.inputs, *[""] * (place + 1 - len(node.inputs))]
    inputs[place] = made.name
    return replace(node, inputs=tuple(inputs)), [made]


def _regrouped(node: Node, move: Move) -> Node:
    """A depthwise convolution whose channels were pruned has as many groups as channels."""
    group = node.integer("group", 1)
    if group == 1 or move.old_in[:2] == move.new_in[:2]:
        return node
    channels, weight = move.new_in[0][1], move.new_in[1]
    if node.op == "ConvTranspose":  # its weights count the channels that it reads first
        depth = move.old_in[0][1] // group
        fits = depth and channels % depth == 0 and weight[0] == channels
    else:
        depth = weight[1]
        fits = depth and channels % depth == 0 and weight[0] % (channels // depth) == 0
    if not fits or channels // depth == group:
        return node
    return replace(node, attributes={**node.attributes, "group": channels // depth})


def _unwritten(node: Node, graph: Graph) -> bool:
    """Whether a resize's numbers are in no file, as in a graph's JSON, but its result is."""
    constants = [graph.tensors[name] for name in node.inputs[1:] if name]
    return (
        "scales" not in node.attributes
        and bool(constants)
        and all(t.constant and t.value is None for t in constants)
    )


def _by_ratio(node: Node, index: int, move: Move) -> tuple[Node, list[Tensor]]:
    sizes = _proportional(move.old_out[0], move.old_in[0], move.new_in[0])
    bare = replace(node, op="Resize", inputs=(node.inputs[0],))
    named = Tensor(f"{node.outputs[0]}.sizes", (len(sizes),), "int64", constant=True, value=sizes)
    return _with_constant(bare, index, resize_inputs(4)[1], named)


def _proportional(sizes: Shape, old: Shape, new: Shape) -> Shape:
    """The same factor for each dimension; a dimension that did not change keeps its size."""
    return tuple(
        size if before == after or not before else max(round(size * after / before), 1)
        for size, before, after in zip(sizes, old, new, strict=True)
    )


def _resized(node: Node, sizes: Shape, move: Move) -> Shape | None:  # noqa: ARG001 (a rule's form)
    old, new = move.old_in[0], move.new_in[0]
    if len(sizes) != len(move.axes) or len(old) != len(new):
        return None
    return _proportional(sizes, tuple(old[a] for a in move.axes), tuple(new[a] for a in move.axes))


def _transposed(node: Node, sizes: Shape, move: Move) -> Shape | None:  # noqa: ARG001
    rank = len(move.new_in[0]) - 2
    spatial = _proportional(sizes[-rank:], move.old_in[0][2:], move.new_in[0][2:])
    return (*sizes[:-rank], *spatial)


def _parts(node: Node, sizes: Shape, move: Move) -> Shape | None:
    """Parts of a dimension in the same proportions, where they come out whole."""
    axis = node.integer("axis") % len(move.old_in[0])
    old, new = move.old_in[0][axis], move.new_in[0][axis]
    if old == new or not old or any(size * new % old for size in sizes):
        return None
    return tuple(size * new // old for size in sizes)


def _moved_ends(node: Node, ends: Shape, move: Move) -> Shape | None:  # noqa: ARG001
    """An end at the end of a dimension stays there."""
    if len(ends) != len(move.axes):
        return None
    old, new = move.old_in[0], move.new_in[0]
    return tuple(
        new[axis] if end == old[axis] else end for end, axis in zip(ends, move.axes, strict=True)
    )


def _expanded(node: Node, target: Shape, move: Move) -> Shape | None:  # noqa: ARG001
    """A length that repeats nothing but says the input's own follows it."""
    old, new = move.old_in[0], move.new_in[0]
    if len(old) != len(new):
        return None
    result = list(target)
    for offset in range(1, min(len(old), len(target)) + 1):
        if target[-offset] == old[-offset]:
            result[-offset] = new[-offset]
    return tuple(result)


def _reshaped(node: Node, target: Shape, move: Move) -> Shape | None:  # noqa: ARG001
    return reshape_target(target, move.old_in[0], move.old_out[0], move.new_in[0])


_PARAMETERS: Mapping[str, tuple[str, int, Callable[[Node, Shape, Move], Shape | None]]] = {
    "Reshape": ("shape", 1, _reshaped),
    "Split": ("split", 1, _parts),
    "Slice": ("ends", 2, _moved_ends),
    "Expand": ("shape", 1, _expanded),
    "Resize": ("sizes", 3, _resized),
    "ConvTranspose": ("output_shape", 99, _transposed),
}
"""The numbers of each operator: name as an attribute, place as an input, and what they become."""


def reshape_target(
    target: tuple[int, ...], old_in: Shape, old_out: Shape, new_in: Shape
) -> tuple[int, ...] | None:
    """Return what the target of a reshape becomes when its input changes.

    Old input and output are cut into the smallest runs of dimensions with the same number of
    elements; a run that is one dimension in the output takes the run's new size. Where one
    dimension is split into several, its first keeps its length if that divides the new size
    (groups of channels), else its last does. Copied (0) and worked-out (-1) entries stay.

    Returns:
        The new target, or `None` where the runs do not line up.
    """
    if len(old_in) != len(new_in) or len(target) != len(old_out):
        return None
    result = list(target)
    for inputs, outputs in _runs(old_in, old_out):
        size = 1
        for place in inputs:
            size *= new_in[place]
        if [new_in[p] for p in inputs] == [old_in[p] for p in inputs]:
            continue
        free = [place for place in outputs if old_out[place] != 1] or outputs[:1]
        lengths = {place: old_out[place] for place in free}
        if len(free) == 1:
            lengths[free[0]] = size
        elif len(inputs) > 1 or not _resolve(lengths, free, size):
            return None
        for place, length in lengths.items():
            if result[place] > 0:
                result[place] = length
    return tuple(result)


def _resolve(lengths: dict[int, int], free: list[int], size: int) -> bool:
    for moving in (free[-1], free[0]):
        rest = 1
        for place in free:
            rest *= 1 if place == moving else lengths[place]
        if size % rest == 0:
            lengths[moving] = size // rest
            return True
    return False


def _runs(old_in: Shape, old_out: Shape) -> list[tuple[list[int], list[int]]]:
    """Cut two shapes of equal size into matching runs of places."""
    runs: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old_in) and j < len(old_out):
        inputs, outputs = [i], [j]
        left, right = old_in[i], old_out[j]
        i, j = i + 1, j + 1
        while left != right:
            if left < right and i < len(old_in):
                left *= old_in[i]
                inputs.append(i)
                i += 1
            elif left > right and j < len(old_out):
                right *= old_out[j]
                outputs.append(j)
                j += 1
            else:
                return []
        runs.append((inputs, outputs))
    if runs:
        # ones that are left over belong to the last run
        runs[-1][0].extend(range(i, len(old_in)))
        runs[-1][1].extend(range(j, len(old_out)))
    return runs
