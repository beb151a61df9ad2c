"""GhostNet (Han et al., https://arxiv.org/abs/1911.11907), named as in timm."""

from __future__ import annotations

import math
from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.blocks import divisible, squeeze_excite
from edgeprofiler.reading.zoo.family import Entry

_STAGES = (
    ((3, 16, 16, False, 1),),
    ((3, 48, 24, False, 2),),
    ((3, 72, 24, False, 1),),
    ((5, 72, 40, True, 2),),
    ((5, 120, 40, True, 1),),
    ((3, 240, 80, False, 2),),
    (
        (3, 200, 80, False, 1), (3, 184, 80, False, 1), (3, 184, 80, False, 1),
        (3, 480, 112, True, 1), (3, 672, 112, True, 1),
    ),
    ((5, 672, 160, True, 2),),
    (
        (5, 960, 160, False, 1), (5, 960, 160, True, 1), (5, 960, 160, False, 1),
        (5, 960, 160, True, 1),
    ),
)  # fmt: skip
"""kernel, expanded channels, channels, squeeze-and-excite, stride of each block"""


def _ghost(g: GraphBuilder, x: str, channels: int, name: str, *, relu: bool) -> str:
    """Compute half of the channels, and the others from them by depthwise convolutions."""
    with g.scope(name):
        half = math.ceil(channels / 2)
        x = g.bn(g.conv(x, half, 1, name="primary_conv.0"), name="primary_conv.1")
        x = g.relu(x, name="primary_conv.2") if relu else x
        y = g.bn(
            g.conv(x, half, 3, groups=half, name="cheap_operation.0"), name="cheap_operation.1"
        )
        y = g.relu(y, name="cheap_operation.2") if relu else y
        return g.concat(x, y)


def _depthwise(g: GraphBuilder, x: str, kernel: int, stride: int, name: str, norm: str) -> str:
    channels = g.channels(x)
    return g.bn(g.conv(x, channels, kernel, stride=stride, groups=channels, name=name), name=norm)


def _block(
    g: GraphBuilder, x: str, kernel: int, wide: int, channels: int, squeeze: bool, stride: int
) -> str:
    y = _ghost(g, x, wide, "ghost1", relu=True)
    if stride > 1:
        y = _depthwise(g, y, kernel, stride, "conv_dw", "bn_dw")
    if squeeze:
        y = squeeze_excite(g, y, divisible(wide * 0.25, 4), "relu", "hardsigmoid", name="se")
    y = _ghost(g, y, channels, "ghost2", relu=False)
    if stride > 1 or g.channels(x) != channels:
        x = _depthwise(g, x, kernel, stride, "shortcut.0", "shortcut.1")
        x = g.bn(g.conv(x, channels, 1, name="shortcut.2"), name="shortcut.3")
    return g.add(y, x)


def _ghostnet(g: GraphBuilder, x: str, classes: int, *, width: float) -> str:
    x = g.conv(x, divisible(16 * width, 4), 3, stride=2, name="conv_stem")
    x = g.relu(g.bn(x, name="bn1"), name="act1")
    for stage, blocks in enumerate(_STAGES):
        for index, (kernel, wide, channels, squeeze, stride) in enumerate(blocks):
            with g.scope(f"blocks.{stage}.{index}"):
                sizes = divisible(wide * width, 4), divisible(channels * width, 4)
                x = _block(g, x, kernel, *sizes, squeeze, stride)
    with g.scope(f"blocks.{len(_STAGES)}.0"):
        x = g.relu(g.bn(g.conv(x, divisible(960 * width, 4), 1, name="conv"), name="bn1"))
    x = g.global_avg_pool(x, name="global_pool")
    x = g.relu(g.conv(x, 1280, 1, bias=True, name="conv_head"), name="act2")
    return g.linear(g.flatten(x), classes, name="classifier")


GHOSTNETS: dict[str, Entry] = {
    f"ghostnet_{round(100 * width):03}": Entry(partial(_ghostnet, width=width))
    for width in (0.5, 1.0, 1.3)
}
