"""From a `Graph` to an ONNX model that runs: the same operators, with seeded random weights.

Time and power do not depend on the values of weights as long as these are ordinary numbers, so
a graph whose weights were never read (a zoo network, a skimmed file) can be run for timing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.reading.operators.windows import pad_amounts

OPSET = 17
"""Newest operator set that TensorRT 8.6 reads whole."""

NEWER_OPSET = 20
"""Used where an operator is newer than `OPSET`."""

_ONNX_TYPES = {
    "fp64": 11, "fp32": 1, "tf32": 1, "fp16": 10, "bf16": 16, "int8": 3, "uint8": 2, "int16": 5,
    "uint16": 4, "int32": 6, "uint32": 12, "int64": 7, "uint64": 13, "bool": 9,
}  # fmt: skip
NUMPY_TYPES: dict[str, type[np.generic]] = {
    "fp64": np.float64, "fp32": np.float32, "tf32": np.float32, "fp16": np.float16,
    "int8": np.int8, "uint8": np.uint8, "int16": np.int16, "uint16": np.uint16,
    "int32": np.int32, "uint32": np.uint32, "int64": np.int64, "uint64": np.uint64,
    "bool": np.bool_,
}  # fmt: skip

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_NORMALISING = ("BatchNormalization", "LayerNormalization", "InstanceNormalization")
_INPUT_AXES = ("Squeeze", "Unsqueeze", "ReduceSum")

Array = npt.NDArray[Any]


def weights_of(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Return a value for each constant tensor of `graph`, the same for the same seed.

    Weights are scaled so that activations neither overflow nor become denormal, which some
    processors compute more slowly. Constants whose value is known keep it.
    """
    generator = np.random.default_rng(seed)
    values: dict[str, Array] = {}
    for tensor in graph.tensors.values():
        if tensor.constant:
            values[tensor.name] = _value(tensor, graph, generator)
    return values


def inputs_of(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Return a random value for each input of `graph`; integers are zero, which is in range."""
    return {
        name: random_input(graph.tensors[name].shape, numpy_type(graph.tensors[name].dtype), seed)
        for name in graph.inputs
    }


def random_input(shape: tuple[int, ...], dtype: npt.DTypeLike, seed: int = 0) -> Array:
    """Return standard normal numbers of a floating-point type, zeros of any other."""
    kind = np.dtype(dtype)
    if kind.kind != "f":
        return np.zeros(shape, kind)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32).astype(kind)


def numpy_type(dtype: str) -> type[np.generic]:
    """Return NumPy's type for one of our data types.

    Raises:
        Unsupported: NumPy has none (bf16, fp8, int4).
    """
    try:
        return NUMPY_TYPES[dtype]
    except KeyError:
        raise Unsupported(f"tensors of type {dtype} cannot be made here") from None


def model_of(graph: Graph, seed: int = 0) -> Any:
    """Return `graph` as an `onnx.ModelProto` with random weights.

    Args:
        graph: operators and attributes in ONNX's words, of any operator set from 7 on; those
            that changed between sets are written in the form of the set that is used.
        seed: of the weights.

    Raises:
        Unsupported: an operator or data type is not ONNX's, or the model passes 2 GB.
    """
    from onnx import defs, helper, numpy_helper

    opset = _opset_for(defs, graph)
    values = weights_of(graph, seed)
    if sum(value.nbytes for value in values.values()) > 1.9e9:
        raise Unsupported(f"{graph.name}: its weights pass the 2 GB that an ONNX model can hold")
    extra: dict[str, Array] = {}
    nodes: list[Any] = []
    taken: set[str] = set()
    for index, node in enumerate(graph.nodes):
        op, inputs, attributes = _modern(node, graph, extra, opset)
        name = unique_name(node.name or f"{op}_{index}", taken)
        made = helper.make_node(op, inputs, [*node.outputs], name=name)
        schema = defs.get_schema(op, opset)
        if len([given for given in inputs if given]) < schema.min_input:
            raise Unsupported(
                f"{graph.name}: {name} ({op}) lacks an input that its source left out, so the "
                "network can be predicted but not run; give the ONNX model"
            )
        made.attribute.extend(_attributes(helper, schema, attributes))
        nodes.append(made)
    used = {name for node in nodes for name in node.input}
    constants = {**{k: v for k, v in values.items() if k in used}, **extra}
    body = helper.make_graph(
        nodes,
        graph.name or "network",
        [_info(helper, graph.tensors[name]) for name in graph.inputs],
        [_info(helper, graph.tensors[name]) for name in graph.outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(
        body,
        producer_name="edgeprofiler",
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8 if opset == OPSET else 9,
    )


def unique_name(name: str, taken: set[str]) -> str:
    """Return `name`, with a number behind it if it is in `taken`, and add the result there."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}#{number}"
    taken.add(candidate)
    return candidate


def name_nodes(model: Any) -> None:
    """Give every node of an `onnx.ModelProto` a name of its own, those of subgraphs too.

    A runtime reports times by name: two nodes of one name, or of none, would be one.
    """
    taken: set[str] = set()

    def visit(body: Any, prefix: str) -> None:
        for index, node in enumerate(body.node):
            node.name = unique_name(prefix + (node.name or f"{node.op_type}_{index}"), taken)
            for attribute in node.attribute:
                for inner in (attribute.g, *attribute.graphs):
                    if inner.node:
                        visit(inner, f"{node.name}/")

    visit(model.graph, "")


def _opset_for(defs: Any, graph: Graph) -> int:
    for node in graph.nodes:
        if not defs.has(node.op):
            raise Unsupported(f"{node.op} is no operator of ONNX, so no runtime here can run it")
    old = all(defs.has(node.op, OPSET) for node in graph.nodes)
    return OPSET if old else NEWER_OPSET


def _info(helper: Any, tensor: Tensor) -> Any:
    kind = _ONNX_TYPES.get(tensor.dtype)
    if kind is None:
        raise Unsupported(f"{tensor.name}: ONNX has no data type {tensor.dtype}")
    return helper.make_tensor_value_info(tensor.name, kind, list(tensor.shape))


def _value(tensor: Tensor, graph: Graph, generator: np.random.Generator) -> Array:
    kind = numpy_type(tensor.dtype)
    if tensor.value is not None and len(tensor.value) == math.prod(tensor.shape):
        return np.array(tensor.value, dtype=kind).reshape(tensor.shape)
    readers = graph.consumers.get(tensor.name, ())
    reader = readers[0] if readers else None
    place = reader.inputs.index(tensor.name) if reader is not None else 0
    op = reader.op if reader is not None else ""
    if np.dtype(kind).kind != "f":
        if np.dtype(kind).kind in "iu" and np.dtype(kind).itemsize == 1 and "Quant" not in op:
            return generator.integers(0, 100, tensor.shape).astype(kind)
        return np.zeros(tensor.shape, kind)
    if op in ("QuantizeLinear", "DequantizeLinear"):
        return np.full(tensor.shape, 0.02, kind)
    if op in _NORMALISING:
        constant = 1.0 if place in (1, 4) else 0.0
        return np.full(tensor.shape, constant, kind)
    if not tensor.shape:
        return np.ones((), kind)
    scale = 0.1
    if op in _WEIGHTED and len(tensor.shape) > 1:
        scale = math.sqrt(2.0 / max(math.prod(tensor.shape[1:]), 1))
    normal = generator.standard_normal(tensor.shape, dtype=np.float32)
    normal *= np.float32(scale)
    return normal.astype(kind, copy=False)


def _attributes(helper: Any, schema: Any, given: Mapping[str, Any]) -> Iterable[Any]:
    """Attributes that the operator has in this set, as the type that it wants."""
    casts: dict[str, Callable[[Any], Any]] = {
        "FLOAT": float, "INT": int, "STRING": str,
        "FLOATS": lambda v: [float(x) for x in _list(v)],
        "INTS": lambda v: [int(x) for x in _list(v)],
        "STRINGS": lambda v: [str(x) for x in _list(v)],
    }  # fmt: skip
    for name, value in given.items():
        known = schema.attributes.get(name)
        cast = casts.get(known.type.name) if known is not None else None
        if cast is not None and value != ():
            yield helper.make_attribute(name, cast(value))


def _widens(node: Node, graph: Graph) -> bool:
    source = graph.tensors[node.inputs[0]].shape[2:]
    return any(a < b for a, b in zip(source, node.ints("output_size"), strict=False))


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (tuple, list)) else (value,)


