"""Kernels, strides, dilations and paddings of nodes, from attributes and shapes."""

from __future__ import annotations

from edgeprofiler.core.graph import Graph, Node, Shape


def window(node: Node, source: Shape, weight: Shape = ()) -> tuple[Shape, Shape, Shape]:
    """Return kernel, stride and dilation, one number a spatial dimension."""
    rank = max(len(source) - 2, 0)
    kernel = node.ints("kernel_shape") or weight[2:] or (1,) * rank
    stride = node.ints("strides") or (1,) * len(kernel)
    dilation = node.ints("dilations") or (1,) * len(kernel)
    return tuple(kernel), tuple(stride), tuple(dilation)


def window_padding(node: Node, source: Shape, result: Shape, spans: Shape) -> tuple[Shape, Shape]:
    """Return the padding before and after each spatial dimension.

    Args:
        spans: input positions that a window covers (dilation included).
        result: output shape; `auto_pad` asks for what it needs.
    """
    rank = len(spans)
    pads = node.ints("pads")
    if len(pads) == 2 * rank:
        return pads[:rank], pads[rank:]
    mode = str(node.attributes.get("auto_pad", "NOTSET"))
    if not mode.startswith("SAME"):
        return (0,) * rank, (0,) * rank
    stride = node.ints("strides") or (1,) * rank
    before, after = [], []
    for size, out, step, span in zip(source[2:], result[2:], stride, spans, strict=False):
        total = max((out - 1) * step + span - size, 0)
        small = total // 2
        before.append(small if mode == "SAME_UPPER" else total - small)
        after.append(total - before[-1])
    return tuple(before), tuple(after)


def paddings(node: Node, graph: Graph) -> tuple[Shape, Shape]:
    """Return what a Pad node adds before and after each dimension."""
    source, result = graph.tensors[node.inputs[0]].shape, graph.tensors[node.outputs[0]].shape
    rank = len(source)
    pads = node.ints("pads") or node.ints("paddings")
    if not pads and len(node.inputs) > 1:
        constant = graph.tensors.get(node.inputs[1])
        if constant is not None and constant.value is not None:
            pads = tuple(int(v) for v in constant.value)
    if len(pads) == 2 * rank:
        return pads[:rank], pads[rank:]
    growth = tuple(b - a for a, b in zip(source, result, strict=True))
    before = tuple(g // 2 for g in growth)
    return before, tuple(g - b for g, b in zip(growth, before, strict=True))
