"""Lowering many graphs that differ in their sizes alone: the rules run once for all of them.

Variants of a network have the same operators, and most rules decide the same of each: only the
numbers of the layers are others. A plan holds how they follow from the graph's lengths, and what
must hold of those, and of the target, for the rules to decide so (`sizes`). A graph that no plan
fits is lowered as any other is, so that the network is the same to the bit whichever way it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import islice
from operator import attrgetter, itemgetter
from threading import RLock
from typing import Any, cast

import numpy as np

from edgeprofiler.core.choices import PRECISIONS
from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.core.graph import Graph, Node, Shape
from edgeprofiler.core.network import Columns, Layer, Network, numbers_of
from edgeprofiler.reading.lowering.compound import is_plain
from edgeprofiler.reading.lowering.pipeline import BUILDERS, Draft, drafted, lower, wider_type
from edgeprofiler.reading.lowering.sizes import Number, Trace
from edgeprofiler.reading.lowering.target import BuildTarget

_GROUP = "group"
"""The attribute that is a number of channels, of depthwise convolutions."""
_KINDS = 64
"""Structures that are remembered: families of networks, their depths, precisions and boards."""
_PLANS = 8
"""Plans of one structure, for boards that differ to its rules, of which there are three, and more:
rules that decide anew at every size are not worth a plan."""
_OWN = 4
"""Plans of a structure's first graph alone: one for each kind of board, and no more than those."""
_SHAPES = ("input_shapes", "output_shapes")
_LISTS = ("kernel", "stride", "padding_before", "padding_after", "dilation")
_COUNTS = ("groups", "macs", "flops", "weight_bytes", "bytes_moved")
_FACTS = tuple(f.name for f in fields(BuildTarget) if f.name not in ("name", "tensorrt"))
"""Fields of a target that are one number or answer each."""
_read_facts = attrgetter(*_FACTS)
Lengths = tuple[int | float, ...]
Structure = tuple[object, ...]
"""All that the lowering sees of a graph, but its lengths and its name."""
Places = tuple[int, ...]
"""Where the numbers of a list are among those of a trace."""
LowerDraft = Callable[[Graph, BuildTarget], Draft]


@dataclass(frozen=True)
class _SizedLayer:
    """A layer, and where those of its sizes are that follow the graph's."""

    fields: Mapping[str, Any]
    """All of its fields, by name; those that follow the graph's sizes are to be replaced."""
    groups: Mapping[str, Places]
    """Shapes among the plan's, of the fields that have several of them."""
    shapes: Mapping[str, int]
    """Shape among the plan's, of the fields that are one."""
    counts: Mapping[str, int]
    """Places of numbers."""


