"""Shapes of the operators that have no rule of ours: onnx's own inference, one node at a time."""

from __future__ import annotations

import re
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.reading.operators.call import (
    DTYPES,
    NUMPY,
    ONNX_CODES,
    Call,
    Spec,
)

_SKIPPED = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators with subgraphs, whose inference would run without bounds."""
_EQUATION = re.compile(r"[A-Za-z,. ]*(->[A-Za-z. ]*)?")
_MOST_NAMES = 1024
"""Most inputs and outputs of a node that onnx is asked about."""


def infer(call: Call, opset: int) -> list[Spec] | None:
    """Return shapes and types of a node's outputs, or `None` where onnx cannot tell either.

    Args:
        call: an operator of ONNX's own domain.
        opset: version of the operators; 0 for the newest.
    """
    import onnx
    from onnx import helper, numpy_helper, shape_inference

    if call.op in _SKIPPED or not _bounded(call):
        return None
    newest = onnx.defs.onnx_opset_version()
    version = min(opset or newest, newest)
    try:
        schema = onnx.defs.get_schema(call.op, version, "")
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
        if value.data is not None and value.dtype in NUMPY:
            data[name] = numpy_helper.from_array(value.data)
    plain: dict[str, Any] = {
        key: value
        for key, value in call.attributes.items()
        if isinstance(value, (int, float, str)) or (isinstance(value, tuple) and value)
    }
    try:
        proto = helper.make_node(call.op, names, outputs, **plain)
        opsets = [helper.make_opsetid("", version)]
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


def _bounded(call: Call) -> bool:
    """Whether onnx's inference of a node takes little time and memory.

    A list of integers that is not known may be a shape: onnx makes a dimension for each number,
    2**32 of them for 120 bytes of file.
    """
    if call.outputs > _MOST_NAMES or len(call.inputs) > _MOST_NAMES:
        return False
    if call.op == "Einsum" and not _EQUATION.fullmatch(str(call.attributes.get("equation", ""))):
        return False  # onnx never ends where it meets another sign
    return not any(
        value is not None
        and value.data is None
        and value.dtype.startswith(("int", "uint"))
        and len(value.shape) == 1
        and value.shape[0] > limits.RANK
        for value in call.inputs
    )
