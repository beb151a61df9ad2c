"""How long it takes to build a network of the zoo, and to change its batch or resolution.

Usage: python benchmarks/zoo_building.py [NAME ...]

The reference makes as many plain nodes and tensors without inferring a shape. Each figure is
the least of several runs. Prints Markdown.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from functools import partial

from least import least_s

from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.reading.graphs import with_batch, with_input_shapes
from edgeprofiler.reading.zoo import zoo_graph
from edgeprofiler.reading.zoo.zoo import forget_built

NETWORKS = ("resnet18", "mobilenet_v2", "densenet201", "efficientnet_b7")
REPEATS = 15


def least_ms(action: Callable[[], object]) -> float:
    return 1e3 * least_s(action, REPEATS, time.perf_counter)


def build(name: str) -> Graph:
    forget_built()
    return zoo_graph(name)


def plain_objects(graph: Graph) -> list[object]:
    made: list[object] = [
        Node(n.name, n.op, n.inputs, n.outputs, dict(n.attributes)) for n in graph.nodes
    ]
    made.extend(Tensor(t.name, t.shape, t.dtype, t.constant) for t in graph.tensors.values())
    return made


def main(names: tuple[str, ...]) -> None:
    print(f"{platform.machine()}, Python {platform.python_version()}\n")
    columns = ("network", "nodes", "build ms", "batch ms", "resolution ms", "reference ms", "ratio")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name in names:
        graph = zoo_graph(name)
        height, width = (length + 64 for length in graph.tensors["input"].shape[2:])
        resized = {"input": (1, 3, height, width)}
        built = least_ms(partial(build, name))
        batch = least_ms(partial(with_batch, graph, 8))
        size = least_ms(partial(with_input_shapes, graph, resized))
        reference = least_ms(partial(plain_objects, graph))
        print(
            f"| {name} | {len(graph.nodes)} | {built:.2f} | {batch:.2f} | {size:.2f} "
            f"| {reference:.2f} | {built / reference:.1f} |"
        )


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or NETWORKS)
