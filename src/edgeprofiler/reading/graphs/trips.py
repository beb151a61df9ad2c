"""How often loops run whose number is known only while the model runs, where a user says it."""

from __future__ import annotations

from dataclasses import replace

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Choice, Factor, Graph, Tensor
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
        raise no_open_loop(graph.name)
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


def no_open_loop(name: str) -> UsageError:
    """Return the error where runs are said of a model that has no loop to say them of."""
    return UsageError(f"`trips`: {name} has no loop whose runs are known only while the model runs")


def _asks(factor: Factor) -> bool:
    return isinstance(factor, Choice) and factor.loop
