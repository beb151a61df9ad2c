"""Shapes of an operator's outputs from those of its inputs, for what CNNs are made of.

Rules follow ONNX's operator specification, https://onnx.ai/onnx/operators/ (old and new
forms where axes or sizes moved from attributes to inputs).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.graph._layout import LAYOUT_RULES
from edgeprofiler.core.graph._rule import Inputs, Rule, axis_of, broadcast, fail, optional, tensor
from edgeprofiler.core.graph._windows import WINDOW_RULES
from edgeprofiler.core.graph.graph import Node, Shape, Tensor


def infer_shapes(node: Node, tensors: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """Return the tensors that a node computes, one for each of its named outputs.

    Args:
        node: the operator, with ONNX's names.
        tensors: at least the node's inputs, by name.

    Raises:
        InvalidInput: inputs and attributes do not fit together; the node is named.
        Unsupported: there is no rule for the operator.
    """
    rule = _RULES.get(node.op)
    if rule is None:
        raise Unsupported(
            f"node {node.name!r}: the shape of {node.op}'s result cannot be inferred; "
            "export the model at the shape that you want"
        )
    inputs = [tensors[name] if name else None for name in node.inputs]
    shapes = rule(node, inputs)
    dtypes = _dtypes(node, inputs)
    return tuple(
        Tensor(name, shape, dtypes[place] if place < len(dtypes) else dtypes[0])
        for place, (name, shape) in enumerate(zip(node.outputs, shapes, strict=False))
        if name
    )


def can_infer(op: str) -> bool:
    """Say whether there is a rule for an operator."""
    return op in _RULES


def _same(node: Node, inputs: Inputs) -> list[Shape]:
    return [tensor(node, inputs, 0).shape] * len(node.outputs)


def _elementwise(node: Node, inputs: Inputs) -> list[Shape]:
    return [broadcast(node, [item.shape for item in inputs if item is not None] or [()])]


def _gemm(node: Node, inputs: Inputs) -> list[Shape]:
    first, second = tensor(node, inputs, 0).shape, tensor(node, inputs, 1).shape
    if len(first) != 2 or len(second) != 2:
        fail(node, f"shapes {first} and {second} are not matrices")
    rows, shared = reversed(first) if node.integer("transA") else first
    depth, columns = reversed(second) if node.integer("transB") else second
    if shared != depth:
        fail(node, f"{shared} input features do not fit weights for {depth}")
    bias = optional(inputs, 2)
    if bias is not None and broadcast(node, (bias.shape, (rows, columns))) != (rows, columns):
        fail(node, f"a bias of shape {bias.shape} for a result of shape {(rows, columns)}")
    return [(rows, columns)]


def _matmul(node: Node, inputs: Inputs) -> list[Shape]:
    # scales and zero points stand between the operands of QLinearMatMul
    place = 3 if node.op == "QLinearMatMul" else 1
    first, second = tensor(node, inputs, 0).shape, tensor(node, inputs, place).shape
    if not first or not second:
        fail(node, "a scalar cannot be multiplied as a matrix")
    left = first if len(first) > 1 else (1, *first)
    right = second if len(second) > 1 else (*second, 1)
    if left[-1] != right[-2]:
        fail(node, f"{first} by {second}: the inner dimensions differ")
    batch = broadcast(node, (left[:-2], right[:-2]))
    rows = left[-2:-1] if len(first) > 1 else ()
    columns = right[-1:] if len(second) > 1 else ()
    return [(*batch, *rows, *columns)]


def _normalization(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    scale = optional(inputs, 1)
    if scale is not None and math.prod(scale.shape) > 1:
        axis = 1 if node.op == "GroupNormalization" else node.integer("axis", -1)
        wanted = shape[1:2] if node.op == "GroupNormalization" else shape[axis:]
        # opset 18 scaled each group, opset 21 each channel
        groups = (node.integer("num_groups"),)
        if scale.shape not in (wanted, groups):
            fail(node, f"a scale of shape {scale.shape} for {wanted}")
    if len(node.outputs) == 1:
        return [shape]
    axis = axis_of(node, node.integer("axis", -1), len(shape))
    statistics = (*shape[:axis], *(1,) * (len(shape) - axis))
    return [shape, *[statistics] * (len(node.outputs) - 1)]


def _prelu(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    if broadcast(node, (shape, tensor(node, inputs, 1).shape)) != shape:
        fail(node, f"a slope of shape {tensor(node, inputs, 1).shape} for {shape}")
    return [shape]


_ELEMENTWISE = (
    "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Mod", "Where", "And", "Or",
    "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "BitShift",
)  # fmt: skip
_SAME = (
    "Relu", "LeakyRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "Sigmoid",
    "HardSigmoid", "HardSwish", "Swish", "Softplus", "Softsign", "Tanh", "Clip", "Erf", "Exp",
    "Log", "Sqrt", "Reciprocal", "Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Sin", "Cos",
    "Not", "Identity", "Dropout", "Cast", "CastLike", "Softmax", "LogSoftmax", "Hardmax", "LRN",
    "MeanVarianceNormalization", "LpNormalization", "QuantizeLinear", "DequantizeLinear", "CumSum",
    "Shrink",
)  # fmt: skip

_RULES: dict[str, Rule] = {
    **WINDOW_RULES,
    **LAYOUT_RULES,
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_SAME, _same),
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
    "LayerNormalization": _normalization,
    "RMSNormalization": _normalization,
    "GroupNormalization": _normalization,
    "PRelu": _prelu,
}

_CONDITIONS = frozenset(
    ("And", "Or", "Xor", "Not", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
)
_CAST_TYPES = {
    1: "fp32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string",
    9: "bool", 10: "fp16", 11: "fp64", 12: "uint32", 13: "uint64", 16: "bf16",
}  # fmt: skip
"""ONNX's TensorProto.DataType, the meaning of Cast's attribute `to`."""


def _dtypes(node: Node, inputs: Inputs) -> tuple[str, ...]:
    op = node.op
    first = inputs[0].dtype if inputs and inputs[0] is not None else "fp32"
    if op in _CONDITIONS:
        return ("bool",)
    if op in ("ArgMax", "ArgMin"):
        return ("int64",)
    if op == "TopK":
        return (first, "int64")
    if op == "Dropout":
        return (first, "bool")
    if op == "MaxPool":
        return (first, "int64")
    if op == "Cast":
        to = node.attributes.get("to")
        return (to if isinstance(to, str) else _CAST_TYPES.get(node.integer("to"), first),)
    if op in ("Where", "CastLike", "DequantizeLinear"):
        second = optional(inputs, 1)
        return (second.dtype if second is not None else first,)
    if op in ("ConvInteger", "MatMulInteger"):
        return ("int32",)
    if op == "QuantizeLinear":
        zero = optional(inputs, 2)
        return (zero.dtype if zero is not None else "uint8",)
    return (first,)