class Plan:
    """How graphs of one structure become networks, whatever their sizes, on targets alike.

    What the rules ask of the target is followed as what they ask of sizes: a plan holds for every
    target that answers the same.
    """

    def __init__(
        self,
        graph: Graph,
        target: BuildTarget,
        lower_draft: LowerDraft,
        seen: Sequence[Lengths] | None,
    ) -> None:
        """Lower a graph, and keep how.

        Args:
            graph: the graph.
            target: what it is lowered for.
            lower_draft: lowers it.
            seen: lengths of graphs of its structure; those that were always the same are taken
                for one. `None` makes a plan of this graph's own lengths alone, which takes little
                longer than to lower it.

        Raises:
            EdgeProfilerError: the graph cannot be lowered.
        """
        lengths = _lengths(graph)
        self._fixed = lengths if seen is None else None
        self._same_as, self._first = _classes([] if seen is None else [*seen, lengths])
        distinct = _taken(lengths, self._first)
        self._trace = Trace((*distinct, *_facts_of(target)))
        sized = self._trace.lengths
        if seen is not None:
            graph = _with_lengths(graph, _taken(sized, self._same_as))
        self._draft = lower_draft(graph, _with_facts(target, sized[len(distinct) :]))
        self._shapes: dict[Places, int] = {}
        self._layers = [self._sized(layer) for layer in self._draft.layers]
        self._read_shapes = [_reader(places) for places in self._shapes]
        rows = [number for layer in self._draft.layers for number in numbers_of(layer)]
        place = self._trace.place
        columns = tuple(map(place, rows))
        self._columns = np.array(self._trace.values(columns), dtype=np.float64)
        self._varying = [row for row, at in enumerate(columns) if self._trace.varies(at)]
        self._read_columns = _reader(tuple([columns[row] for row in self._varying]))
        self._alive = [(first, last, place(size)) for first, last, size in self._draft.alive]
        self._batch, self._io_bytes = place(self._draft.batch), place(self._draft.io_bytes)
        self._last: tuple[object, Network] | None = None

    def network(self, graph: Graph, lengths: Lengths, target: BuildTarget) -> Network | None:
        """Return the network of a graph of the same structure; `None` where rules decide anew.

        The same network answers again for a target that the rules see as the last one.
        """
        distinct = _taken(lengths, self._first)
        fits = (
            lengths == self._fixed
            if self._fixed is not None
            else _taken(distinct, self._same_as) == lengths
        )
        numbers = self._trace.again((*distinct, *_facts_of(target))) if fits else None
        if numbers is None:
            return None
        key = (graph.name, lengths)
        if self._last is None or self._last[0] != key:
            self._last = key, self._made(graph.name, numbers)
        return self._last[1]

    def _made(self, name: str, numbers: Sequence[Number]) -> Network:
        shapes = [read(numbers) for read in self._read_shapes]
        draft = replace(
            self._draft,
            layers=tuple([_layer(sized, shapes, numbers) for sized in self._layers]),
            batch=cast("int", numbers[self._batch]),
            alive=tuple([(first, last, numbers[place]) for first, last, place in self._alive]),
            io_bytes=cast("int", numbers[self._io_bytes]),
        )
        rows = self._columns.copy()
        rows[self._varying] = self._read_columns(numbers)
        return draft.network(name, None).given(Columns.of_numbers(rows))

    def _sized(self, layer: Layer) -> _SizedLayer:
        """Return a layer with plain numbers, and where those are that vary."""
        groups: dict[str, Places] = {}
        shapes: dict[str, int] = {}
        counts: dict[str, int] = {}
        known: dict[str, Any] = dict(vars(layer))
        for name in _SHAPES:
            if any(map(self._varies, known[name])):
                groups[name] = tuple(map(self._shape, known[name]))
            known[name] = tuple(map(self._plain, known[name]))
        for name in _LISTS:
            if self._varies(known[name]):
                shapes[name] = self._shape(known[name])
            known[name] = self._plain(known[name])
        for name in _COUNTS:
            if known[name] is None:
                continue
            place = self._trace.place(known[name])
            if self._trace.varies(place):
                counts[name] = place
            (known[name],) = self._trace.values((place,))
        return _SizedLayer(known, groups, shapes, counts)

    def _varies(self, shape: Shape) -> bool:
        return any(self._trace.varies(self._trace.place(length)) for length in shape)

    def _plain(self, shape: Shape) -> Shape:
        """Return a shape in plain numbers."""
        return cast("Shape", self._trace.values(tuple(map(self._trace.place, shape))))

    def _shape(self, shape: Shape) -> int:
        """Return which of the plan's shapes one is; equal ones are worked out once."""
        places = tuple(map(self._trace.place, shape))
        return self._shapes.setdefault(places, len(self._shapes))


def _classes(seen: Sequence[Lengths]) -> tuple[Places, Places]:
    """Return the class of each length, and where the first of each class is.

    Lengths that were always the same are of one class.
    """
    classes: dict[Lengths, int] = {}
    first: list[int] = []
    same_as = []
    for place, each in enumerate(zip(*seen, strict=True)):
        if each not in classes:
            classes[each] = len(classes)
            first.append(place)
        same_as.append(classes[each])
    return tuple(same_as), tuple(first)


def _facts_of(target: BuildTarget) -> Lengths:
    """Return what rules may ask of a target, but its name."""
    return (*target.tensorrt, *_read_facts(target))


