"""EfficientNet B0 to B7, as in torchvision (Tan and Le, https://arxiv.org/abs/1905.11946)."""

from __future__ import annotations

import math
from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder, part
from edgeprofiler.reading.zoo.blocks import (
    conv_bn_act,
    depthwise_bn_act,
    divisible,
    squeeze_excite,
)
from edgeprofiler.reading.zoo.family import Entry

_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
"""Of B0: expansion, kernel, stride, channels, depth."""


@part
def _block(
    g: GraphBuilder, x: str, channels: int, kernel: int, stride: int, expand: int, name: str
) -> str:
    with g.scope(f"{name}.block"):
        y, first = x, 0
        expanded = divisible(g.channels(x) * expand)
        if expanded != g.channels(x):
            y = conv_bn_act(g, y, expanded, 1, "silu", name="0")
            first = 1
        y = depthwise_bn_act(g, y, kernel, "silu", stride=stride, name=f"{first}")
        squeezed = max(1, g.channels(x) // 4)
        y = squeeze_excite(g, y, squeezed, "silu", "sigmoid", name=f"{first + 1}")
        y = conv_bn_act(g, y, channels, 1, None, name=f"{first + 2}")
    if stride == 1 and g.channels(x) == channels:
        y = g.add(y, x, name=f"{name}.add")
    return y


def _efficientnet(g: GraphBuilder, x: str, classes: int, *, width: float, depth: float) -> str:
    x = conv_bn_act(g, x, divisible(32 * width), 3, "silu", stride=2, name="features.0")
    for stage, (expand, kernel, first_stride, channels, count) in enumerate(_STAGES, 1):
        for index in range(math.ceil(count * depth)):
            stride = 1 if index else first_stride
            name = f"features.{stage}.{index}"
            x = _block(g, x, divisible(channels * width), kernel, stride, expand, name)
    x = conv_bn_act(g, x, 4 * g.channels(x), 1, "silu", name="features.8")
    x = g.flatten(g.global_avg_pool(x, name="avgpool"))
    return g.linear(x, classes, name="classifier.1")


EFFICIENTNETS: dict[str, Entry] = {
    f"efficientnet_b{number}": Entry(
        partial(_efficientnet, width=width, depth=depth), resolution, open=("width", "depth")
    )
    for number, (width, depth, resolution) in enumerate(
        (
            (1.0, 1.0, 224),
            (1.0, 1.1, 240),
            (1.1, 1.2, 288),
            (1.2, 1.4, 300),
            (1.4, 1.8, 380),
            (1.6, 2.2, 456),
            (1.8, 2.6, 528),
            (2.0, 3.1, 600),
        )
    )
}
