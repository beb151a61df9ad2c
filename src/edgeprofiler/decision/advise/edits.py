"""Single changes of a graph that save work: each gives a valid graph, or none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from edgeprofiler.core.errors import EdgeProfilerError, UsageError
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.core.text import meant
from edgeprofiler.decision.advise.change import Refusal
from edgeprofiler.decision.advise.channels import Channels
from edgeprofiler.reading.graphs.change import with_input_shapes, with_nodes
from edgeprofiler.reading.graphs.images import images, sized
from edgeprofiler.reading.operators.windows import Window, window_of

_LARGE_DENSE = 1_000_000
"""Weights from which a fully connected layer is worth replacing."""


@dataclass(frozen=True)
class Edit:
    """A changed graph, and in words what was changed."""

    kind: str
    target: str
    """The layer, or the first of the layers that change together."""
    text: str
    graph: Graph
    channels: dict[str, tuple[int, int]]
    """For pruning: channels that remain and that there were, by producing node."""


@dataclass(frozen=True)
class Floors:
    """How far a network may shrink in all, whatever the number of steps."""

    channels: Mapping[str, int]
    """Fewest channels that may remain, by producing node."""
    height: int
    """Smallest height of an input image."""

    @staticmethod
    def of(
        graph: Graph, channels: float, resolution: float, layers: tuple[str, ...] = ()
    ) -> Floors:
        """Return floors at these shares of what `graph` has; layers not named keep all channels.

        Raises:
            UsageError: a layer of that name has no channels that could be pruned.
        """
        least: dict[str, int] = {}
        groups = Channels.of(graph).groups
        known = {name for group in groups for name in group.producers}
        for name in layers:
            if name not in known:
                raise UsageError(
                    f"{name!r} makes no channels that can be pruned in {graph.name}; "
                    f"{meant(name, sorted(known))}"
                )
        for group in groups:
            chosen = not layers or any(name in layers for name in group.producers)
            for name in group.producers:
                least[name] = math.ceil(group.size * channels) if chosen else group.size
        return Floors(least, math.ceil(_image_height(graph) * resolution))


def prunings(graph: Graph, keep: float, align: int, floors: Floors) -> Iterator[Edit | Refusal]:
    """Yield all groups, then each, with about `keep` of its channels, a multiple of `align`."""
    channels = Channels.of(graph)
    sizes: dict[int, int] = {}
    for group in channels.groups:
        least = max(floors.channels.get(name, group.size) for name in group.producers)
        size = max(align, round(group.size * keep / align) * align)
        if least <= size < group.size:
            sizes[group.index] = size
    groups = {group.index: group for group in channels.groups if group.index in sizes}
    if len(sizes) > 1:
        yield from _made(
            "prune",
            "all",
            f"prune all channels to about {keep:.0%}, in {len(sizes)} groups",
            graph,
            lambda: channels.pruned(sizes),
            {n: (sizes[i], g.size) for i, g in groups.items() for n in g.producers},
        )
    for index, group in groups.items():
        size = sizes[index]
        others = len(group.producers) - 1
        tied = f" and {others} tied to it" if others else ""
        yield from _made(
            "prune",
            group.producers[0],
            f"prune {group.producers[0]}{tied}: {group.size} to {size} channels",
            graph,
            partial(channels.pruned, {index: size}),
            dict.fromkeys(group.producers, (size, group.size)),
        )


def _made(
    kind: str,
    target: str,
    text: str,
    graph: Graph,
    make: Callable[[], Graph],
    channels: Mapping[str, tuple[int, int]] | None = None,
) -> Iterator[Edit | Refusal]:
    """Yield an edit, or why the graph does not allow it; nothing where its results would change."""
    try:
        made = make()
    except EdgeProfilerError as error:
        yield Refusal(kind, target, text, str(error))
        return
    if all(graph.tensors[n].shape == made.tensors[n].shape for n in graph.outputs):
        yield Edit(kind, target, text, made, dict(channels or {}))


def smaller_kernels(graph: Graph) -> Iterator[Edit | Refusal]:
    """Yield each square kernel of 5 or more as one of 3, padding kept so that sizes stay."""
    for node in graph.nodes:
        if node.op != "Conv":
            continue
        window, weight = _window(graph, node), graph.tensors[node.inputs[1]]
        kernel = window.kernel
        if len(set(kernel)) != 1 or kernel[0] < 5 or kernel[0] % 2 == 0:
            continue
        less = (kernel[0] - 3) // 2
        pads = tuple(
            p - less * d
            for p, d in zip(window.before + window.after, window.dilation * 2, strict=True)
        )
        if min(pads) < 0 or len(graph.consumers[weight.name]) > 1:
            continue
        smaller = replace(weight, shape=(*weight.shape[:2], *(3,) * len(kernel)), value=None)
        changed = _with_window(node, kernel_shape=smaller.shape[2:], pads=pads)
        text = f"{node.name}: {kernel[0]}x{kernel[0]} kernel to 3x3"
        make = partial(with_nodes, graph, {node.name: (changed,)}, (smaller,))
        yield from _made("kernel", node.name, text, graph, make)


def larger_strides(graph: Graph) -> Iterator[Edit | Refusal]:
    """Yield the first convolutions with a stride of 2 instead of 1, where the results keep shape.

    Only before the first change of size does a stride stand for a decision of its own: behind
    it, the same is reached by resolution.
    """
    for node in graph.nodes:
        if node.op in ("MaxPool", "AveragePool", "GlobalAveragePool", "Flatten"):
            return
        if node.op != "Conv":
            continue
        window = _window(graph, node)
        if min(window.kernel, default=1) < 3:
            continue
        if max(window.stride) > 1:
            return
        pads = window.before + window.after
        changed = _with_window(node, strides=(2,) * len(window.stride), pads=pads)
        make = partial(with_nodes, graph, {node.name: (changed,)})
        yield from _made("stride", node.name, f"{node.name}: stride 1 to 2", graph, make)


def _window(graph: Graph, node: Node) -> Window:
    source, result = graph.tensors[node.inputs[0]].shape, graph.tensors[node.outputs[0]].shape
    return window_of(node, source, result, graph.tensors[node.inputs[1]].shape)


def _with_window(node: Node, **window: tuple[int, ...]) -> Node:
    """The node with a window said in numbers, whatever it said before of its padding."""
    kept = {name: value for name, value in node.attributes.items() if name != "auto_pad"}
    return replace(node, attributes={**kept, **window})


def factorised_dense(graph: Graph, keep: float = 0.25, align: int = 8) -> Iterator[Edit | Refusal]:
    """Yield each large fully connected layer as two of low rank, `in -> rank -> out`."""
    for node in graph.nodes:
        if node.op != "Gemm" or not node.integer("transB"):
            continue
        weight = graph.tensors[node.inputs[1]]
        out, into = weight.shape
        rank = max(align, round(keep * min(into, out) / align) * align)
        if out * into < _LARGE_DENSE or rank * (into + out) >= 0.8 * out * into:
            continue
        middle, low = f"{node.name}.low_rank", f"{node.name}.low_rank.weight"
        if middle in graph.tensors or low in graph.tensors:
            continue
        first = Node(middle, "Gemm", (node.inputs[0], low), (middle,), {"transB": 1})
        second = replace(node, inputs=(middle, *node.inputs[1:]))
        constants = (
            Tensor(low, (rank, into), weight.dtype, constant=True),
            replace(weight, shape=(out, rank), value=None),
        )
        text = f"{node.name}: {into}x{out} as {into}x{rank} and {rank}x{out}"
        make = partial(with_nodes, graph, {node.name: (first, second)}, constants)
        yield from _made("factorise", node.name, text, graph, make)


def smaller_inputs(graph: Graph, floors: Floors, step: int = 32) -> Iterator[Edit | Refusal]:
    """Yield the graph at smaller resolutions, multiples of `step` down to the floor."""
    height = _image_height(graph)
    for size in range((height - 1) // step * step, max(floors.height, 1) - 1, -step):
        shapes = {}
        for name, axes in images(graph).items():
            shape = graph.tensors[name].shape
            lengths = (round(shape[axis] * size / height) for axis in axes)
            shapes[name] = sized(shape, axes, *lengths)
        text = f"resolution {height} to {size}"
        try:
            smaller = with_input_shapes(graph, shapes)
        except EdgeProfilerError as error:
            yield Refusal("resolution", "input", text, str(error))
            return  # a fixed size inside: no smaller one will do either
        yield Edit("resolution", "input", text, smaller, {})


def _image_height(graph: Graph) -> int:
    """Height of the tallest input image; 0 where there is none."""
    heights = [graph.tensors[name].shape[axes[0]] for name, axes in images(graph).items()]
    return max(heights, default=0)
