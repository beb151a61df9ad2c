"""Lowering many graphs that differ in their sizes alone: the rules run once for all of them.

Variants of a network have the same operators, and most rules decide the same of each: only the
numbers of the layers are others. A plan holds how they follow from the graph's lengths, and what
must hold of those for the rules to decide so (`sizes`). A graph that no plan fits is lowered as
any other is, so that the network is the same to the bit whichever way it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from operator import itemgetter
from typing import Any, cast

from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.core.graph import Graph, Node, Shape
from edgeprofiler.core.network import Columns, Layer, Network, numbers_of
from edgeprofiler.reading.lowering.compound import is_plain
from edgeprofiler.reading.lowering.pipeline import Draft, drafted, lower
from edgeprofiler.reading.lowering.sizes import Number, Trace
from edgeprofiler.reading.lowering.target import BuildTarget

_GROUP = "group"
"""The attribute that is a number of channels, of depthwise convolutions."""
_KINDS = 64
"""Structures that are remembered: families of networks, their depths, precisions and boards."""
_PLANS = 4
"""Plans of one structure: rules that decide anew at every size are not worth a plan."""
_SHAPES = ("input_shapes", "output_shapes")
_LISTS = ("kernel", "stride", "padding_before", "padding_after", "dilation")
_COUNTS = ("groups", "macs", "flops", "weight_bytes", "bytes_moved")
_SIZED = (*_SHAPES, *_LISTS, *_COUNTS)
Lengths = tuple[int | float, ...]
Places = tuple[int, ...]
"""Where the numbers of a list are among those of a trace."""


@dataclass(frozen=True)
class _SizedLayer:
    """A layer without its sizes, and where those are."""

    fixed: Mapping[str, Any]
    shapes: tuple[Places, Places]
    """Indices into the shapes of the plan: of inputs and of outputs."""
    lists: Places
    """Indices into the shapes of the plan, one for each of `_LISTS`."""
    counts: Mapping[str, int]
    """Places of the counts that are known."""


class Plan:
    """How graphs of one structure become networks, whatever their sizes."""

    def __init__(
        self, graph: Graph, seen: Sequence[Lengths], lower_draft: Callable[[Graph], Draft]
    ) -> None:
        """Lower a graph, and keep how.

        Args:
            graph: the graph.
            seen: lengths of graphs of its structure; those that were always the same are taken
                for one.
            lower_draft: lowers it.

        Raises:
            EdgeProfilerError: the graph cannot be lowered.
        """
        lengths = _lengths(graph)
        classes: dict[Lengths, int] = {}
        together = zip(*seen, lengths, strict=True)
        self._same_as = tuple([classes.setdefault(each, len(classes)) for each in together])
        first = {index: place for place, index in reversed(list(enumerate(self._same_as)))}
        self._first = tuple([first[index] for index in range(len(classes))])
        self._trace = Trace(_taken(lengths, self._first))
        sizes = _taken(self._trace.lengths, self._same_as)
        self._draft = lower_draft(_with_lengths(graph, sizes))
        self._shapes: dict[Places, int] = {}
        self._layers = [self._sized(layer) for layer in self._draft.layers]
        rows = [number for layer in self._draft.layers for number in numbers_of(layer)]
        place = self._trace.place
        self._columns = tuple(map(place, rows))
        self._alive = [(first, last, place(size)) for first, last, size in self._draft.alive]
        self._batch, self._io_bytes = place(self._draft.batch), place(self._draft.io_bytes)

    def network(self, graph: Graph) -> Network | None:
        """Return the network of a graph of the same structure; `None` where rules decide anew."""
        lengths = _lengths(graph)
        distinct = _taken(lengths, self._first)
        if _taken(distinct, self._same_as) != lengths:
            return None
        numbers = self._trace.again(distinct)
        if numbers is None:
            return None
        shapes = [_taken(numbers, places) for places in self._shapes]
        draft = replace(
            self._draft,
            layers=tuple([_layer(sized, shapes, numbers) for sized in self._layers]),
            batch=cast("int", numbers[self._batch]),
            alive=tuple([(first, last, numbers[place]) for first, last, place in self._alive]),
            io_bytes=cast("int", numbers[self._io_bytes]),
        )
        network = draft.network(graph.name, None)
        columns = Columns.of_numbers(_taken(numbers, self._columns))
        vars(network)["columns"] = columns  # where the cached property keeps them
        return network

    def _sized(self, layer: Layer) -> _SizedLayer:
        known = {name: getattr(layer, name) for name in _COUNTS}
        return _SizedLayer(
            {f.name: getattr(layer, f.name) for f in fields(layer) if f.name not in _SIZED},
            (
                tuple(map(self._shape, layer.input_shapes)),
                tuple(map(self._shape, layer.output_shapes)),
            ),
            tuple(self._shape(getattr(layer, name)) for name in _LISTS),
            {n: self._trace.place(value) for n, value in known.items() if value is not None},
        )

    def _shape(self, shape: Shape) -> int:
        """Return which of the plan's shapes one is; equal ones are worked out once."""
        places = tuple(map(self._trace.place, shape))
        return self._shapes.setdefault(places, len(self._shapes))


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
    if len(places) > 1:
        return cast("tuple[Any, ...]", itemgetter(*places)(numbers))
    return tuple([numbers[place] for place in places])


