"""From a ModelProto to a `Graph`: inputs, the pass over the nodes, and what remains of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Graph, Node, Tensor, leading_to
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs.change import unknown_input, with_input_shapes
from edgeprofiler.reading.onnx.inputs import Declared, bind, require_tensor
from edgeprofiler.reading.onnx.reader import WEIGHT_SLOTS, Reader
from edgeprofiler.reading.onnx.structure import (
    RawNode,
    TensorReader,
    captured,
    in_order,
    opset_of,
    raw_nodes,
)
from edgeprofiler.reading.operators.call import Operand

_PARAMETER_OPS = frozenset({
    "Resize", "Upsample", "Clip", "Pad", "QuantizeLinear", "DequantizeLinear", "Range", "TopK",
    "NonMaxSuppression", "QLinearConv", "QLinearMatMul", "QLinearAdd", "QLinearMul", "QGemm",
    "QLinearConcat", "QLinearAveragePool", "QLinearGlobalAveragePool", "QLinearLeakyRelu",
    "QLinearSigmoid", "QLinearSoftmax", "MatMulInteger", "ConvInteger",
})  # fmt: skip
"""Operators whose small floating-point constants are settings, not weights."""
_THROUGH = frozenset({"QuantizeLinear", "DequantizeLinear", "Cast", "Identity"})
"""Operators through which a weight stays one."""


def graph_of(
    model: Any, source: str, options: ReadOptions, tensors: TensorReader, name: str
) -> Graph:
    """Return the graph of a parsed model, at the sizes that are asked for."""
    graph = model.graph
    nodes = raw_nodes(graph, tensors)
    stored = {t.name for t in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    listed = [i.name for i in graph.input]
    if len(set(listed)) != len(listed):
        twice = next(n for n in listed if listed.count(n) > 1)
        raise InvalidInput(source, f"has two inputs named {twice!r}")
    if not graph.output:
        raise InvalidInput(source, "its graph has no outputs")
    read_names = {n for node in nodes for n in (*node.inputs, *captured(node))}
    infos = [i for i in graph.input if i.name not in stored and i.name in read_names]
    supplied = [require_tensor(info, source) for info in infos]
    weights = _weights_among(supplied, nodes)
    data = [item for item in supplied if item.name not in weights]

    bound = bind(data, options, source)
    outputs = [o.name for o in graph.output]
    reader = Reader(source, opset_of(model, source), bound, tensors, outputs, options.trips)
    reader.declare([*graph.value_info, *graph.output])
    reader.initialisers(graph, {})
    for item in data:
        reader.values[item.name] = Operand(bound.shapes[item.name], item.dtype)
    for item in supplied:
        if item.name in weights:
            shape = item.static({}) or ()
            reader.values[item.name] = Operand(shape, item.dtype, constant=True)
    for info in graph.input:
        if info.type.HasField("optional_type"):
            reader.warn(f"the input {info.name!r} may be left out: it is counted as given")
    reader.read(in_order(nodes, reader.values, source))

    if not reader.asked_trips:
        options.refuse_trips(source)
    for output in outputs:
        if output not in reader.known:
            raise InvalidInput(source, f"the output {output!r} is made by nobody")
    wanted = [part for output in outputs for part in reader.parts(output)]
    kept = leading_to(wanted, reader.nodes)
    if not kept:
        raise Unsupported(f"{source}: none of its nodes leads from an input to an output")
    recipes = _recipes(kept, wanted, reader)
    own = Graph(
        name=name or graph.name or "model",
        nodes=tuple(kept),
        tensors=_tensors(kept, reader, [i.name for i in data], wanted, recipes),
        inputs=tuple(i.name for i in data),
        outputs=tuple(dict.fromkeys(o for o in wanted if not reader.values[o].constant)),
        warnings=_warnings(reader, len(reader.nodes) - len(kept)),
        opset=reader.opset,
        free=bound.free_axes,
        calculated=recipes,
        told=reader.told,
        decided=tuple(name for name in reader.decided if name in recipes),
    )
    for name in bound.given:
        if name not in reader.told:
            raise unknown_input(name, own.inputs, source)
    return with_input_shapes(own, bound.wanted)


def _recipes(nodes: Sequence[Node], outputs: Sequence[str], reader: Reader) -> dict[str, Node]:
    """Return the calculations that the nodes' constants come from, in order."""
    needed = {name for node in nodes for name in node.inputs} | set(outputs)
    needed |= {f for node in nodes for f in node.repeats if isinstance(f, str)}
    needed |= reader.decided.keys()
    kept: set[str] = set()
    for name, node in reversed(list(reader.recipes.items())):
        if name in needed:
            kept.add(name)
            needed.update(node.inputs)
    return {name: node for name, node in reader.recipes.items() if name in kept}


def _weights_among(supplied: Sequence[Declared], nodes: Sequence[RawNode]) -> frozenset[str]:
    """Return the inputs that are weights without values: fixed, and read as weights only.

    A weight may be read through a quantiser.
    """
    as_weight: set[str] = set()
    as_data: set[str] = set()
    for node in reversed(nodes):
        slots = WEIGHT_SLOTS.get(node.op, ())
        if node.op in _THROUGH and node.outputs:
            result = node.outputs[0]
            slots = (0,) if result in as_weight and result not in as_data else ()
        for index, name in enumerate(node.inputs):
            (as_weight if index in slots else as_data).add(name)
        as_data.update(captured(node))
    found = {
        item.name
        for item in supplied
        if item.name in as_weight - as_data and item.static({}) is not None
    }
    return frozenset(found) if len(found) < len(supplied) else frozenset()


def _tensors(
    nodes: Sequence[Node],
    reader: Reader,
    inputs: Sequence[str],
    outputs: Sequence[str],
    recipes: Mapping[str, Node],
) -> dict[str, Tensor]:
    weights: set[str] = set()
    settings: set[str] = set()
    names: dict[str, None] = dict.fromkeys(inputs)
    for node in nodes:
        slots = WEIGHT_SLOTS.get(node.op, ())
        for index, name in enumerate(node.inputs):
            if name:
                names[name] = None
                if index in slots:
                    weights.add(name)
                elif node.op in _PARAMETER_OPS:
                    settings.add(name)
        names.update(dict.fromkeys(name for name in node.outputs if name))
        names.update(dict.fromkeys(f for f in node.repeats if isinstance(f, str)))
    names.update(dict.fromkeys(outputs))
    for node in recipes.values():
        read = (*node.inputs, *node.outputs)
        names.update(dict.fromkeys(name for name in read if name))
        settings.update(name for name in read if name and reader.values[name].constant)
    found = {}
    for name in names:
        value = reader.values[name]
        stated = value.data is not None and name not in weights
        if stated and value.dtype.startswith("fp"):
            stated = not value.shape or name in settings or name in reader.from_sizes
        found[name] = value.tensor(name, stated=stated)
    return found


def _warnings(reader: Reader, dropped: int) -> tuple[str, ...]:
    texts = [
        text if count == 1 else f"{text} ({count} times)" for text, count in reader.warnings.items()
    ]
    texts += dict.fromkeys(
        f"{text}: weights are counted by their shapes" for text in reader.tensors.unread.values()
    )
    if dropped:
        texts.append(f"{dropped} nodes whose results nobody uses are left out")
    return tuple(texts)
