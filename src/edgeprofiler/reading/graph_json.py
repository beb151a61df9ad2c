"""Operator graphs as JSON: shapes and data flow of a model, without weights.

    {"network": "yolov8n", "batch": 1, "nodes": [
        {"op": "Conv", "inputs": [53], "input_shapes": [[1, 3, 640, 640]],
         "weight_shapes": [[16, 3, 3, 3], [16]], "outputs": [54],
         "output_shapes": [[1, 16, 320, 320]], "kernel_shape": [3, 3], ...}, ...]}

Tensors are numbered, nodes are in an order in which they can run, attributes are ONNX's, and
constants are told by their shapes only. A number that no node computes is an input of the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.files import read_json
from edgeprofiler.core.graph import AttributeValue, Graph, Node, Shape, Tensor
from edgeprofiler.core.graph.change import with_batch, with_input_shapes
from edgeprofiler.reading.front_end import ReadOptions

_FIELDS = frozenset(
    {"op", "name", "inputs", "input_shapes", "weight_shapes", "outputs", "output_shapes"}
)
_INTEGER_PARAMETERS = frozenset(
    {"Reshape", "Slice", "Gather", "Expand", "Tile", "Unsqueeze", "Squeeze"}
)
_WEIGHT_SECOND = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"})
_MAX_NODES = 200_000
_MAX_DIMENSION = 1 << 24


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
        graph = graph_from_document(read_json(Path(source)), source)
        shapes = _named(graph, options.shapes)
        try:
            if shapes:
                graph = with_input_shapes(graph, shapes)
            if options.batch is not None and options.batch != graph.batch:
                graph = with_batch(graph, options.batch)
        except Unsupported as error:
            raise Unsupported(
                f"{source} describes one input shape, and what a change does inside cannot be "
                f"told ({error})"
            ) from None
        return graph


def _named(graph: Graph, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    if "" in shapes and len(graph.inputs) != 1:
        raise Unsupported(f"{graph.name} has inputs {', '.join(graph.inputs)}; name one")
    named = {name or graph.inputs[0]: tuple(shape) for name, shape in shapes.items()}
    for name in named:
        if name not in graph.inputs:
            known = ", ".join(graph.inputs)
            raise UsageError(f"`shapes`: {graph.name} has no input {name!r}; its inputs: {known}")
    return {name: shape for name, shape in named.items() if shape != _shape_of(graph, name)}


def _shape_of(graph: Graph, name: str) -> Shape | None:
    tensor = graph.tensors.get(name)
    return tensor.shape if tensor is not None else None


def graph_from_document(document: Any, source: str) -> Graph:
    """Return the graph that a parsed JSON document describes.

    Args:
        document: what the file holds.
        source: the file's name, for messages.

    Raises:
        InvalidInput: a field is missing or is not what it must be.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("nodes"), list):
        raise InvalidInput(source, "is no operator graph", 'an object with a list "nodes"')
    entries = document["nodes"]
    if not 1 <= len(entries) <= _MAX_NODES:
        raise InvalidInput(source, f"has {len(entries)} nodes", f"1 to {_MAX_NODES} are read")
    reader = _Reader(source)
    for place, entry in enumerate(entries):
        reader.add(place, entry)
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

    def fail(self, place: int, problem: str) -> InvalidInput:
        return InvalidInput(self.source, f"node {place}: {problem}")

    def add(self, place: int, entry: Any) -> None:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("op"), str):
            raise self.fail(place, 'has no "op"')
        op = str(entry["op"])
        label = entry.get("name")
        name = label if isinstance(label, str) and label else f"{op}_{place}"
        inputs = [
            self._input(place, number, shape)
            for number, shape in self._pairs(place, entry, "inputs", "input_shapes")
        ]
        integers = bool(inputs) and all(self.tensors[i].dtype == "int64" for i in inputs)
        dtype = "int64" if integers or op == "Shape" else "fp32"
        results = self._pairs(place, entry, "outputs", "output_shapes")
        shapes = self._shapes(place, entry.get("weight_shapes", []))
        weights = [
            self._weight(f"{name}.weight{k}", op, shape, dtype, results)
            for k, shape in enumerate(shapes)
        ]
        if op in _WEIGHT_SECOND and inputs and weights:
            inputs = [inputs[0], weights[0], *inputs[1:], *weights[1:]]
        else:
            inputs += weights
        outputs = [self._output(place, number, shape, dtype) for number, shape in results]
        attributes = self._attributes(place, entry)
        if op == "Transpose" and "perm" not in attributes and inputs and outputs:
            attributes["perm"] = _order(
                self.tensors[inputs[0]].shape, self.tensors[outputs[0]].shape
            )
        self.nodes.append(Node(name, op, tuple(inputs), tuple(outputs), attributes))

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
        return Graph(name, tuple(self.nodes), self.tensors, tuple(self.inputs), outputs)

    def _pairs(
        self, place: int, entry: Mapping[str, Any], names: str, shapes: str
    ) -> list[tuple[int, Shape]]:
        numbers = entry.get(names, [])
        sizes = self._shapes(place, entry.get(shapes, []))
        if not isinstance(numbers, list) or len(numbers) != len(sizes):
            raise self.fail(place, f'"{names}" and "{shapes}" are not lists of one length')
        if not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
            raise self.fail(place, f'"{names}" holds something that is no number of a tensor')
        return list(zip(numbers, sizes, strict=True))

    def _shapes(self, place: int, value: Any) -> list[Shape]:
        if not isinstance(value, list):
            raise self.fail(place, "shapes are not a list")
        for shape in value:
            if not isinstance(shape, list) or not all(
                isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= _MAX_DIMENSION
                for n in shape
            ):
                raise self.fail(place, f"{shape!r:.60} is no shape")
        return [tuple(shape) for shape in value]

    def _input(self, place: int, number: int, shape: Shape) -> str:
        name = f"t{number}"
        known = self.tensors.get(name)
        if known is None:
            self.tensors[name] = Tensor(name, shape)
            self.inputs.append(name)
        elif known.shape != shape:
            raise self.fail(
                place, f"tensor {number} is {list(shape)} here, {list(known.shape)} before"
            )
        self.read_names.add(name)
        return name

    def _output(self, place: int, number: int, shape: Shape, dtype: str) -> str:
        name = f"t{number}"
        if name in self.inputs:
            raise self.fail(place, f"tensor {number} is read before it is computed")
        if name in self.tensors:
            raise self.fail(place, f"tensor {number} is computed twice")
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

    def _attributes(self, place: int, entry: Mapping[str, Any]) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        for key, value in entry.items():
            if key in _FIELDS or value is None:
                continue
            if isinstance(value, list) and all(isinstance(v, (int, float)) for v in value):
                found[key] = tuple(value)
            elif isinstance(value, (int, float, str)):
                found[key] = value
            else:
                raise self.fail(place, f'attribute "{key}" is neither a number, a text nor a list')
        return found


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