def _with_facts(target: BuildTarget, facts: Sequence[Any]) -> BuildTarget:
    """Return a target with other facts, in the order of `_facts_of`."""
    major, minor, *others = facts
    named = dict(zip(_FACTS, others, strict=True))
    return replace(target, tensorrt=(major, minor), **named)


def _lengths(graph: Graph) -> Lengths:
    """Return all numbers of a graph that follow its sizes."""
    found: list[Any] = []
    for tensor in graph.tensors.values():
        found += tensor.shape
        if tensor.value is not None:
            found += tensor.value
    for node in graph.nodes:
        if _is_grouped(node):
            found.append(node.attributes[_GROUP])
    return tuple(found)


def _with_lengths(graph: Graph, lengths: Sequence[Any]) -> Graph:
    """Return a graph with other numbers, in the order of `_lengths`."""
    left = iter(lengths)
    tensors = {}
    for name, tensor in graph.tensors.items():
        shape = tuple(islice(left, len(tensor.shape)))
        value = None if tensor.value is None else tuple(islice(left, len(tensor.value)))
        tensors[name] = replace(tensor, shape=shape, value=value)
    nodes = [
        replace(node, attributes={**node.attributes, _GROUP: next(left)})
        if _is_grouped(node)
        else node
        for node in graph.nodes
    ]
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _taken(numbers: Sequence[Any], places: Places) -> tuple[Any, ...]:
    return _reader(places)(numbers)


def _reader(places: Places) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return what takes the numbers at some places."""
    if len(places) > 1:
        return cast("Callable[[Sequence[Any]], tuple[Any, ...]]", itemgetter(*places))
    return lambda numbers: tuple([numbers[place] for place in places])


def _layer(sized: _SizedLayer, shapes: Sequence[Shape], numbers: Sequence[Number]) -> Layer:
    layer = object.__new__(Layer)
    # Where a frozen object keeps its fields: to set each of them anew takes four times as long.
    known = vars(layer)
    known |= sized.fields
    for name, group in sized.groups.items():
        known[name] = tuple([shapes[index] for index in group])
    for name, index in sized.shapes.items():
        known[name] = shapes[index]
    for name, place in sized.counts.items():
        known[name] = numbers[place]
    return layer


@dataclass
class _Kind:
    """Graphs of one structure, lowered for one precision and builder."""

    structure: Structure
    precision: str
    builder: str
    seen: list[Lengths]
    plans: list[Plan] = field(default_factory=list)
    own: list[Plan] = field(default_factory=list)
    """Plans of one graph's lengths alone."""

    def planned(self, graph: Graph, lengths: Lengths, target: BuildTarget) -> Network | None:
        """Return a graph's network by one of the plans; the one that fits is tried first again."""
        for plans in (self.plans, self.own):
            for plan in plans:
                found = plan.network(graph, lengths, target)
                if found is not None:
                    if plan is not plans[0]:
                        plans.remove(plan)
                        plans.insert(0, plan)
                    return found
        return None

    def planned_anew(self, graph: Graph, lengths: Lengths, target: BuildTarget) -> Network | None:
        """Return a graph's network by a new plan; `None` where it is to be lowered without one."""

        def lower_draft(sized: Graph, for_target: BuildTarget) -> Draft:
            return drafted(sized, "assumed", self.precision, self.builder, for_target)

        others = any(each != lengths for each in self.seen)
        plans, most = (self.plans, _PLANS) if others else (self.own, _OWN)
        if len(plans) >= most:
            return None
        try:
            plan = Plan(graph, target, lower_draft, self.seen if others else None)
        except EdgeProfilerError:  # `lower` says it with the numbers themselves
            return None
        if lengths not in self.seen:
            self.seen.append(lengths)
        plans.insert(0, plan)
        return plan.network(graph, lengths, target)


