"""Loops and branches of which it is known only while the model runs how often they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Choice, Factor, Graph, Node, Tensor
from edgeprofiler.reading.graphs.change import with_input_shapes, with_values

_OPEN = "the loop "
_UNKNOWN = "how often the loop "


def open_loop(name: str, choice: Choice) -> str:
    """Return the warning of a loop whose runs nobody says."""
    if choice.most is None:
        return (
            f"{_UNKNOWN}{name!r} runs is known only while the model runs: one run is counted, and "
            "no upper end is given; say how many with `trips`"
        )
    return (
        f"{_OPEN}{name!r} runs {choice.least} to {choice.most} times: {choice.most} is assumed; "
        "say how many with `trips`"
    )


def with_trips(graph: Graph, trips: int) -> Graph:
    """Return the graph with each loop run `trips` times whose runs are open; branches stay open.

    Raises:
        UsageError: it has no such loop.

    >>> from edgeprofiler.reading.zoo import zoo_graph
    >>> with_trips(zoo_graph("lenet"), 3)
    Traceback (most recent call last):
    edgeprofiler.core.errors.UsageError: `trips`: lenet has no loop whose runs are known only ...
    """
    if not any(map(_asks, (f for node in graph.nodes for f in node.repeats))):
        raise UsageError(
            f"`trips`: {graph.name} has no loop whose runs are known only while the model runs"
        )
    if graph.stated is not None:  # every change starts from the sizes that the model states
        own = {name: graph.tensors[name].shape for name in graph.inputs}
        return with_input_shapes(with_trips(graph.stated, trips), own)
    counts: dict[str, Tensor] = {}
    nodes = []
    for node in graph.nodes:
        if node.op == "Collect" and node.repeats and _asks(node.repeats[-1]):
            counts[node.inputs[1]] = replace(graph.tensors[node.inputs[1]], value=(trips,))
        said = [trips if _asks(factor) else factor for factor in node.repeats]
        nodes.append(replace(node, repeats=tuple(factor for factor in said if factor != 1)))
    warnings = tuple(text for text in graph.warnings if not text.startswith((_UNKNOWN, _OPEN)))
    return with_values(replace(graph, nodes=tuple(nodes), warnings=warnings), counts)


def larger_runs(
    nodes: list[Node], spans: Sequence[slice], work: Callable[[Sequence[Node]], tuple[int, ...]]
) -> int:
    """Let the larger of two branches run, and the smaller be the low end; say which is larger.

    Args:
        nodes: a graph's; those of the branches are replaced.
        spans: where the nodes of each branch are.
        work: says how much nodes do (`macs.work`).

    >>> nodes = [Node(op, op, ("x",), (op,)) for op in ("Relu", "Conv")]
    >>> larger_runs(nodes, [slice(0, 1), slice(1, 2)], lambda branch: (branch[0].op == "Conv", 0))
    1
    >>> [(c.least, c.assumed, c.most) for node in nodes for c in node.repeats]
    [(1, 0, 0), (0, 1, 1)]
    """
    larger = max((0, 1), key=lambda place: work(nodes[spans[place]]))
    for place, span in enumerate(spans):
        choice = Choice(1, 0, 1) if place == larger else Choice(0, 1, 0)
        nodes[span] = [replace(n, repeats=(*n.repeats, choice)) for n in nodes[span]]
    return larger


def _asks(factor: Factor) -> bool:
    return isinstance(factor, Choice) and factor.loop
