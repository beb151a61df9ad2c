"""Element-wise operators, normalisations and quantisation: results shaped like their inputs."""

from __future__ import annotations

from edgeprofiler.core.activations import OPERATORS as ACTIVATIONS
from edgeprofiler.core.graph import Shape
from edgeprofiler.reading.operators.call import (
    DTYPES,
    BadNodeError,
    Call,
    Rule,
    Spec,
    axis_of,
    broadcast,
    text,
)


def same(call: Call) -> list[Spec]:
    """Return the first input's shape and type; further outputs are statistics or masks."""
    value = call.value(0)
    return [(value.shape, value.dtype)] * max(call.outputs, 1)


def _channels(shape: Shape) -> int:
    return shape[1] if len(shape) > 1 else 1


def _batch_normalization(call: Call) -> list[Spec]:
    """`BatchNormalization`, which gives out running statistics too while it trains."""
    data = call.value(0)
    channels = _channels(data.shape)
    for index, what in enumerate(("scale", "shift", "mean", "variance"), 1):
        call.vector(index, (channels,), what)
    return [(data.shape, data.dtype), *[((channels,), data.dtype)] * max(call.outputs - 1, 0)]


def _instance_normalization(call: Call) -> list[Spec]:
    for index, what in ((1, "scale"), (2, "shift")):
        call.vector(index, (_channels(call.shape(0)),), what)
    return same(call)


def _group_normalization(call: Call) -> list[Spec]:
    """`GroupNormalization`: opset 18 scales each group, opset 21 each channel."""
    lengths = (_channels(call.shape(0)), call.integer("num_groups", 1))
    for index, what in ((1, "scale"), (2, "shift")):
        call.vector(index, lengths, what)
    return same(call)


def _layer_normalization(call: Call) -> list[Spec]:
    """`LayerNormalization`: the result, then mean and deviation over the axes from `axis` on."""
    value = call.value(0)
    rank = len(value.shape)
    axis = axis_of(call.integer("axis", -1), rank)
    for index, what in ((1, "scale"), (2, "shift")):
        if call.has(index) and broadcast([value.shape, call.shape(index)]) != value.shape:
            raise BadNodeError(f"has a {what} of shape {text(call.shape(index))}")
    kept = (*value.shape[:axis], *(1,) * (rank - axis))
    return [(value.shape, value.dtype), *[(kept, "fp32")] * max(call.outputs - 1, 0)]


def _prelu(call: Call) -> list[Spec]:
    shape = call.shape(0)
    if broadcast([shape, call.shape(1)]) != shape:
        raise BadNodeError(f"has a slope of shape {text(call.shape(1))} for {text(shape)}")
    return call.same()


def _dropout(call: Call) -> list[Spec]:
    return [*call.same(), (call.shape(0), "bool")][: max(call.outputs, 1)]


def _to_bool(call: Call) -> list[Spec]:
    return call.same("bool")


def _cast(call: Call) -> list[Spec]:
    """`Cast`, whose `to` is ONNX's code of a type or, in a graph built here, its name."""
    to = call.attributes.get("to", 1)
    if isinstance(to, str):
        return call.same(to)
    return call.same(DTYPES.get(call.integer("to", 1), "fp32"))


def _cast_like(call: Call) -> list[Spec]:
    return call.same(call.value(1).dtype)


def _elementwise(call: Call) -> list[Spec]:
    values = [value for value in call.inputs if value is not None]
    if not values:
        raise BadNodeError("has no input")
    return [(broadcast([v.shape for v in values]), values[0].dtype)]


def _compare(call: Call) -> list[Spec]:
    return [(_elementwise(call)[0][0], "bool")]


def _where(call: Call) -> list[Spec]:
    return [(broadcast([call.shape(i) for i in range(3)]), call.value(1).dtype)]


def _quantize(call: Call) -> list[Spec]:
    code = call.integer("output_dtype", 0)
    zero = call.value(2).dtype if call.has(2) else "uint8"
    return call.same(DTYPES.get(code, zero) if code else zero)


def _dequantize(call: Call) -> list[Spec]:
    """`DequantizeLinear`: the type of its scale."""
    return call.same(call.value(1).dtype)


def _dynamic_quantize(call: Call) -> list[Spec]:
    return [(call.shape(0), "uint8"), ((), "fp32"), ((), "uint8")]


def _qlinear_binary(call: Call) -> list[Spec]:
    """`QLinearAdd`, `QLinearMul`: operands at 0 and 3, the output's zero point at 7."""
    a, b = call.value(0), call.value(3)
    return [(broadcast([a.shape, b.shape]), a.dtype)]


SAME = frozenset({
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil",
    "Cos", "Cosh", "CumSum", "Erf", "Exp", "Floor", "Hardmax", "Identity", "LRN", "Log",
    "LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Neg", "RMSNormalization",
    "Reciprocal", "ReverseSequence", "RotaryEmbedding", "Round", "Scatter", "ScatterElements",
    "ScatterND", "Sign", "Sin", "Sinh", "Softmax", "Sqrt", "Tan", "Trilu",
    "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax",
}) | ACTIVATIONS  # fmt: skip
"""Operators whose result has the shape and type of their first input."""
_BROADCAST = (
    "Add", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Max", "Mean", "Min", "Mod",
    "Mul", "Pow", "Sub", "Sum",
)  # fmt: skip
_COMPARE = (
    "And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Xor",
)  # fmt: skip

RULES: dict[str, Rule] = {
    **dict.fromkeys(SAME, same),
    **dict.fromkeys(_BROADCAST, _elementwise),
    **dict.fromkeys(_COMPARE, _compare),
    "BatchNormalization": _batch_normalization, "InstanceNormalization": _instance_normalization,
    "GroupNormalization": _group_normalization, "LayerNormalization": _layer_normalization,
    "PRelu": _prelu, "Dropout": _dropout, "Not": _to_bool, "IsNaN": _to_bool, "IsInf": _to_bool,
    "Cast": _cast, "CastLike": _cast_like, "Where": _where, "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize, "DynamicQuantizeLinear": _dynamic_quantize,
    "QLinearAdd": _qlinear_binary, "QLinearMul": _qlinear_binary,
}  # fmt: skip
"""The rule of each operator."""
