"""Operators of other domains, written in ONNX's own words where those can say the same.

ONNX Runtime's optimiser writes fused operators (`com.microsoft`), channels-last ones
(`com.ms.internal.nhwc`) and ones in blocks of channels (`com.microsoft.nchwc`); deployment tools
add plug-ins. Written out, they cost what the model did before it was optimised for a processor.
Definitions: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgeprofiler.reading.onnx.attention import ATTENTIONS
from edgeprofiler.reading.onnx.blocks import BLOCKED
from edgeprofiler.reading.onnx.structure import RawNode
from edgeprofiler.reading.onnx.writer import Attributes, Writer
from edgeprofiler.reading.operators.call import BadNodeError, Operand

Values = Mapping[str, Operand]

_NHWC_DOMAIN = "com.ms.internal.nhwc"
_ANY_LAYOUT = frozenset({"Resize", "Upsample", "Softmax", "QuantizeLinear", "DequantizeLinear"})
"""Operators of the channels-last domain whose parameters are in the order of their input."""
_SECOND_IMAGE = {"Conv": 3, "FusedConv": 3, "NhwcFusedConv": 3}
"""Where fused convolutions take the tensor that they add."""
_LAST = "channels_last"


def written_out(node: RawNode, values: Values, channels: Mapping[str, int]) -> Writer | None:
    """Return a foreign node as ONNX's own, or `None` where it has its own rule or none.

    Args:
        node: any node.
        values: what is known of its inputs.
        channels: how many channels tensors in blocks really have (see `blocks`).
    """
    rule = _RULES.get((node.domain, node.op)) or _PLUGINS.get(node.op)
    if node.domain == "com.microsoft" and rule is None:
        rule = ATTENTIONS.get(node.op)
    last = node.domain == _NHWC_DOMAIN or (node.domain == "com.microsoft" and _says_last(node))
    if rule is None and not last:
        return None
    if not node.outputs or not all(n in values for n in node.inputs if n):
        return None
    writer = Writer(node, values, channels)
    try:
        if last:
            _channels_last(writer)
        elif rule is not None:
            rule(writer)
    except (KeyError, IndexError):  # an input that it needs is left out
        if node.domain in (_NHWC_DOMAIN, "com.microsoft"):
            raise BadNodeError("lacks an input that it needs") from None
        return None  # another's operator of the same name
    return writer


def _says_last(node: RawNode) -> bool:
    return node.op.startswith("Nhwc") or node.attributes.get(_LAST) == 1


def _channels_last(writer: Writer) -> None:
    """Write a channels-last operator as one between two changes of layout."""
    node = writer.node
    op = node.op.removeprefix("Nhwc")
    attributes = {k: v for k, v in node.attributes.items() if k != _LAST}
    if op in _ANY_LAYOUT:
        writer.add(op, node.inputs, "", attributes, node.outputs)
        return
    rank = len(writer.values[node.inputs[0]].shape)
    first, last = (0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)
    inputs = list(node.inputs)
    images = [0, *([_SECOND_IMAGE[node.op]] if node.op in _SECOND_IMAGE else ())]
    for place in images:
        if place < len(inputs) and inputs[place]:
            what = f"first{place}"
            inputs[place] = writer.add("Transpose", (inputs[place],), what, {"perm": first})
    if op.endswith("Conv") and node.op.startswith("Nhwc"):
        inputs[1] = _filters_first(writer, inputs[1], first)
    made = [f"{name}/first" if name else "" for name in node.outputs]
    inner = replace(
        node, op=op, domain="", inputs=tuple(inputs), outputs=tuple(made), attributes=attributes
    )
    writer.nodes.append(inner)
    if op == "FusedConv":
        writer.nodes.pop()
        _fused_conv(writer, inner)
    for name, before in zip(node.outputs, made, strict=True):
        if name:
            writer.add("Transpose", (before,), "last", {"perm": last}, (name,))


def _filters_first(writer: Writer, weight: str, first: tuple[int, ...]) -> str:
    """Return filters as ONNX has them; some kernels take them channels-last too."""
    group = writer.node.attributes.get("group", 1)
    channels = writer.values[writer.node.inputs[0]].shape[-1]
    shape = writer.values[weight].shape
    if len(shape) > 2 and shape[1] * group != channels == shape[-1] * group:
        return writer.add("Transpose", (weight,), "filters", {"perm": first})
    return weight


def _fused_conv(writer: Writer, node: RawNode | None = None) -> None:
    """`FusedConv`: a convolution, a sum with a fourth input, an activation."""
    node = node or writer.node
    kept = {k: v for k, v in node.attributes.items() if not k.startswith("activation")}
    inputs = node.inputs[:3] if len(node.inputs) > 2 and node.inputs[2] else node.inputs[:2]
    made = writer.add("Conv", inputs, "", kept, (f"{node.outputs[0]}/conv",))
    if len(node.inputs) > 3 and node.inputs[3]:
        made = writer.add("Add", (made, node.inputs[3]), "sum")
    writer.activation(made, node.outputs[0])


def _fused_gemm(writer: Writer) -> None:
    node = writer.node
    kept = {k: v for k, v in node.attributes.items() if not k.startswith("activation")}
    made = writer.add("Gemm", node.inputs, "", kept, (f"{node.outputs[0]}/gemm",))
    writer.activation(made, node.outputs[0])


def _quick_gelu(writer: Writer) -> None:
    """`QuickGelu`: `x * sigmoid(alpha * x)`; with an alpha of 1 that is SiLU."""
    (source,), alpha = writer.node.inputs, writer.node.attributes.get("alpha", 1.702)
    scaled = source
    if alpha != 1:
        factor = writer.constant("alpha", Operand.of(np.array(alpha, np.float32)))
        scaled = writer.add("Mul", (source, factor), "scaled")
    gate = writer.add("Sigmoid", (scaled,), "sigmoid")
    writer.add("Mul", (source, gate), "", None, writer.node.outputs)


def _biased(op: str) -> Callable[[Writer], None]:
    """An activation of a sum with a bias, which may be missing."""

    def rule(writer: Writer) -> None:
        source = writer.node.inputs[0]
        if len(writer.node.inputs) > 1 and writer.node.inputs[1]:
            source = writer.add("Add", writer.node.inputs[:2], "bias")
        writer.add(op, (source,), "", None, writer.node.outputs)

    return rule


def _bias_add(writer: Writer) -> None:
    source, bias, skip = writer.node.inputs
    made = writer.add("Add", (source, bias), "bias")
    writer.add("Add", (made, skip), "", None, writer.node.outputs)


def _skip_normalization(op: str) -> Callable[[Writer], None]:
    """A normalisation of the sum of two tensors and a bias; the sum may be an output too."""

    def rule(writer: Writer) -> None:
        node = writer.node
        simple = op == "RMSNormalization"
        given = [*node.inputs, "", "", ""]
        scale, shift, bias = (given[2], "", given[3]) if simple else (given[2], given[3], given[4])
        total = node.outputs[3] if len(node.outputs) > 3 and node.outputs[3] else ""
        made = f"{node.outputs[0]}/sum"
        if bias:
            made = writer.add("Add", node.inputs[:2], "skip")
            made = writer.add("Add", (made, bias), "sum", None, (total or made + "+bias",))
        else:
            made = writer.add("Add", node.inputs[:2], "sum", None, (total or made,))
        inputs = [name for name in (made, scale, shift) if name]
        writer.add(op, inputs, "", {"axis": -1}, node.outputs[:1])

    return rule


def _simplified(writer: Writer) -> None:
    writer.add(
        "RMSNormalization", writer.node.inputs, "", writer.node.attributes, writer.node.outputs[:1]
    )


def _dynamic_product(writer: Writer) -> None:
    """`DynamicQuantizeMatMul`, `MatMulIntegerToFloat`: an integer product given out as floats."""
    node = writer.node
    dynamic = node.op == "DynamicQuantizeMatMul"
    source, weight = node.inputs[:2]
    bias_at = 4 if dynamic else 6
    if dynamic:
        what = ("quantised", "scale", "zero")
        made = [f"{node.outputs[0]}/{part}" for part in what]
        source = writer.add("DynamicQuantizeLinear", (source,), "quantise", None, made)
    product = writer.add("MatMulInteger", (source, weight), "")
    bias = node.inputs[bias_at] if len(node.inputs) > bias_at else ""
    floats = writer.add("Cast", (product,), "cast", {"to": 1}, () if bias else node.outputs)
    if bias:
        writer.add("Add", (floats, bias), "bias", None, node.outputs)


def _packed_product(writer: Writer) -> None:
    """`MatMulNBits`: weights of a few bits, packed; `K` by `N` as they are multiplied."""
    node = writer.node
    depth, columns = node.attributes.get("K"), node.attributes.get("N")
    if not isinstance(depth, int) or not isinstance(columns, int):
        raise BadNodeError("does not say K and N")
    bits = node.attributes.get("bits", 4)
    weight = writer.constant("weight", Operand((depth, columns), f"int{bits}", constant=True))
    writer.add("MatMul", (node.inputs[0], weight), "", None, node.outputs)


def _quantised_lstm(writer: Writer) -> None:
    """`DynamicQuantizeLSTM`, whose weights stand as they are multiplied."""
    node = writer.node
    weights = [
        writer.add("Transpose", (name,), what, {"perm": (0, 2, 1)})
        for name, what in zip(node.inputs[1:3], ("W", "R"), strict=True)
    ]
    inputs = (node.inputs[0], *weights, *node.inputs[3:8])
    writer.add("LSTM", inputs, "", node.attributes, node.outputs)


# Blocks of channels.


def _blocked_conv(writer: Writer) -> None:
    """A convolution in blocks of channels, with the padded channels taken off again."""
    node, values = writer.node, writer.values
    source, weight = values[node.inputs[0]], values[node.inputs[1]]
    group = node.attributes.get("group", 1)
    depthwise = isinstance(group, int) and group > 1 and weight.shape[1] == 1
    channels = source.shape[1]
    made = channels if depthwise else writer.channels.get(node.outputs[0], weight.shape[0])
    depth = 1 if depthwise else min(weight.shape[1], channels // max(group, 1))
    shape = (made, depth, *weight.shape[2:])
    inputs = [node.inputs[0], writer.constant("weight", _unknown(shape, weight))]
    if len(node.inputs) > 2 and node.inputs[2]:
        bias = _unknown((made,), values[node.inputs[2]])
        inputs.append(writer.constant("bias", bias))
    extra = ("",) * (3 - len(inputs)) + node.inputs[3:4]
    attributes = {**node.attributes, "group": channels if depthwise else group}
    plain = replace(node, domain="", inputs=(*inputs, *extra), attributes=attributes)
    steps = node.attributes.get("strides") or (1,)
    if depthwise and math.prod(weight.shape[2:]) == 1 and set(steps) == {1}:
        _normalization(writer, plain)  # which the optimiser writes as a convolution
    else:
        _fused_conv(writer, plain)


def _normalization(writer: Writer, node: RawNode) -> None:
    """A factor and a summand a channel."""
    rank = len(writer.values[node.inputs[0]].shape)
    made = node.inputs[0]
    for op, part in zip(("Mul", "Add"), node.inputs[1:3], strict=False):
        if part:
            value = writer.constants[part]
            vector = _unknown((value.shape[0], *(1,) * (rank - 2)), value)
            made = writer.add(op, (made, writer.constant(f"{op}.channels", vector)), op)
    writer.activation(made, node.outputs[0])


def _unknown(shape: tuple[int, ...], like: Operand) -> Operand:
    """Return a weight of another shape, whose values are not known."""
    return Operand(shape, like.dtype, constant=True)


def _reorder(writer: Writer) -> None:
    """Into blocks or out of them: the same tensor, channels last where it says so."""
    node = writer.node
    rank = len(writer.values[node.inputs[0]].shape)
    source, channels = node.inputs[0], node.attributes.get("channels")
    if isinstance(channels, int) and channels < writer.values[source].shape[1]:
        bounds = {"starts": (0,), "ends": (channels,), "axes": (1,)}
        source = writer.add("Slice", (source,), "channels", bounds)
    if not node.attributes.get(_LAST):
        writer.add("Identity", (source,), "", None, node.outputs)
        return
    last, first = (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))
    perm = last if node.op == "ReorderOutput" else first
    writer.add("Transpose", (source,), "", {"perm": perm}, node.outputs)


def _plainly(writer: Writer) -> None:
    """The operator of ONNX that has the same name."""
    node = writer.node
    attributes = {k: v for k, v in node.attributes.items() if k != _LAST}
    writer.add(node.op, node.inputs, "", attributes, node.outputs)


# Plug-ins.


def _deformable(writer: Writer) -> None:
    """MMCV's deformable convolutions, as MMDeploy exports them."""
    node = writer.node
    modulated = node.op == "MMCVModulatedDeformConv2d"
    source, offset = node.inputs[:2]
    mask, weight, bias = (
        (node.inputs[2], node.inputs[3], node.inputs[4] if len(node.inputs) > 4 else "")
        if modulated
        else ("", node.inputs[2], "")
    )
    padding = node.attributes.get("padding", (0, 0))
    attributes: Attributes = {
        "strides": node.attributes.get("stride", (1, 1)),
        "pads": (*padding, *padding),
        "dilations": node.attributes.get("dilation", (1, 1)),
        "group": node.attributes.get("groups", 1),
        "offset_group": node.attributes.get("deform_groups", 1),
    }
    writer.add("DeformConv", (source, weight, offset, bias, mask), "", attributes, node.outputs)


