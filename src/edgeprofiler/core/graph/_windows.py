"""Shape rules of operators that slide a window: convolutions and poolings."""

from __future__ import annotations

from edgeprofiler.core.graph._rule import Inputs, Rule, fail, optional, tensor
from edgeprofiler.core.graph.graph import Node, Shape


def _window(
    node: Node, spatial: Shape, kernel: Shape, *, ceil_mode: bool = False
) -> tuple[int, ...]:
    rank = len(spatial)
    if len(kernel) != rank:
        fail(node, f"a kernel of {len(kernel)} dimensions on {rank} spatial ones")
    ones = (1,) * rank
    strides = node.ints("strides", ones) or ones
    dilations = node.ints("dilations", ones) or ones
    pads = node.ints("pads", (0,) * (2 * rank)) or (0,) * (2 * rank)
    if len(strides) != rank or len(dilations) != rank or len(pads) != 2 * rank:
        fail(node, f"strides, dilations or pads do not fit {rank} spatial dimensions")
    if min(strides) < 1 or min(dilations) < 1 or min(kernel) < 1:
        fail(node, "kernel, strides and dilations must be 1 or more")
    auto_pad = node.attributes.get("auto_pad", "NOTSET")
    result = []
    for place, (size, width, stride, dilation) in enumerate(
        zip(spatial, kernel, strides, dilations, strict=True)
    ):
        extent = dilation * (width - 1) + 1
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            result.append(-(-size // stride))
            continue
        before, after = (0, 0) if auto_pad == "VALID" else (pads[place], pads[place + rank])
        room = size + before + after - extent
        if room < 0:
            fail(
                node,
                f"a window of {extent} does not fit a dimension of {size} with its padding",
                "give the network a larger input",
            )
        count = (-(-room // stride) if ceil_mode else room // stride) + 1
        # a window that would start in the padding behind the data is dropped
        if ceil_mode and (count - 1) * stride >= size + before:
            count -= 1
        result.append(count)
    return tuple(result)


def _conv(node: Node, inputs: Inputs) -> list[Shape]:
    shape, weight = tensor(node, inputs, 0).shape, tensor(node, inputs, 1).shape
    if len(shape) != len(weight) or len(shape) < 3:
        fail(node, f"a filter of shape {weight} does not fit an input of shape {shape}")
    group = node.integer("group", 1)
    if group < 1 or weight[1] * group != shape[1] or weight[0] % group:
        fail(
            node,
            f"{shape[1]} input channels do not fit a filter of {weight[0]} by {weight[1]} "
            f"channels in {group} group(s)",
        )
    _check_vector(node, inputs, 2, weight[0], "bias")
    kernel = node.ints("kernel_shape", weight[2:])
    if kernel != weight[2:]:
        fail(node, f"kernel_shape {kernel} is not that of its weights, {weight[2:]}")
    return [(shape[0], weight[0], *_window(node, shape[2:], kernel))]


def _quantized_conv(node: Node, inputs: Inputs) -> list[Shape]:
    # scales and zero points stand between the operands of Conv
    data, weight = (0, 1) if node.op == "ConvInteger" else (0, 3)
    return _conv(node, (tensor(node, inputs, data), tensor(node, inputs, weight)))


def _conv_transpose(node: Node, inputs: Inputs) -> list[Shape]:
    shape, weight = tensor(node, inputs, 0).shape, tensor(node, inputs, 1).shape
    if len(shape) != len(weight) or len(shape) < 3:
        fail(node, f"a filter of shape {weight} does not fit an input of shape {shape}")
    if weight[0] != shape[1]:
        fail(node, f"{shape[1]} input channels do not fit a filter of {weight[0]} channels")
    rank = len(shape) - 2
    channels = weight[1] * node.integer("group", 1)
    _check_vector(node, inputs, 2, channels, "bias")
    given = node.ints("output_shape")
    if given:
        return [(shape[0], channels, *given[-rank:])]
    ones, zeros = (1,) * rank, (0,) * rank
    strides = node.ints("strides", ones)
    dilations = node.ints("dilations", ones)
    extra = node.ints("output_padding", zeros)
    pads = node.ints("pads", zeros * 2)
    if not len(strides) == len(dilations) == len(extra) == len(pads) // 2 == rank:
        fail(node, f"strides, dilations or pads do not fit {rank} spatial dimensions")
    same = node.attributes.get("auto_pad", "NOTSET") in ("SAME_UPPER", "SAME_LOWER")
    spatial = tuple(
        size * strides[i]
        if same
        else (size - 1) * strides[i]
        + extra[i]
        + (weight[i + 2] - 1) * dilations[i]
        + 1
        - pads[i]
        - pads[i + rank]
        for i, size in enumerate(shape[2:])
    )
    if min(spatial, default=1) < 1:
        fail(node, f"an output of shape {spatial}")
    return [(shape[0], channels, *spatial)]


def _check_vector(node: Node, inputs: Inputs, index: int, length: int, what: str) -> None:
    vector = optional(inputs, index)
    if vector is not None and vector.shape != (length,):
        fail(node, f"a {what} of shape {vector.shape} for {length} channels")


def _pool(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    kernel = node.ints("kernel_shape")
    if len(shape) < 3:
        fail(node, f"an input of shape {shape} has no spatial dimensions")
    # an adaptive pooling says its result's size (GraphBuilder.adaptive_avg_pool)
    spatial = node.ints("output_size") or _window(
        node, shape[2:], kernel, ceil_mode=bool(node.integer("ceil_mode"))
    )
    result: Shape = (*shape[:2], *spatial)
    return [result] * len(node.outputs)


def _global_pool(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    if len(shape) < 3:
        fail(node, f"an input of shape {shape} has no spatial dimensions")
    return [(*shape[:2], *(1,) * (len(shape) - 2))]


def _per_channel(node: Node, inputs: Inputs) -> list[Shape]:
    shape = tensor(node, inputs, 0).shape
    channels = shape[1] if len(shape) > 1 else 1
    for index in range(1, len(inputs)):
        _check_vector(node, inputs, index, channels, "parameter")
    # while training, batch normalisation gives out the running statistics too
    return [shape, *[(channels,)] * (len(node.outputs) - 1)]


WINDOW_RULES: dict[str, Rule] = {
    "Conv": _conv,
    "ConvInteger": _quantized_conv,
    "QLinearConv": _quantized_conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "LpPool": _pool,
    "QLinearAveragePool": _pool,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "GlobalLpPool": _global_pool,
    "QLinearGlobalAveragePool": _global_pool,
    "BatchNormalization": _per_channel,
    "InstanceNormalization": _per_channel,
}
