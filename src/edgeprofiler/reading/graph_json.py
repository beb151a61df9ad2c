"""Operator graphs as JSON: shapes and data flow of a model, without weights.

    {"network": "yolov8n", "batch": 1, "nodes": [
        {"op": "Conv", "inputs": [53], "input_shapes": [[1, 3, 640, 640]],
         "weight_shapes": [[16, 3, 3, 3], [16]], "outputs": [54],
         "output_shapes": [[1, 16, 320, 320]], "kernel_shape": [3, 3], ...}, ...]}

Tensors are numbered, nodes are in an order in which they can run, attributes are ONNX's, and
constants are told by their shapes only. A number that no node computes is an input of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import AttributeValue, Graph, Node, Shape, Tensor
from edgeprofiler.core.values import Value, read_json
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs import named_shapes, resized
from edgeprofiler.reading.operators.call import BadNodeError, Call
from edgeprofiler.reading.operators.rules import by_rule

_FIELDS = frozenset(
    {"op", "name", "inputs", "input_shapes", "weight_shapes", "outputs", "output_shapes"}
)
_INTEGER_PARAMETERS = frozenset(
    {"Reshape", "Slice", "Gather", "Expand", "Tile", "Unsqueeze", "Squeeze"}
)
_WEIGHT_SECOND = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"})
_OPSET = 17
"""Version of ONNX's operators whose attributes the files have."""


class GraphJsonFrontEnd:
    """Reads a `*.json` operator graph."""

    name = "graph-json"

    def recognises(self, source: str, head: bytes) -> bool:
        """Say whether a JSON file begins like an operator graph."""
        return source.endswith(".json") and b'"nodes"' in head and b'"op"' in head

    def read(self, source: str, options: ReadOptions) -> Graph:
        """Return the graph of a file.

        Raises:
            InvalidInput: the file is no operator graph; the node and field are named.
            UsageError: a shape is given for an input that the graph lacks.
            Unsupported: the graph cannot run at the batch or shape asked for (numbers that an
                export wrote down for one shape are not in the file).
        """
        options.refuse_trips(source)
        graph = graph_from_document(read_json(Path(source)).raw, source)
        shapes = named_shapes(graph, options.shapes)
        try:
            return resized(graph, shapes, options.batch)
        except Unsupported as error:
            raise Unsupported(
                f"{source} describes one input shape, and what a change does inside cannot be "
                f"told ({error})"
            ) from None