def _modern(
    node: Node, graph: Graph, extra: dict[str, Array], opset: int
) -> tuple[str, list[str], dict[str, Any]]:
    """The node's operator, inputs and attributes in the words of `opset`."""
    op, inputs, attributes = node.op, list(node.inputs), dict(node.attributes)

    def constant(place: int, name: str, value: Array) -> None:
        extra[f"{node.outputs[0]}/{name}"] = value
        inputs.extend([""] * (place + 1 - len(inputs)))
        inputs[place] = f"{node.outputs[0]}/{name}"

    def result_shape() -> Array:
        return np.array(graph.tensors[node.outputs[0]].shape, dtype=np.int64)

    def move(place: int, name: str) -> None:
        if name in attributes:
            constant(place, name, np.array(_list(attributes.pop(name)), dtype=np.int64))

    if op == "Clip":
        kind = numpy_type(graph.tensors[node.outputs[0]].dtype)
        for place, name in ((1, "min"), (2, "max")):
            if name in attributes:
                constant(place, name, np.array(attributes.pop(name), dtype=kind))
    elif op == "Pad":
        fill, inputs = [name for name in inputs[2:3] if name], inputs[:1]
        before, after = pad_amounts(graph, node)
        constant(1, "pads", np.array((*before, *after), dtype=np.int64))
        kind = numpy_type(graph.tensors[node.outputs[0]].dtype)
        inputs += fill
        if not fill:
            constant(2, "value", np.array(attributes.pop("value", 0.0), dtype=kind))
    elif op == "Slice" and "starts" in attributes:
        for place, name in ((1, "starts"), (2, "ends"), (3, "axes")):
            move(place, name)
    elif op in ("Resize", "Upsample") or (op == "AveragePool" and _widens(node, graph)):
        # The result's shape says all that time depends on; an adaptive pooling to a larger size
        # repeats its inputs.
        op, inputs = "Resize", inputs[:1]
        attributes = {"mode": attributes.get("mode", "nearest")}
        constant(3, "sizes", result_shape())
    elif op in ("Reshape", "Expand"):
        inputs = inputs[:1]
        attributes = {}
        constant(1, "shape", result_shape())
    elif op == "Split":
        axis = node.integer("axis")
        inputs = inputs[:1]
        attributes = {"axis": axis}
        sizes = [graph.tensors[name].shape[axis] for name in node.outputs]
        constant(1, "split", np.array(sizes, dtype=np.int64))
    elif op in _INPUT_AXES or (op.startswith("Reduce") and opset > OPSET):
        move(1, "axes")
    elif op.startswith("Reduce") and len(inputs) > 1:
        inputs.pop()
        attributes["axes"] = graph.integers(node, "axes", 1)
    return op, inputs, attributes
