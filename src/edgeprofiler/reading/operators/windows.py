"""Operators that slide a window: convolutions and poolings, plain, quantised and transposed.

Padding stays as the model states it (`pads`, or `auto_pad`, or a transposed convolution's
`output_shape`); `window_of` resolves it from the shapes that a node has at last.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeprofiler.core.graph import Graph, Node, Shape
from edgeprofiler.reading.operators.call import BadNodeError, Call, Operand, Rule, Spec, text

_SAME = ("SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class Window:
    """A window with one number a spatial dimension in each field."""

    kernel: Shape
    stride: Shape
    dilation: Shape
    before: Shape
    """Padding at the start of each dimension."""
    after: Shape

    @property
    def spans(self) -> Shape:
        """Input positions that the window covers, dilation included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))


def window_of(node: Node, source: Shape, result: Shape, weight: Shape = ()) -> Window:
    """Return a node's window with its padding resolved.

    Args:
        node: a convolution or pooling, with attributes as the model states them.
        source: shape of its input.
        result: shape of its output, from which `auto_pad` and `output_shape` work out padding.
        weight: shape of a convolution's weights; says the kernel where no attribute does.
    """
    rank = max(len(source) - 2, 0)
    kernel = node.ints("kernel_shape") or weight[2:] or (1,) * rank
    stride = node.ints("strides") or (1,) * len(kernel)
    dilation = node.ints("dilations") or (1,) * len(kernel)
    bare = Window(kernel, stride, dilation, (0,) * len(kernel), (0,) * len(kernel))
    before, after = _padding(node, bare, source[2:], result[2:])
    return Window(kernel, stride, dilation, before, after)


