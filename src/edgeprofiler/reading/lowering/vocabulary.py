"""What each ONNX operator is to TensorRT: the sets that the rules speak of."""

from __future__ import annotations

from edgeprofiler.core.activations import OPERATORS as ACTIVATIONS
from edgeprofiler.reading.operators.macs import MATMULS as PRODUCTS
from edgeprofiler.reading.operators.selection import SUPPRESSIONS

ARITHMETIC = frozenset({
    "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Mod", "Abs", "Neg", "Exp",
    "Log", "Sqrt", "Reciprocal", "Erf", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos", "Tan",
    "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "IsNaN", "IsInf", "Not",
    "And", "Or", "Xor", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot",
    "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Where", "BatchNormalization",
    "RotaryEmbedding", "Gates", "SwiGLU", "RandomNormalLike", "RandomUniformLike", "Bernoulli",
    "QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearLeakyRelu",
})  # fmt: skip
"""Other element-wise operations; batch normalisation at inference is a scale and a shift."""

POINTWISE = ACTIVATIONS | ARITHMETIC

TRANSPOSED = frozenset({"ConvTranspose"})
MATMULS = PRODUCTS | {"Einsum"}

GLOBAL_POOLS = frozenset({
    "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "QLinearGlobalAveragePool",
})  # fmt: skip
MAX_POOLS = frozenset({"MaxPool"})
AVERAGE_POOLS = frozenset({"AveragePool", "LpPool", "QLinearAveragePool"})
REDUCTIONS = frozenset({
    "ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2",
    "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp",
})  # fmt: skip

SOFTMAXES = frozenset({"Softmax", "LogSoftmax", "Hardmax", "QLinearSoftmax"})
NORMALIZATIONS = frozenset({
    "LayerNormalization", "InstanceNormalization", "GroupNormalization", "LRN",
    "LpNormalization", "MeanVarianceNormalization", "RMSNormalization",
})  # fmt: skip
RESIZES = frozenset({
    "Resize", "Upsample", "DepthToSpace", "SpaceToDepth", "GridSample", "AffineGrid", "RoiAlign",
    "MaxRoiPool", "MaxUnpool", "Col2Im",
})  # fmt: skip
TOPKS = SUPPRESSIONS | {
    "TopK", "ArgMax", "ArgMin", "NonMaxSuppression", "NonZero", "Unique", "CumSum", "CumProd",
}  # fmt: skip
COPIES = frozenset({
    "Gather", "GatherElements", "GatherND", "Scatter", "ScatterElements", "ScatterND", "Tile",
    "Expand", "Trilu", "OneHot", "Compress", "ReverseSequence", "EyeLike", "Pad", "CenterCropPad",
    "Range", "ConstantOfShape", "TensorScatter",
})  # fmt: skip
"""Operations that move data and compute nothing; a view of them costs nothing (see `rules`)."""

CONCATS = frozenset({"Concat", "QLinearConcat", "ConcatFromSequence", "Collect"})
SLICES = frozenset({"Slice", "Split", "SplitToSequence", "SequenceAt"})
RESHAPES = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze"})
ALIASES = frozenset(
    {"Identity", "Dropout", "Cast", "CastLike", "BitCast", "StopGradient", "Optional", "Carry"}
)
