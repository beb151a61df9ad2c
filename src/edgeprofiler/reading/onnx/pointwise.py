"""Shapes of element-wise operators, normalisations and quantisation."""

from __future__ import annotations

from collections.abc import Callable

from edgeprofiler.reading.onnx.values import DTYPES, BadNodeError, Call, Spec, axis_of, broadcast


def same(call: Call) -> list[Spec]:
    """Return the first input's shape and type; further outputs are statistics or masks."""
    value = call.value(0)
    return [(value.shape, value.dtype)] * max(call.outputs, 1)


def clip(call: Call) -> list[Spec]:
    """`Clip`; completes `min` and `max`, which came as inputs from opset 11 on."""
    for index, name in ((1, "min"), (2, "max")):
        value = call.value(index) if call.has(index) else None
        if value is not None and value.data is not None and value.data.size == 1:
            call.attributes[name] = float(value.data.reshape(-1)[0])
    return same(call)


def layer_normalization(call: Call) -> list[Spec]:
    """`LayerNormalization`: the result, then mean and deviation over the axes from `axis` on."""
    value = call.value(0)
    rank = len(value.shape)
    axis = axis_of(call.integer("axis", -1), rank)
    kept = (*value.shape[:axis], *(1,) * (rank - axis))
    return [(value.shape, value.dtype), *[(kept, "fp32")] * max(call.outputs - 1, 0)]


def to_bool(call: Call) -> list[Spec]:
    """Return booleans of the first input's shape."""
    return call.same("bool")


def cast(call: Call) -> list[Spec]:
    """`Cast` and `CastLike`."""
    if call.op == "CastLike":
        return call.same(call.value(1).dtype)
    return call.same(DTYPES.get(call.integer("to", 1), "fp32"))


def elementwise(call: Call) -> list[Spec]:
    """Return the broadcast of all inputs."""
    values = [value for value in call.inputs if value is not None]
    if not values:
        raise BadNodeError("has no input")
    return [(broadcast([v.shape for v in values]), values[0].dtype)]


def compare(call: Call) -> list[Spec]:
    """Return booleans of the broadcast shape."""
    return [(elementwise(call)[0][0], "bool")]


def where(call: Call) -> list[Spec]:
    """`Where`."""
    return [(broadcast([call.shape(i) for i in range(3)]), call.value(1).dtype)]


def batch_normalization(call: Call) -> list[Spec]:
    """`BatchNormalization`; checks that there is one scale a channel."""
    data, scale = call.value(0), call.value(1)
    channels = data.shape[1] if len(data.shape) > 1 else 1
    if scale.shape and scale.elements != channels:
        raise BadNodeError(f"normalises {channels} channels with {scale.elements} scales")
    first = (data.shape, data.dtype)
    return [first, *[(scale.shape, scale.dtype)] * max(call.outputs - 1, 0)]


def quantize(call: Call) -> list[Spec]:
    """`QuantizeLinear`."""
    code = call.integer("output_dtype", 0)
    zero = call.value(2).dtype if call.has(2) else "uint8"
    return call.same(DTYPES.get(code, zero) if code else zero)


def dequantize(call: Call) -> list[Spec]:
    """`DequantizeLinear`: the type of its scale."""
    return call.same(call.value(1).dtype)


def dynamic_quantize(call: Call) -> list[Spec]:
    """`DynamicQuantizeLinear`."""
    return [(call.shape(0), "uint8"), ((), "fp32"), ((), "uint8")]


def qlinear_binary(call: Call) -> list[Spec]:
    """`QLinearAdd`, `QLinearMul`: operands at 0 and 3, the output's zero point at 7."""
    a, b = call.value(0), call.value(3)
    return [(broadcast([a.shape, b.shape]), a.dtype)]


_SAME = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Celu",
    "Cos", "Cosh", "CumSum", "Dropout", "Elu", "Erf", "Exp", "Floor", "Gelu", "GroupNormalization",
    "HardSigmoid", "HardSwish", "Hardmax", "Identity", "InstanceNormalization",
    "LRN", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization",
    "MeanVarianceNormalization", "Mish", "Neg", "PRelu", "RMSNormalization", "Reciprocal", "Relu",
    "ReverseSequence", "Round", "Scatter", "ScatterElements", "ScatterND", "Selu", "Shrink",
    "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus", "Softsign", "Sqrt", "Swish", "Tan",
    "Tanh", "ThresholdedRelu", "Trilu",
    "BiasGelu", "FastGelu", "QuickGelu", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax",
    "SimplifiedLayerNormalization", "SkipLayerNormalization",
)  # fmt: skip
_BROADCAST = (
    "Add", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Max", "Mean", "Min", "Mod",
    "Mul", "Pow", "Sub", "Sum",
)  # fmt: skip
_COMPARE = (
    "And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Xor",
)  # fmt: skip

RULES: dict[str, Callable[[Call], list[Spec]]] = {
    **dict.fromkeys(_SAME, same),
    **dict.fromkeys(_BROADCAST, elementwise),
    **dict.fromkeys(_COMPARE, compare),
    "LayerNormalization": layer_normalization, "Clip": clip, "Not": to_bool, "IsNaN": to_bool,
    "IsInf": to_bool, "Cast": cast,
    "CastLike": cast,
    "Where": where, "BatchNormalization": batch_normalization,
    "QuantizeLinear": quantize, "DequantizeLinear": dequantize,
    "DynamicQuantizeLinear": dynamic_quantize, "QLinearAdd": qlinear_binary,
    "QLinearMul": qlinear_binary,
}  # fmt: skip
"""The rule of each operator."""
