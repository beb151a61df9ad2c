"""Which channels of a graph must be pruned together, and the graph with fewer of them.

Every convolution or fully connected layer makes new channels: a group. Operators tie groups: a
residual addition makes two one, a depthwise convolution keeps its input's, a concatenation lays
several side by side, a flattening repeats each channel for every position. Whatever an operator
does that is not known here freezes the groups it touches, so that a pruned graph is always valid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from edgeprofiler.core.activations import OPERATORS as ACTIVATIONS
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Graph, Node, Shape
from edgeprofiler.reading.graphs.change import with_constant_shapes
from edgeprofiler.reading.operators.effect import changes_nothing

_SAME_CHANNELS = (ACTIVATIONS - {"PRelu"}) | {
    "Erf", "Identity", "Dropout", "Cast", "Sqrt", "Exp", "Neg", "Abs",
}  # fmt: skip
"""They keep each channel to itself and hold no weight for it, as `PRelu` does."""
_POOLS = frozenset({
    "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool", "LRN",
})  # fmt: skip
"""They keep channels on axis 1, and work across all others."""
_ELEMENTWISE = frozenset({"Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "Sum", "Mean"})


@dataclass(frozen=True)
class Segment:
    """A run of channels of one group; each channel stands `repeat` times (after flattening)."""

    group: int
    repeat: int = 1


@dataclass(frozen=True)
class Layout:
    """What lies along a tensor's channel axis."""

    axis: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that live or die together."""

    index: int
    size: int
    producers: tuple[str, ...]
    """Nodes whose filters make these channels."""
    constants: tuple[str, ...]
    """Every weight that changes its shape with the group."""


class _NotKnown(Exception):
    """What an operator does to these channels is not known: it freezes what it touches."""


@dataclass
class Channels:
    """Channel groups of a graph, found once; `groups` are those that may be pruned."""

    graph: Graph
    groups: tuple[ChannelGroup, ...] = ()
    _sizes: list[int] = field(default_factory=list)
    _parent: list[int] = field(default_factory=list)
    _frozen: set[int] = field(default_factory=set)
    _producers: dict[int, list[str]] = field(default_factory=dict)
    _layouts: dict[str, Layout] = field(default_factory=dict)
    _uses: dict[str, dict[int, Layout]] = field(default_factory=dict)
    """For each weight, what lies along each of its axes that carry channels."""
    _seen_otherwise: set[str] = field(default_factory=set)
    """Weights that an operator reads whose channels are not known."""
    _copies: dict[str, str] = field(default_factory=dict)
    """Weights by the names of their plain copies: exporters write a bias as `Identity` of one."""

    @staticmethod
    def of(graph: Graph) -> Channels:
        """Find the groups of `graph`."""
        found = Channels(graph)
        for name in graph.inputs:
            found._freeze(found._fresh(graph.tensors[name].shape, name))
        for node in graph.nodes:
            found._visit(node)
        for name in graph.outputs:
            found._freeze(found._layouts.get(name))
        for name in found._seen_otherwise:
            found._freeze(*found._uses.get(name, {}).values())
        found.groups = found._collect()
        return found

    def pruned(self, sizes: Mapping[int, int]) -> Graph:
        """Return the graph with some groups smaller.

        Args:
            sizes: channels that remain, by index of group.

        Raises:
            UsageError: no such group, or a size that is none.
        """
        known = {group.index: group for group in self.groups}
        for index, size in sizes.items():
            if index not in known or not 1 <= size <= known[index].size:
                raise UsageError(f"channel group {index} cannot have {size} channels")
        now = {self._root(i): size for i, size in sizes.items()}
        shapes: dict[str, Shape] = {}
        for constant, axes in self._uses.items():
            shape = list(self.graph.tensors[constant].shape)
            for axis, layout in axes.items():
                shape[axis] = sum(
                    s.repeat * now.get(self._root(s.group), self._sizes[self._root(s.group)])
                    for s in layout.segments
                )
            if tuple(shape) != self.graph.tensors[constant].shape:
                shapes[constant] = tuple(shape)
        return with_constant_shapes(self.graph, shapes)

    # Union-find over groups.

    def _root(self, group: int) -> int:
        while self._parent[group] != group:
            self._parent[group] = self._parent[self._parent[group]]
            group = self._parent[group]
        return group

    def _new_group(self, size: int) -> int:
        self._sizes.append(size)
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def _tie(self, a: Layout | None, b: Layout | None) -> None:
        """Make two layouts one, channel by channel; freeze both where that is not possible."""
        if a is None or b is None:
            self._freeze(a, b)
            return
        same = len(a.segments) == len(b.segments) and all(
            x.repeat == y.repeat and self._size(x) == self._size(y)
            for x, y in zip(a.segments, b.segments, strict=True)
        )
        if not same:
            self._freeze(a, b)
            return
        for x, y in zip(a.segments, b.segments, strict=True):
            left, right = self._root(x.group), self._root(y.group)
            if left != right:
                self._parent[right] = left
                if right in self._frozen:
                    self._frozen.add(left)
                self._producers.setdefault(left, []).extend(self._producers.pop(right, []))

    def _freeze(self, *layouts: Layout | None) -> None:
        for layout in layouts:
            for segment in layout.segments if layout is not None else ():
                self._frozen.add(self._root(segment.group))

    def _size(self, segment: Segment) -> int:
        return self._sizes[self._root(segment.group)]

    def _length(self, layout: Layout) -> int:
        return sum(s.repeat * self._size(s) for s in layout.segments)

    def _fresh(self, shape: Shape, name: str, axis: int = 1) -> Layout | None:
        if len(shape) <= axis:
            return None
        layout = Layout(axis, (Segment(self._new_group(shape[axis])),))
        self._layouts[name] = layout
        return layout

    # What each operator does to channels.

    def _visit(self, node: Node) -> None:
        known = self._FOLLOW.get(node.op, Channels._opaque)
        follow = Channels._same if changes_nothing(self.graph, node) else known
        try:
            follow(self, node)
        except _NotKnown:
            self._opaque(node)

    def _opaque(self, node: Node) -> None:
        self._freeze(*(self._layouts.get(name) for name in node.inputs))
        self._seen_otherwise.update(
            self._copies.get(name, name) for name in node.inputs if self._constant(name)
        )
        for name in node.outputs:
            if name:
                self._freeze(self._fresh(self.graph.tensors[name].shape, name))

    def _constant(self, name: str) -> bool:
        return bool(name) and (self.graph.tensors[name].constant or name in self._copies)

    def _use(self, constant: str, axis: int, layout: Layout) -> None:
        """Say that a weight carries `layout` along `axis`; a weight used twice ties both uses."""
        axes = self._uses.setdefault(self._copies.get(constant, constant), {})
        if axis in axes:
            self._tie(axes[axis], layout)
        else:
            axes[axis] = layout

    def _convolution(self, node: Node) -> None:
        source, weight = node.inputs[0], node.inputs[1]
        layout = self._layouts.get(source)
        groups = node.integer("group", 1)
        shape = self.graph.tensors[weight].shape
        if layout is None or not self._constant(weight) or layout.axis != 1:
            raise _NotKnown
        if groups == 1:
            self._use(weight, 1, layout)
            made = self._fresh(self.graph.tensors[node.outputs[0]].shape, node.outputs[0])
        elif groups == shape[0] == self._length(layout):
            made = layout
            self._layouts[node.outputs[0]] = layout
        else:
            raise _NotKnown
        if made is None:
            return
        self._use(weight, 0, made)
        if groups == 1:
            self._producers.setdefault(made.segments[0].group, []).append(node.name)
        self._parameters(node.inputs[2:3], made)

    def _parameters(self, names: Sequence[str], layout: Layout) -> None:
        """Say that weights carry `layout` along axis 0; others of several values freeze it."""
        for name in names:
            if not name:
                continue
            if not self._constant(name):
                self._freeze(layout)
            elif self.graph.tensors[name].shape[:1] == (self._length(layout),):
                self._use(name, 0, layout)
            elif math.prod(self.graph.tensors[name].shape) > 1:
                self._freeze(layout)

    def _dense(self, node: Node) -> None:
        source, weight = node.inputs[0], node.inputs[1]
        layout = self._layouts.get(source)
        last = len(self.graph.tensors[source].shape) - 1
        plain = (
            layout is not None
            and layout.axis == last
            and self._constant(weight)
            and len(self.graph.tensors[weight].shape) == 2
            and not node.integer("transA")
        )
        if not plain or layout is None:
            raise _NotKnown
        into, out = (1, 0) if node.op == "Gemm" and node.integer("transB") else (0, 1)
        self._use(weight, into, layout)
        made = self._fresh(self.graph.tensors[node.outputs[0]].shape, node.outputs[0], last)
        if made is None:
            return
        self._use(weight, out, made)
        self._producers.setdefault(made.segments[0].group, []).append(node.name)
        for name in filter(None, node.inputs[2:3]):
            bias = self.graph.tensors[name].shape
            if not self._constant(name):
                self._freeze(made)
            elif bias and bias[-1] == self._length(made):
                self._use(name, len(bias) - 1, made)

    def _per_channel(self, node: Node) -> None:
        layout = self._layouts.get(node.inputs[0])
        if layout is None or layout.axis != 1:
            raise _NotKnown
        self._parameters(node.inputs[1:], layout)
        self._layouts[node.outputs[0]] = layout

    def _layer_norm(self, node: Node) -> None:
        layout = self._layouts.get(node.inputs[0])
        rank = len(self.graph.tensors[node.inputs[0]].shape)
        if layout is None or layout.axis != rank - 1 or node.integer("axis", -1) % rank != rank - 1:
            raise _NotKnown
        self._parameters(node.inputs[1:], layout)
        self._layouts[node.outputs[0]] = layout

    def _same(self, node: Node) -> None:
        if self._constant(node.inputs[0]):
            source = node.inputs[0]
            self._copies[node.outputs[0]] = self._copies.get(source, source)
            return
        layout = self._layouts.get(node.inputs[0])
        if layout is None or (node.op in _POOLS and layout.axis != 1):
            raise _NotKnown
        self._layouts[node.outputs[0]] = layout

    def _elementwise(self, node: Node) -> None:
        result = self.graph.tensors[node.outputs[0]].shape
        made: Layout | None = None
        if any(self._untold(name) for name in node.inputs):
            raise _NotKnown
        for name in node.inputs:
            layout = None if self._constant(name) else self._layouts.get(name)
            if layout is None:
                continue
            shape = self.graph.tensors[name].shape
            place = layout.axis + len(result) - len(shape)  # axes align from the right
            if self._length(layout) == 1 and result[place] != 1:
                self._freeze(layout)  # one channel, broadcast over all of another input's
                continue
            here = Layout(place, layout.segments)
            if made is None:
                made = here
            elif made.axis == place:
                self._tie(made, here)
            else:
                self._freeze(made, here)
        if made is None:
            raise _NotKnown
        for name in node.inputs:
            if not self._constant(name):
                continue
            shape = self.graph.tensors[name].shape
            place = made.axis - (len(result) - len(shape))
            if 0 <= place < len(shape) and shape[place] != 1:
                self._use(name, place, made)
        self._layouts[node.outputs[0]] = made

    def _untold(self, name: str) -> bool:
        """Say whether a computed tensor has many elements, but nobody knows of which channels."""
        return (
            bool(name)
            and not self._constant(name)
            and name not in self._layouts
            and math.prod(self.graph.tensors[name].shape) > 1
        )

    def _concat(self, node: Node) -> None:
        layouts = [self._layouts.get(name) for name in node.inputs]
        known = [layout for layout in layouts if layout is not None]
        rank = len(self.graph.tensors[node.outputs[0]].shape)
        axis = node.integer("axis", 1) % rank
        if len(known) != len(layouts) or len({layout.axis for layout in known}) != 1:
            raise _NotKnown
        if known[0].axis == axis:
            segments = tuple(s for layout in known for s in layout.segments)
            self._layouts[node.outputs[0]] = Layout(axis, segments)
            return
        for layout in known[1:]:
            self._tie(known[0], layout)
        self._layouts[node.outputs[0]] = known[0]

    def _flatten(self, node: Node) -> None:
        layout = self._layouts.get(node.inputs[0])
        source = self.graph.tensors[node.inputs[0]].shape
        result = self.graph.tensors[node.outputs[0]].shape
        flat = (
            layout is not None
            and layout.axis == 1
            and len(result) == 2
            and result[0] == source[0]
            and result[1] == math.prod(source[1:])
        )
        if not flat or layout is None:
            raise _NotKnown
        positions = math.prod(source[2:])
        segments = tuple(Segment(s.group, s.repeat * positions) for s in layout.segments)
        self._layouts[node.outputs[0]] = Layout(1, segments)

    def _transpose(self, node: Node) -> None:
        layout = self._layouts.get(node.inputs[0])
        rank = len(self.graph.tensors[node.inputs[0]].shape)
        order = node.ints("perm", tuple(reversed(range(rank))))
        if layout is None:
            raise _NotKnown
        self._layouts[node.outputs[0]] = Layout(order.index(layout.axis), layout.segments)

    def _collect(self) -> tuple[ChannelGroup, ...]:
        frozen = {self._root(group) for group in self._frozen}
        constants: dict[int, list[str]] = {}
        for constant, axes in self._uses.items():
            for layout in axes.values():
                for segment in layout.segments:
                    constants.setdefault(self._root(segment.group), []).append(constant)
        return tuple(
            ChannelGroup(
                group,
                self._sizes[group],
                tuple(dict.fromkeys(self._producers[group])),
                tuple(dict.fromkeys(constants.get(group, ()))),
            )
            for group in range(len(self._sizes))
            if self._root(group) == group
            and group not in frozen
            and self._sizes[group] > 1
            and self._producers.get(group)
        )

    _FOLLOW: ClassVar[Mapping[str, Callable[[Channels, Node], None]]] = {
        **dict.fromkeys(_SAME_CHANNELS | _POOLS, _same),
        **dict.fromkeys(_ELEMENTWISE, _elementwise),
        **dict.fromkeys(("Gemm", "MatMul"), _dense),
        **dict.fromkeys(("BatchNormalization", "PRelu", "InstanceNormalization"), _per_channel),
        **dict.fromkeys(("Flatten", "Reshape"), _flatten),
        "Conv": _convolution,
        "LayerNormalization": _layer_norm,
        "Concat": _concat,
        "Transpose": _transpose,
    }
    """What follows the channels through an operator."""