def graph_from_document(document: Any, source: str) -> Graph:
    """Return the graph that a parsed JSON document describes.

    Args:
        document: what the file holds.
        source: the file's name, for messages.

    Raises:
        InvalidInput: a field is missing or is not what it must be.
    """
    value = Value(document, source)
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), list):
        raise value.fail("is no operator graph", 'an object with a list "nodes"')
    nodes = value["nodes"].items()
    if not 1 <= len(nodes) <= limits.NODES:
        raise value.fail(f"has {len(nodes)} nodes", f"1 to {limits.NODES} are read")
    reader = _Reader(source)
    for place, node in enumerate(nodes):
        reader.add(place, node)
    name = document.get("network")
    return reader.graph(name if isinstance(name, str) and name else Path(source).stem)


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.inputs: list[str] = []
        self.computed: set[str] = set()
        self.read_names: set[str] = set()

    def add(self, place: int, node: Value) -> None:
        op = node["op"].name()
        label = node["name"].raw
        name = label if isinstance(label, str) and label else f"{op}_{place}"
        inputs = [
            self._input(node, number, shape)
            for number, shape in _pairs(node, "inputs", "input_shapes")
        ]
        integers = bool(inputs) and all(self.tensors[i].dtype == "int64" for i in inputs)
        dtype = "int64" if integers or op == "Shape" else "fp32"
        results = _pairs(node, "outputs", "output_shapes")
        shapes = node["weight_shapes"].default([]).shapes()
        weights = [
            self._weight(f"{name}.weight{k}", op, shape, dtype, results)
            for k, shape in enumerate(shapes)
        ]
        if op in _WEIGHT_SECOND and inputs and weights:
            inputs = [inputs[0], weights[0], *inputs[1:], *weights[1:]]
        else:
            inputs += weights
        outputs = [self._output(node, number, shape, dtype) for number, shape in results]
        attributes = _attributes(node)
        if op == "Transpose" and "perm" not in attributes and inputs and outputs:
            attributes["perm"] = _order(
                self.tensors[inputs[0]].shape, self.tensors[outputs[0]].shape
            )
        made = Node(name, op, tuple(inputs), tuple(outputs), attributes)
        self._check(node, made)
        self.nodes.append(made)

    def _check(self, value: Value, node: Node) -> None:
        """Refuse a node that contradicts its inputs, or whose results are not what it makes."""
        call = Call.of(node, self.tensors)
        try:
            specs = by_rule(call)
        except BadNodeError as error:
            raise value.fail(f"({node.op}) {error}") from None
        for name, (shape, _) in zip(node.outputs, specs or (), strict=False):
            stated = self.tensors[name].shape
            if shape != stated:
                raise value.fail(f"({node.op}) makes {list(shape)}, not {list(stated)}")

    def graph(self, name: str) -> Graph:
        outputs = tuple(
            output
            for node in self.nodes
            for output in node.outputs
            if output not in self.read_names
        )
        if not self.inputs:
            raise InvalidInput(self.source, "no node reads an input of the network")
        names = [node.name for node in self.nodes]
        if len(set(names)) != len(names):
            raise InvalidInput(self.source, "two nodes have one name")
        return Graph(
            name, tuple(self.nodes), self.tensors, tuple(self.inputs), outputs, opset=_OPSET
        )

    def _input(self, node: Value, number: int, shape: Shape) -> str:
        name = f"t{number}"
        known = self.tensors.get(name)
        if known is None:
            self.tensors[name] = Tensor(name, shape)
            self.inputs.append(name)
        elif known.shape != shape:
            raise node.fail(f"has tensor {number} as {list(shape)}, before {list(known.shape)}")
        self.read_names.add(name)
        return name

    def _output(self, node: Value, number: int, shape: Shape, dtype: str) -> str:
        name = f"t{number}"
        if name in self.inputs:
            raise node.fail(f"computes tensor {number}, which was read before")
        if name in self.tensors:
            raise node.fail(f"computes tensor {number} a second time")
        self.tensors[name] = Tensor(name, shape, dtype)
        return name

    def _weight(
        self, name: str, op: str, shape: Shape, dtype: str, results: Sequence[tuple[int, Shape]]
    ) -> str:
        """Add a constant; numbers that only shapes depend on are no weights of the model."""
        integer = op in _INTEGER_PARAMETERS or dtype == "int64"
        value: tuple[int, ...] | None = None
        if op == "Resize":
            integer = True
        elif op == "Reshape" and results and shape == (len(results[0][1]),):
            value = results[0][1]
        self.tensors[name] = Tensor(
            name, shape, "int64" if integer else "fp32", constant=True, value=value
        )
        return name


def _pairs(node: Value, names: str, shapes: str) -> list[tuple[int, Shape]]:
    numbers = [number.integer() for number in node[names].default([]).items()]
    sizes = node[shapes].default([]).shapes()
    if len(numbers) != len(sizes):
        raise node.fail(f"has {len(numbers)} {names}, but {len(sizes)} {shapes}")
    return list(zip(numbers, sizes, strict=True))


def _attributes(node: Value) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for key, value in node.entries():
        if key in _FIELDS or value.null:
            continue
        if isinstance(value.raw, list):
            found[key] = tuple(_plain(item) for item in value.items())
        else:
            found[key] = value.raw if isinstance(value.raw, str) else _plain(value)
    return found


def _plain(value: Value) -> Any:
    """Return a number as it is written: integers and truth values of an attribute stay such."""
    if isinstance(value.raw, int):
        return int(value.raw) if isinstance(value.raw, bool) else value.integer()
    return value.number()


def _order(source: Shape, result: Shape) -> tuple[int, ...]:
    """Return a permutation that turns one shape into another; the first of several."""
    free = list(range(len(source)))
    order: list[int] = []
    for length in result:
        axis = next((a for a in free if source[a] == length), None)
        if axis is None:
            return ()
        free.remove(axis)
        order.append(axis)
    return tuple(order)
