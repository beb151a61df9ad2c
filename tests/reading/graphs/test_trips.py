"""Runs of loops that are said of a graph that is read already are those that reading takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import model, node, read

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading import read as reading
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs import with_input_shapes, with_trips
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.onnx.front_end import read_model
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.zoo import zoo_graph

MACS = 8 * 8 * 9 * 256
WEIGHTS = {"w": (8, 8, 3, 3), "limit": np.float32(9), "goes": np.array(True), "six": np.array(6)}


def info(name: str, kind: int = TensorProto.FLOAT, shape: Any = None) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def endless(count: str = "", *, collected: bool = False) -> Any:
    """A convolution that runs until its result is large, its results collected or not."""
    nodes = [
        node("Conv", "before w", "after", pads=[1, 1, 1, 1]),
        node("ReduceSum", "after", "sum", keepdims=0), node("Less", "sum limit", "still"),
    ]  # fmt: skip
    if collected:
        nodes.append(node("Identity", "after", "each"))
    given = [info("i", TensorProto.INT64, []), info("on", TensorProto.BOOL, []), info("before")]
    made = [info("still", TensorProto.BOOL, []), info("after")]
    body = helper.make_graph(nodes, "body", given, made + [info("each")] * collected)
    results = "last y" if collected else "y"
    loop = node("Loop", f"{count or '-'} goes x", results, body=body)
    return model([loop], {"x": ["n", 8, 16, 16]}, results.split()[::-1], WEIGHTS)


def both(built: Any, trips: int) -> tuple[Graph, Graph]:
    """A model read with its runs said, and said of the graph that was read without."""
    options = ReadOptions(shapes={"x": (1, 8, 16, 16)}, trips=trips)
    graph = read(built, x=(1, 8, 16, 16))
    return read_model(built.SerializeToString(), "test.onnx", options), with_trips(graph, trips)


@pytest.mark.parametrize("trips", [0, 1, 5])
@pytest.mark.parametrize("count", ["", "six"])
@pytest.mark.parametrize("collected", [False, True])
def test_trips_of_a_graph_are_those_of_its_file(count: str, *, collected: bool, trips: int) -> None:
    said, changed = both(endless(count, collected=collected), trips)
    assert graph_macs(changed) == graph_macs(said) == trips * MACS
    assert not changed.open
    assert not changed.warnings
    assert [la.repeats for la in lower(changed).layers] == [la.repeats for la in lower(said).layers]
    shapes = [[g.tensors[name].shape for name in g.outputs] for g in (said, changed)]
    assert shapes[0] == shapes[1]
    assert shapes[0][0] == ((trips, 1, 8, 16, 16) if collected else (1, 8, 16, 16))


def test_trips_and_sizes_of_a_graph_may_be_said_in_any_order() -> None:
    built = endless(collected=True)
    graph = read(built, x=(1, 8, 16, 16))
    larger = {"x": (3, 8, 16, 16)}
    first = with_input_shapes(with_trips(graph, 5), larger)
    last = with_trips(with_input_shapes(graph, larger), 5)
    assert first == last
    assert first.tensors[first.outputs[0]].shape == (5, 3, 8, 16, 16)
    asked = reading.read_model(graph, shapes=larger, trips=5)
    assert asked == first


def test_trips_of_what_has_no_such_loop_are_refused() -> None:
    graph = zoo_graph("lenet")
    for source in (graph, lower(graph)):
        with pytest.raises(UsageError, match="`trips`: lenet has no loop whose runs are known"):
            reading.read_model(source, trips=3)
