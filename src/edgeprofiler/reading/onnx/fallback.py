"""Shapes of the operators that have no rule of ours: onnx's own inference, one node at a time."""

from __future__ import annotations

from typing import Any

from edgeprofiler.reading.onnx.structure import RawNode
from edgeprofiler.reading.onnx.values import DTYPES, ONNX_CODES, Call, Spec

_SKIPPED = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators with subgraphs, which the file states the shapes of or nobody does."""


def infer(node: RawNode, call: Call) -> list[Spec] | None:
    """Return shapes and types of a node's outputs, or `None` where onnx cannot tell either."""
    import onnx
    from onnx import helper, numpy_helper, shape_inference

    if node.op in _SKIPPED:
        return None
    newest = onnx.defs.onnx_opset_version()
    try:
        schema = onnx.defs.get_schema(node.op, min(call.opset, newest), "")
    except onnx.defs.SchemaError:
        return None
    names = [f"i{i}" if call.has(i) else "" for i in range(len(call.inputs))]
    outputs = [f"o{i}" for i in range(call.outputs)]
    types: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, value in zip(names, call.inputs, strict=True):
        if value is None:
            continue
        types[name] = helper.make_tensor_type_proto(ONNX_CODES.get(value.dtype, 1), value.shape)
        if value.data is not None:
            data[name] = numpy_helper.from_array(value.data)
    plain: dict[str, Any] = {
        key: value
        for key, value in node.attributes.items()
        if isinstance(value, (int, float, str)) or (isinstance(value, tuple) and value)
    }
    try:
        proto = helper.make_node(node.op, names, outputs, **plain)
        opsets = [helper.make_opsetid("", min(call.opset, newest))]
        found = shape_inference.infer_node_outputs(schema, proto, types, data, opset_imports=opsets)
    except (
        onnx.checker.ValidationError,
        shape_inference.InferenceError,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
    ):
        return None  # the node contradicts onnx's definition; the caller says so
    specs: list[Spec] = []
    for name in outputs:
        tensor = found[name].tensor_type if name in found else None
        if tensor is None or not tensor.HasField("shape"):
            return None
        if any(not d.HasField("dim_value") for d in tensor.shape.dim):
            return None
        shape = tuple(int(d.dim_value) for d in tensor.shape.dim)
        specs.append((shape, DTYPES.get(tensor.elem_type, "fp32")))
    return specs