_RULES: dict[tuple[str, str], Callable[[Writer], None]] = {
    ("com.microsoft", "FusedConv"): _fused_conv,
    ("com.microsoft", "FusedGemm"): _fused_gemm,
    ("com.microsoft", "QuickGelu"): _quick_gelu,
    ("com.microsoft", "BiasGelu"): _biased("Gelu"),
    ("com.microsoft", "FastGelu"): _biased("Gelu"),
    ("com.microsoft", "BiasSoftmax"): _biased("Softmax"),
    ("com.microsoft", "BiasAdd"): _bias_add,
    ("com.microsoft", "SkipLayerNormalization"): _skip_normalization("LayerNormalization"),
    ("com.microsoft", "SkipSimplifiedLayerNormalization"): _skip_normalization("RMSNormalization"),
    ("com.microsoft", "SimplifiedLayerNormalization"): _simplified,
    ("", "SimplifiedLayerNormalization"): _simplified,
    ("com.microsoft", "DynamicQuantizeMatMul"): _dynamic_product,
    ("com.microsoft", "MatMulIntegerToFloat"): _dynamic_product,
    ("com.microsoft", "MatMulNBits"): _packed_product,
    ("com.microsoft", "DynamicQuantizeLSTM"): _quantised_lstm,
    (BLOCKED, "Conv"): _blocked_conv,
    (BLOCKED, "ReorderInput"): _reorder,
    (BLOCKED, "ReorderOutput"): _reorder,
    **{
        (BLOCKED, op): _plainly
        for op in ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Upsample")
    },
}
_PLUGINS: dict[str, Callable[[Writer], None]] = {
    "MMCVModulatedDeformConv2d": _deformable,
    "MMCVDeformConv2d": _deformable,
}
