"""MobileNetV4 of convolutions (Qin et al., https://arxiv.org/abs/2404.10518), named as in timm.

A block of the tables is `first depthwise kernel, second one, stride, expansion, channels`, 0 for
a depthwise convolution that is not there: the paper's universal inverted bottleneck.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.blocks import divisible
from edgeprofiler.reading.zoo.family import Entry

Block = tuple[int, int, int, float, int]


@dataclass(frozen=True)
class _Plan:
    stem: int
    early: tuple[tuple[int, int], ...]
    """Of each stage of a 3x3 convolution with stride 2 and a 1x1 one: channels of both. Where there
    is but one, its second convolution has no activation: a fused bottleneck."""
    stages: tuple[tuple[Block, ...], ...]


_SMALL = _Plan(32, ((32, 32), (96, 64)), (
    ((5, 5, 2, 3, 96), *((0, 3, 1, 2, 96),) * 4, (3, 0, 1, 4, 96)),
    (
        (3, 3, 2, 6, 128), (5, 5, 1, 4, 128), (0, 5, 1, 4, 128), (0, 5, 1, 3, 128),
        *((0, 3, 1, 4, 128),) * 2,
    ),
))  # fmt: skip
_MEDIUM = _Plan(32, ((128, 48),), (
    ((3, 5, 2, 4, 80), (3, 3, 1, 2, 80)),
    (
        (3, 5, 2, 6, 160), *((3, 3, 1, 4, 160),) * 2, (3, 5, 1, 4, 160), (3, 3, 1, 4, 160),
        (3, 0, 1, 4, 160), (0, 0, 1, 2, 160), (3, 0, 1, 4, 160),
    ),
    (
        (5, 5, 2, 6, 256), (5, 5, 1, 4, 256), *((3, 5, 1, 4, 256),) * 2, (0, 0, 1, 4, 256),
        (3, 0, 1, 4, 256), (3, 5, 1, 2, 256), (5, 5, 1, 4, 256), *((0, 0, 1, 4, 256),) * 2,
        (5, 0, 1, 2, 256),
    ),
))  # fmt: skip
_LARGE = _Plan(24, ((96, 48),), (
    ((3, 5, 2, 4, 96), (3, 3, 1, 4, 96)),
    (
        (3, 5, 2, 4, 192), *((3, 3, 1, 4, 192),) * 3, (3, 5, 1, 4, 192),
        *((5, 3, 1, 4, 192),) * 5, (3, 0, 1, 4, 192),
    ),
    (
        (5, 5, 2, 4, 512), *((5, 5, 1, 4, 512),) * 3, (5, 0, 1, 4, 512), (5, 3, 1, 4, 512),
        *((5, 0, 1, 4, 512),) * 2, (5, 3, 1, 4, 512), (5, 5, 1, 4, 512),
        *((5, 0, 1, 4, 512),) * 3,
    ),
))  # fmt: skip


def _conv(
    g: GraphBuilder, x: str, channels: int, kernel: int, name: str, *, stride: int = 1, act: bool
) -> str:
    with g.scope(name):
        x = g.bn(g.conv(x, channels, kernel, stride=stride, name="conv"), name="bn")
        return g.relu(x) if act else x


def _depthwise(g: GraphBuilder, x: str, kernel: int, stride: int, name: str, *, act: bool) -> str:
    channels = g.channels(x)
    with g.scope(name):
        x = g.conv(x, channels, kernel, stride=stride, groups=channels, name="conv")
        x = g.bn(x, name="bn")
        return g.relu(x) if act else x


def _bottleneck(g: GraphBuilder, x: str, block: Block) -> str:
    first, second, stride, expansion, channels = block
    y = x
    if first:
        y = _depthwise(g, y, first, 1 if second else stride, "dw_start", act=False)
    y = _conv(g, y, divisible(g.channels(x) * expansion), 1, "pw_exp", act=True)
    if second:
        y = _depthwise(g, y, second, stride, "dw_mid", act=True)
    y = _conv(g, y, channels, 1, "pw_proj", act=False)
    return g.add(y, x) if stride == 1 and g.channels(x) == channels else y


def _mobilenetv4(g: GraphBuilder, x: str, classes: int, *, plan: _Plan) -> str:
    x = _conv(g, x, plan.stem, 3, "conv_stem", stride=2, act=True)
    for stage, (inner, channels) in enumerate(plan.early):
        with g.scope(f"blocks.{stage}"):
            x = _conv(g, x, inner, 3, "0", stride=2, act=True)
            x = _conv(g, x, channels, 1, "1", act=len(plan.early) > 1)
    for stage, blocks in enumerate(plan.stages, len(plan.early)):
        for index, block in enumerate(blocks):
            with g.scope(f"blocks.{stage}.{index}"):
                x = _bottleneck(g, x, block)
    x = _conv(g, x, 960, 1, "blocks.last", act=True)
    x = g.global_avg_pool(x, name="global_pool")
    x = _conv(g, x, 1280, 1, "conv_head", act=True)
    return g.linear(g.flatten(x), classes, name="classifier")


MOBILENETV4S: dict[str, Entry] = {
    f"mobilenetv4_conv_{name}": Entry(partial(_mobilenetv4, plan=plan), resolution)
    for name, plan, resolution in (
        ("small", _SMALL, 224), ("medium", _MEDIUM, 256), ("large", _LARGE, 384),
    )
}  # fmt: skip
