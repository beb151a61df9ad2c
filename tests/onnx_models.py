"""Small ONNX models for tests, written with onnx's helpers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.onnx.front_end import read_model

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    """Return a node; names are separated by spaces, `-` is an omitted input."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(
        op, names, outputs.split(), name=f"n_{outputs.split()[0]}", **attributes
    )


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[Any] | None],
    outputs: Sequence[str],
    weights: Mapping[str, Any] | None = None,
    *,
    opset: int = 17,
    domains: Sequence[str] = (),
    functions: Sequence[Any] = (),
    value_info: Mapping[str, Sequence[Any]] | None = None,
) -> Any:
    """Return a model; a weight is an array, or a shape (a tuple) for single-precision zeros."""
    stored = [
        numpy_helper.from_array(
            np.zeros(value, np.float32) if isinstance(value, tuple) else np.asarray(value), name
        )
        for name, value in (weights or {}).items()
    ]

    def info(name: str, shape: Sequence[Any] | None) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        list(nodes),
        "test",
        [info(name, shape) for name, shape in inputs.items()],
        [info(name, None) for name in outputs],
        stored,
        value_info=[info(name, shape) for name, shape in (value_info or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions))


def read(built: Any, *, batch: int | None = None, **shapes: tuple[int, ...]) -> Graph:
    """Read a model as the front end does."""
    return read_model(built.SerializeToString(), "test.onnx", ReadOptions(batch, shapes))


def out(graph: Graph, index: int = 0) -> tuple[int, ...]:
    """Return the shape of an output."""
    return graph.tensors[graph.outputs[index]].shape


def ops(graph: Graph) -> list[str]:
    """Return the operators in order."""
    return [n.op for n in graph.nodes]


def ints(*values: int) -> Any:
    """Return integers as a weight."""
    return np.array(values, np.int64)
