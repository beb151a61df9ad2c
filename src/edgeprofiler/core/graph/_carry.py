"""What numbers baked into a node become when the shapes around it change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeprofiler.core.graph.build import adaptive_window
from edgeprofiler.core.graph.graph import AttributeValue, Node, Shape

Value = tuple[int, ...] | tuple[float, ...]


def carried_attributes(
    node: Node, old_in: Sequence[Shape], new_in: Sequence[Shape], old_out: Sequence[Shape]
) -> Mapping[str, AttributeValue] | None:
    """Return a node's attributes for new input shapes, or `None` where they stay."""
    if old_in[0] == new_in[0]:
        if node.op == "Conv" and node.integer("group", 1) > 1 and old_in[1] != new_in[1]:
            return _regrouped(node, new_in)
        return None
    target = node.ints("output_size")
    if node.op == "AveragePool" and target:
        return {**node.attributes, **adaptive_window(new_in[0][2:], target)}
    if node.op in ("Conv", "ConvTranspose") and node.integer("group", 1) > 1:
        return _regrouped(node, new_in)
    if node.op == "Split" and "split" in node.attributes:
        axis = node.integer("axis") % len(old_in[0])
        sizes = _scaled(node.ints("split"), old_in[0][axis], new_in[0][axis])
        return {**node.attributes, "split": sizes} if sizes else None
    if node.op == "Slice" and "ends" in node.attributes:
        axes = node.ints("axes", tuple(range(len(node.ints("ends")))))
        ends = _moved_ends(node.ints("ends"), axes, old_in[0], new_in[0])
        return {**node.attributes, "ends": ends}
    if node.op == "Reshape" and "shape" in node.attributes:
        shape = reshape_target(node.ints("shape"), old_in[0], old_out[0], new_in[0])
        return {**node.attributes, "shape": shape} if shape else None
    return None


def _regrouped(node: Node, new_in: Sequence[Shape]) -> Mapping[str, AttributeValue] | None:
    """A depthwise convolution whose channels were pruned has as many groups as channels."""
    channels, weight = new_in[0][1], new_in[1]
    if node.op == "Conv" and weight[1] and channels % weight[1] == 0:
        group = channels // weight[1]
        if group != node.integer("group", 1) and weight[0] % group == 0:
            return {**node.attributes, "group": group}
    return None


def carried_values(
    node: Node,
    values: Sequence[Value | None],
    old_in: Sequence[Shape],
    new_in: Sequence[Shape],
    old_out: Sequence[Shape],
) -> dict[int, Value]:
    """Return new values of constant inputs by their place; those that stay are absent."""
    if not old_in or old_in[0] == new_in[0]:
        return {}
    found: dict[int, Value | None] = {}
    known = {place: value for place, value in enumerate(values) if value is not None}
    if node.op == "Reshape" and 1 in known:
        found[1] = reshape_target(_ints(known[1]), old_in[0], old_out[0], new_in[0])
    elif node.op == "Resize" and 3 in known and len(known[3]) == len(old_in[0]):
        found[3] = _resized(_ints(known[3]), old_in[0], new_in[0])
    elif node.op == "Split" and 1 in known:
        axis = node.integer("axis") % len(old_in[0])
        found[1] = _scaled(_ints(known[1]), old_in[0][axis], new_in[0][axis])
    elif node.op == "Slice" and 2 in known:
        axes = _ints(known[3]) if 3 in known else tuple(range(len(known[2])))
        found[2] = _moved_ends(_ints(known[2]), axes, old_in[0], new_in[0])
    elif node.op == "Expand" and 1 in known and old_in[0][:1] != new_in[0][:1]:
        target = _ints(known[1])
        if target[:1] == old_in[0][:1] and len(target) == len(old_in[0]):
            found[1] = (new_in[0][0], *target[1:])
    return {place: value for place, value in found.items() if value and value != values[place]}


def _ints(value: Value) -> tuple[int, ...]:
    return tuple(int(number) for number in value)


def _scaled(sizes: tuple[int, ...], old: int, new: int) -> tuple[int, ...] | None:
    """Parts of a dimension in the same proportions, where they come out whole."""
    if old == new or any(size * new % old for size in sizes):
        return None
    return tuple(size * new // old for size in sizes)


def _resized(sizes: tuple[int, ...], old: Shape, new: Shape) -> tuple[int, ...]:
    """The same factor for each dimension; a dimension that did not change keeps its size."""
    return tuple(
        size if before == after else max(round(size * after / before), 1)
        for size, before, after in zip(sizes, old, new, strict=True)
    )


def _moved_ends(
    ends: tuple[int, ...], axes: tuple[int, ...], old: Shape, new: Shape
) -> tuple[int, ...]:
    """An end at the end of a dimension stays there."""
    return tuple(
        new[axis] if end == old[axis] else end for end, axis in zip(ends, axes, strict=True)
    )


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
