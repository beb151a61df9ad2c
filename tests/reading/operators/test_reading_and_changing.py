"""A network read at a size is the one that was read at another and changed to it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, numpy_helper
from onnx_cases import readable_cases
from onnx_models import ints, model, node, read

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs import with_input_shapes
from edgeprofiler.reading.onnx.front_end import read_model
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.operators.rules import RULES

Shape = tuple[int, ...]


def facts(graph: Graph) -> Any:
    """What a graph says of its work: operators, what is said of each, and every shape."""
    return [
        (n.op, dict(n.attributes), [graph.tensors[t].shape for t in (*n.inputs, *n.outputs) if t])
        for n in graph.nodes
    ]


def variants(shape: Shape) -> list[Shape]:
    """Shapes near one: another batch, other positions, all of them, and one that grows oddly."""
    found = [
        tuple(n * 2 if axis == 0 else n for axis, n in enumerate(shape)),
        tuple(n + 3 if axis > 1 else n for axis, n in enumerate(shape)),
        tuple(n * 2 for n in shape),
        tuple(n + axis + 1 for axis, n in enumerate(shape)),
    ]
    return [other for other in dict.fromkeys(found) if other != shape]


@pytest.mark.slow
def test_every_operator_read_at_a_size_is_the_one_changed_to_it() -> None:
    """ONNX's own example of each operator, with the dimensions of its first input left free."""
    wrong: list[str] = []
    agreed: Counter[str] = Counter()
    for name, proto, fed, _ in readable_cases():
        if not proto.graph.input or len(proto.graph.node) > 3:
            continue
        free = ModelProto()
        free.CopyFrom(proto)
        first = free.graph.input[0]
        for axis, dimension in enumerate(first.type.tensor_type.shape.dim):
            dimension.dim_param = f"d{axis}"
        del free.graph.value_info[:]
        for output in free.graph.output:
            output.type.tensor_type.ClearField("shape")
        for other, array in fed.items():
            if other != first.name and (array.dtype.kind in "iub" or array.size <= 8):
                free.graph.initializer.append(numpy_helper.from_array(array, other))
        data, own = free.SerializeToString(), fed[first.name].shape

        def at(shape: Shape) -> Graph | None:
            try:
                options = ReadOptions(shapes={first.name: shape})  # noqa: B023 (called here)
                graph = read_model(data, name, options)  # noqa: B023
            except (InvalidInput, Unsupported):
                return None
            return None if any("not said" in w for w in graph.warnings) else graph

        start = at(own)
        if start is None or not start.inputs:
            continue
        for shape in variants(own):
            directly = at(shape)
            if directly is None:
                continue
            try:
                changed = with_input_shapes(start, {first.name: shape})
            except Unsupported as error:
                wrong.append(f"{name} at {shape}: {error}")
                continue
            if facts(changed) != facts(directly):
                wrong.append(f"{name} at {shape}")
            agreed.update(n.op for n in directly.nodes)
    assert not wrong, "\n".join(wrong)
    assert len(agreed) > 130
    assert len(agreed.keys() & RULES.keys()) > 110


SIZED = {
    "same": [node("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2])],
    "lower": [node("AveragePool", "x", "y", kernel_shape=[3, 3], auto_pad="SAME_LOWER")],
    "up": [node("ConvTranspose", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2])],
    "ceil": [node("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
    "scale": [node("Resize", "x - scales", "y")],
    "flat": [node("Flatten", "x", "y")],
    "rest": [node("Reshape", "x rest", "y")],
    "uneven": [node("Split", "x", "a y", axis=2, num_outputs=2)],
    "steps": [node("Slice", "x one many two axes", "y")],
    "calculated": [
        node("Shape", "x", "s"), node("Gather", "s two0", "h"), node("Mul", "h h", "hh"),
        node("Concat", "s hh1", "t", axis=0), node("Unsqueeze", "hh zero", "hh1"),
        node("ConstantOfShape", "t", "c"), node("ReduceSum", "c last", "r", keepdims=0),
        node("Add", "x r", "y"),
    ],
    "grid": [
        node("Shape", "x", "s"), node("Gather", "s two0", "h"), node("Cast", "h", "hf", to=1),
        node("Range", "nought h unit", "grid"), node("Unsqueeze", "grid one", "column"),
        node("Cast", "column", "columnf", to=1), node("Mul", "x columnf", "y"),
    ],
}  # fmt: skip
WEIGHTS = {
    "w": (4, 4, 3, 3), "scales": np.array([1, 1, 1.6, 0.5], np.float32), "rest": ints(0, 2, -1),
    "one": ints(1), "two": ints(2), "many": ints(2**40), "axes": ints(3), "two0": np.array(2),
    "zero": ints(0), "last": ints(4), "nought": np.array(0), "unit": np.array(1),
}  # fmt: skip

sizes = st.tuples(st.integers(1, 3), st.just(4), st.integers(4, 40), st.integers(4, 40))


@given(case=st.sampled_from(sorted(SIZED)), own=sizes, now=sizes, free=st.booleans())
def test_the_way_to_a_size_does_not_matter(case: str, own: Shape, now: Shape, free: bool) -> None:
    """Whether the file leaves its sizes free, or fixes others than those that it is read at."""
    declared = ["n", 4, "h", "w"] if free else list(own)
    built = model(SIZED[case], {"x": declared}, ["y"], WEIGHTS, opset=18)
    graph, there = read(built, x=own), read(built, x=now)
    changed = with_input_shapes(graph, {"x": now})
    assert facts(changed) == facts(there)
    assert graph_macs(changed) == graph_macs(there)
    assert with_input_shapes(changed, {"x": own}) == graph


@given(st.lists(sizes, min_size=1, max_size=4))
def test_changes_on_the_way_leave_no_trace(shapes: list[Shape]) -> None:
    """A resize to a fixed size rounds: what came before must not be rounded in."""
    built = model(
        [node("Resize", "x - - to", "r"), node("Reshape", "r flat", "y")],
        {"x": [1, 4, 9, 9]}, ["y"], {"to": ints(1, 4, 14, 14), "flat": ints(1, 4, 196)},
    )  # fmt: skip
    graph = read(built)
    last = with_input_shapes(graph, {"x": shapes[-1]})
    for shape in shapes:
        graph = with_input_shapes(graph, {"x": shape})
    assert graph == last
    assert with_input_shapes(graph, {"x": (1, 4, 9, 9)}) == read(built)