def _padding(node: Node, window: Window, size: Shape, out: Shape) -> tuple[Shape, Shape]:
    rank = len(window.kernel)
    mode = str(node.attributes.get("auto_pad", "NOTSET"))
    wanted = node.ints("output_shape") if node.op == "ConvTranspose" else ()
    if mode not in _SAME and not wanted:
        pads = node.ints("pads")
        stated = mode != "VALID" and len(pads) == 2 * rank
        return (pads[:rank], pads[rank:]) if stated else (window.before, window.after)
    if node.op == "ConvTranspose":  # what the convolution of the result would be padded by
        extra = node.ints("output_padding") or (0,) * rank
        out = tuple(n - e for n, e in zip(out, extra, strict=False))
        size, out = out, size
    totals = [
        max((n_out - 1) * step + span - n, 0)
        for n, n_out, step, span in zip(size, out, window.stride, window.spans, strict=False)
    ]
    before = tuple(total - total // 2 if mode == "SAME_LOWER" else total // 2 for total in totals)
    return before, tuple(total - b for total, b in zip(totals, before, strict=True))


def pad_amounts(graph: Graph, node: Node) -> tuple[Shape, Shape]:
    """Return what a `Pad` adds before and after each dimension.

    Numbers that are known only while the model runs are told by how much the result grows.
    """
    source, result = graph.tensors[node.inputs[0]].shape, graph.tensors[node.outputs[0]].shape
    rank = len(source)
    pads = graph.integers(node, "pads", 1)
    axes = graph.integers(node, "axes", 3) or tuple(range(rank))
    if len(pads) == 2 * len(axes):
        before, after = [0] * rank, [0] * rank
        for place, axis in enumerate(axes):
            before[axis], after[axis] = pads[place], pads[place + len(axes)]
        return tuple(before), tuple(after)
    growth = tuple(b - a for a, b in zip(source, result, strict=True))
    half = tuple(g // 2 for g in growth)
    return half, tuple(g - h for g, h in zip(growth, half, strict=True))


def _spatial(call: Call, name: str, rank: int, default: int) -> tuple[int, ...]:
    found = call.integers(name) or (default,) * rank
    if len(found) != rank:
        raise BadNodeError(f"has {len(found)} {name} for {rank} spatial dimensions")
    if any(v < 1 for v in found):
        raise BadNodeError(f"has {name} below 1")
    return found


def _pads(call: Call, rank: int) -> tuple[int, ...] | None:
    """Return `pads`, zeros where there is no padding, or `None` where it follows the result."""
    mode = call.text("auto_pad", "NOTSET")
    if mode in _SAME:
        return None
    if mode == "VALID":
        return (0,) * (2 * rank)
    if mode not in ("NOTSET", ""):
        raise BadNodeError(f"has an unknown auto_pad {mode!r}")
    pads = call.integers("pads") or (0,) * (2 * rank)
    if len(pads) != 2 * rank:
        raise BadNodeError(f"has {len(pads)} pads for {rank} spatial dimensions")
    return pads


def _slid(call: Call, size: Shape, kernel: Shape, *, ceil: bool = False) -> Shape:
    """Return the size of the result of a window that slides over `size`."""
    rank = len(size)
    stride = _spatial(call, "strides", rank, 1)
    dilation = _spatial(call, "dilations", rank, 1)
    pads = _pads(call, rank)
    if pads is None:
        return tuple(-(-n // s) for n, s in zip(size, stride, strict=True))
    result = []
    for axis, (n, k, s, d) in enumerate(zip(size, kernel, stride, dilation, strict=True)):
        room = n + pads[axis] + pads[axis + rank] - (k - 1) * d - 1
        if room < 0:
            span = (k - 1) * d + 1
            raise BadNodeError(
                f"has a window of {span} on a padded input of {room + span}; "
                "give the network a larger input"
            )
        count = (-(-room // s) if ceil else room // s) + 1
        if ceil and (count - 1) * s >= n + pads[axis]:
            count -= 1  # a window must start within the input or its leading padding
        result.append(count)
    return tuple(result)


def _filter(call: Call, data: Operand, weight: Operand) -> tuple[Shape, Shape]:
    """Return spatial size and kernel of a convolution, having checked that they fit."""
    rank = len(data.shape) - 2
    if rank < 1 or len(weight.shape) != rank + 2:
        raise BadNodeError(
            f"convolves an input of {len(data.shape)} dimensions "
            f"with weights of {len(weight.shape)}"
        )
    kernel = call.integers("kernel_shape") or weight.shape[2:]
    if kernel != weight.shape[2:]:
        raise BadNodeError(f"has kernel_shape {kernel} but weights of {text(weight.shape)}")
    if min(kernel) < 1:
        raise BadNodeError("has an empty kernel")
    if call.integer("group", 1) < 1:
        raise BadNodeError("has fewer than one group")
    return data.shape[2:], kernel


def _convolution(call: Call, weight: Operand, dtype: str) -> list[Spec]:
    data = call.value(0)
    size, kernel = _filter(call, data, weight)
    group = call.integer("group", 1)
    if data.shape[1] != weight.shape[1] * group or weight.shape[0] % group:
        raise BadNodeError(
            f"has {data.shape[1]} input channels, weights {text(weight.shape)} "
            f"and {group} groups, which do not fit"
        )
    return [((data.shape[0], weight.shape[0], *_slid(call, size, kernel)), dtype)]


def _conv(call: Call) -> list[Spec]:
    """`Conv`, `DeformConv` and `ConvInteger`."""
    weight = call.value(1)
    if call.op == "ConvInteger":
        return _convolution(call, weight, "int32")
    specs = _convolution(call, weight, call.value(0).dtype)
    call.vector(3 if call.op == "DeformConv" else 2, weight.shape[:1], "bias")
    return specs


def _qlinear_conv(call: Call) -> list[Spec]:
    """`QLinearConv`: data, its scale and zero point, weights and theirs, the output's."""
    dtype = call.value(7).dtype if call.has(7) else call.value(0).dtype
    return _convolution(call, call.value(3), dtype)


def _conv_transpose(call: Call) -> list[Spec]:
    data, weight = call.value(0), call.value(1)
    size, kernel = _filter(call, data, weight)
    if data.shape[1] != weight.shape[0]:
        raise BadNodeError(f"has {data.shape[1]} input channels and weights {text(weight.shape)}")
    channels = weight.shape[1] * call.integer("group", 1)
    call.vector(2, (channels,), "bias")
    rank = len(size)
    stride = _spatial(call, "strides", rank, 1)
    dilation = _spatial(call, "dilations", rank, 1)
    extra = call.integers("output_padding") or (0,) * rank
    wanted = call.integers("output_shape")
    if len(extra) != rank or (wanted is not None and len(wanted) < rank):
        raise BadNodeError("has an output_padding or output_shape of the wrong length")
    pads = _pads(call, rank)
    if wanted is not None:
        result = wanted[-rank:]
    elif pads is None:
        result = tuple(n * s for n, s in zip(size, stride, strict=True))
    else:
        result = tuple(
            s * (n - 1) + e + (k - 1) * d + 1 - pads[i] - pads[i + rank]
            for i, (n, k, s, d, e) in enumerate(
                zip(size, kernel, stride, dilation, extra, strict=True)
            )
        )
    if any(length < 1 for length in result):
        raise BadNodeError(f"makes an output of {result}")
    return [((data.shape[0], channels, *result), data.dtype)]


def _pool(call: Call) -> list[Spec]:
    data = call.value(0)
    if len(data.shape) < 3:
        raise BadNodeError(f"pools an input of {len(data.shape)} dimensions")
    size = data.shape[2:]
    # an adaptive pooling says its result's size (GraphBuilder.adaptive_avg_pool)
    out = call.integers("output_size") or _slid(
        call,
        size,
        _spatial(call, "kernel_shape", len(size), 0),
        ceil=bool(call.integer("ceil_mode", 0)),
    )
    shape = (*data.shape[:2], *out)
    return [(shape, data.dtype), (shape, "int64")][: max(call.outputs, 1)]


def _global_pool(call: Call) -> list[Spec]:
    data = call.value(0)
    if len(data.shape) < 3:
        raise BadNodeError(f"pools an input of {len(data.shape)} dimensions")
    return [((*data.shape[:2], *(1,) * (len(data.shape) - 2)), data.dtype)]


RULES: dict[str, Rule] = {
    "Conv": _conv, "ConvInteger": _conv, "DeformConv": _conv,
    "QLinearConv": _qlinear_conv, "ConvTranspose": _conv_transpose,
    "MaxPool": _pool, "AveragePool": _pool, "LpPool": _pool, "QLinearAveragePool": _pool,
    "GlobalAveragePool": _global_pool, "GlobalMaxPool": _global_pool,
    "GlobalLpPool": _global_pool, "QLinearGlobalAveragePool": _global_pool,
}  # fmt: skip