def _layer(sized: _SizedLayer, shapes: Sequence[Shape], numbers: Sequence[Number]) -> Layer:
    inputs, outputs = sized.shapes
    lists: dict[str, Any] = dict(zip(_LISTS, [shapes[i] for i in sized.lists], strict=True))
    counts: dict[str, Any] = {name: numbers[place] for name, place in sized.counts.items()}
    return Layer(
        **sized.fixed,
        input_shapes=tuple([shapes[index] for index in inputs]),
        output_shapes=tuple([shapes[index] for index in outputs]),
        **lists,
        **counts,
    )


@dataclass
class _Kind:
    """Graphs of one structure, lowered for one precision, builder and target."""

    structure: tuple[object, ...]
    seen: list[Lengths]
    plans: list[Plan] = field(default_factory=list)

    def planned(self, graph: Graph) -> Network | None:
        """Return a graph's network by one of the plans; the one that fits is tried first again."""
        for plan in self.plans:
            found = plan.network(graph)
            if found is not None:
                if plan is not self.plans[0]:
                    self.plans.remove(plan)
                    self.plans.insert(0, plan)
                return found
        return None


@dataclass
class Plans:
    """Lowers graphs one after another, and keeps how, for those of the same structure.

    The first graph of a structure is lowered plainly: a plan pays from the third on.

    >>> from edgeprofiler.reading.lowering import JETSON_ORIN, lower
    >>> from edgeprofiler.reading.zoo import zoo_graph
    >>> plans = Plans()
    >>> graphs = [zoo_graph("resnet18", resolution=size) for size in (160, 192, 224, 256)]
    >>> networks = [plans.lower(graph, "fp16", "trtexec", JETSON_ORIN) for graph in graphs]
    >>> networks == [lower(graph) for graph in graphs]
    True
    """

    _kinds: dict[object, list[_Kind]] = field(default_factory=dict)

    def lower(self, graph: Graph, precision: str, builder: str, target: BuildTarget) -> Network:
        """Return the network of a graph, as `pipeline.lower` does; args and errors are its."""
        key = (precision, builder, target, len(graph.nodes), len(graph.tensors), graph.outputs)
        structure = _structure(graph)
        alike = self._kinds.setdefault(key, [])
        kind = next((k for k in alike if k.structure == structure), None)
        if kind is None:
            self._remember(alike, _Kind(structure, [_lengths(graph)]))
            return lower(graph, precision, builder=builder, target=target)
        found = kind.planned(graph)
        if found is None and len(kind.plans) < _PLANS and is_plain(graph):
            found = self._planned_anew(kind, graph, precision, builder, target)
        return found or lower(graph, precision, builder=builder, target=target)

    def _remember(self, alike: list[_Kind], kind: _Kind) -> None:
        if sum(map(len, self._kinds.values())) >= _KINDS:
            self._kinds.clear()
        else:
            alike.append(kind)

    @staticmethod
    def _planned_anew(
        kind: _Kind, graph: Graph, precision: str, builder: str, target: BuildTarget
    ) -> Network | None:
        try:
            plan = Plan(
                graph,
                kind.seen,
                lambda sized: drafted(sized, "assumed", precision, builder, target),
            )
        except EdgeProfilerError:  # `lower` says it with the numbers themselves
            return None
        kind.seen.append(_lengths(graph))
        kind.plans.insert(0, plan)
        return plan.network(graph)


def _structure(graph: Graph) -> tuple[object, ...]:
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