@dataclass
class Plans:
    """Lowers graphs one after another, and keeps how, for those of the same structure.

    A plan that follows sizes pays from the third graph of a structure on: the first is lowered
    for itself, unless enough of its structure are expected.

    Args:
        expected: graphs that will be lowered.

    >>> from edgeprofiler.reading.lowering import JETSON_ORIN, lower
    >>> from edgeprofiler.reading.zoo import zoo_graph
    >>> plans = Plans()
    >>> graphs = [zoo_graph("resnet18", resolution=size) for size in (160, 192, 224, 256)]
    >>> networks = [plans.lower(graph, "fp16", "trtexec", JETSON_ORIN) for graph in graphs]
    >>> networks == [lower(graph) for graph in graphs]
    True
    """

    expected: Sequence[Graph] = ()
    _kinds: dict[object, list[_Kind]] = field(default_factory=dict)
    _last: tuple[Graph, Structure, Lengths] | None = field(default=None, repr=False)
    _turn: RLock = field(default_factory=RLock, repr=False, compare=False)
    """Threads take turns."""

    def lower(self, graph: Graph, precision: str, builder: str, target: BuildTarget) -> Network:
        """Return the network of a graph, as `pipeline.lower` does; args and errors are its."""
        known = precision in PRECISIONS and builder in BUILDERS
        with self._turn:
            structure, lengths = self._seen(graph)
            kind = self._kind(graph, structure, precision, builder, target)
            found = kind.planned(graph, lengths, target)
            if found is None and known and is_plain(graph):
                found = kind.planned_anew(graph, lengths, target)
        if found is None:
            return lower(graph, precision, builder=builder, target=target)
        wider = wider_type(graph, found, precision)
        return found.with_wider(self.lower(graph, wider, builder, target)) if wider else found

    def _seen(self, graph: Graph) -> tuple[Structure, Lengths]:
        """Return a graph's structure and lengths; it is often asked for board by board."""
        if self._last is None or self._last[0] is not graph:
            self._last = graph, _structure(graph), _lengths(graph)
        return self._last[1:]

    @cached_property
    def _expected(self) -> Sequence[tuple[Structure, Lengths]]:
        return [(_structure(graph), _lengths(graph)) for graph in self.expected]

    def _kind(
        self, graph: Graph, structure: Structure, precision: str, builder: str, target: BuildTarget
    ) -> _Kind:
        # Without fast INT8 a warning says the target's name.
        name = target.name if precision == "int8" and not target.int8 else ""
        size = len(graph.nodes), len(graph.tensors)
        alike = self._kinds.setdefault((precision, builder, name, size, graph.outputs), [])
        kind = next((k for k in alike if k.structure == structure), None)
        if kind is None:
            others = [lengths for other, lengths in self._expected if other == structure]
            kind = _Kind(structure, precision, builder, [*dict.fromkeys(others)])
            self._remember(alike, kind)
        return kind

    def _remember(self, alike: list[_Kind], kind: _Kind) -> None:
        if sum(map(len, self._kinds.values())) >= _KINDS:
            self._kinds.clear()
        else:
            alike.append(kind)


def _structure(graph: Graph) -> Structure:
    """Return all that the lowering sees of a graph, but its lengths and its name."""
    kinds = [
        (t.dtype, t.constant, len(t.shape), None if t.value is None else tuple(map(type, t.value)))
        for t in graph.tensors.values()
    ]
    nodes = [_without_group(node) for node in graph.nodes]
    # 1, 1.0 and True are equal, and are not read alike.
    types = [tuple(map(type, node.attributes.values())) for node in graph.nodes]
    return nodes, types, graph.inputs, graph.outputs, graph.warnings, tuple(graph.tensors), kinds


def _is_grouped(node: Node) -> bool:
    """Say whether a node has a number of groups; a stranger's file may hold anything there."""
    return type(node.attributes.get(_GROUP)) is int


def _without_group(node: Node) -> object:
    if not _is_grouped(node) or node.attributes[_GROUP] == 1:
        return node
    others = {name: value for name, value in node.attributes.items() if name != _GROUP}
    return node.name, node.op, node.inputs, node.outputs, others, node.repeats
