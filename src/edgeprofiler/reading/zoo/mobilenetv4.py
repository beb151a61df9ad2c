"""MobileNetV4 (Qin et al., https://arxiv.org/abs/2404.10518), named as in timm.

A block of the tables is `first depthwise kernel, second one, stride, expansion, channels`, 0 for
a depthwise convolution that is not there: the paper's universal inverted bottleneck. The hybrid
networks have attention of one key for all heads between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.blocks import divisible
from edgeprofiler.reading.zoo.family import Entry

Block = tuple[int, int, int, float, int]


class _Attention(NamedTuple):
    """Attention of many heads that share a key and a value (section 4 of the paper)."""

    heads: int
    width: int
    """Of a query, the key and the value."""
    stride: int = 1
    """Of the depthwise convolutions that make key and value smaller; 1 without them."""


@dataclass(frozen=True)
class _Plan:
    stem: int
    early: tuple[tuple[int, int], ...]
    """Of each stage of a 3x3 convolution with stride 2 and a 1x1 one: channels of both. Where there
    is but one, its second convolution has no activation: a fused bottleneck."""
    stages: tuple[tuple[Block | _Attention, ...], ...]
    act: str = "relu"
    scaled: bool = False
    """Whether a learned factor a channel ends each block, as where blocks of attention are."""


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

_NARROW, _WIDE = _Attention(4, 64), _Attention(8, 64)
_NARROW_HALVED, _WIDE_HALVED = _Attention(4, 64, 2), _Attention(8, 48, 2)
_HYBRID_MEDIUM = _Plan(32, ((128, 48),), (
    ((3, 5, 2, 4, 80), (3, 3, 1, 2, 80)),
    (
        (3, 5, 2, 6, 160), (0, 0, 1, 2, 160), (3, 3, 1, 4, 160), (3, 5, 1, 4, 160), _NARROW_HALVED,
        (3, 3, 1, 4, 160), _NARROW_HALVED, (3, 0, 1, 4, 160), _NARROW_HALVED, (3, 3, 1, 4, 160),
        _NARROW_HALVED, (3, 0, 1, 4, 160),
    ),
    (
        (5, 5, 2, 6, 256), (5, 5, 1, 4, 256), *((3, 5, 1, 4, 256),) * 2, (0, 0, 1, 2, 256),
        (3, 5, 1, 2, 256), (0, 0, 1, 2, 256), (0, 0, 1, 4, 256), _NARROW, (3, 0, 1, 4, 256),
        _NARROW, (5, 5, 1, 4, 256), _NARROW, (5, 0, 1, 4, 256), _NARROW, (5, 0, 1, 4, 256),
    ),
), scaled=True)  # fmt: skip
_HYBRID_LARGE = _Plan(24, ((96, 48),), (
    ((3, 5, 2, 4, 96), (3, 3, 1, 4, 96)),
    (
        (3, 5, 2, 4, 192), *((3, 3, 1, 4, 192),) * 3, (3, 5, 1, 4, 192),
        *((5, 3, 1, 4, 192),) * 2, *(_WIDE_HALVED, (5, 3, 1, 4, 192)) * 3, _WIDE_HALVED,
        (3, 0, 1, 4, 192),
    ),
    (
        (5, 5, 2, 4, 512), *((5, 5, 1, 4, 512),) * 3, (5, 0, 1, 4, 512), (5, 3, 1, 4, 512),
        *((5, 0, 1, 4, 512),) * 2, (5, 3, 1, 4, 512), (5, 5, 1, 4, 512),
        *(_WIDE, (5, 0, 1, 4, 512)) * 4,
    ),
), act="gelu", scaled=True)  # fmt: skip


def _conv(
    g: GraphBuilder, x: str, channels: int, kernel: int, name: str, *, stride: int = 1, act: str
) -> str:
    with g.scope(name):
        x = g.bn(g.conv(x, channels, kernel, stride=stride, name="conv"), name="bn")
        return g.act(x, act) if act else x


def _depthwise(g: GraphBuilder, x: str, kernel: int, stride: int, name: str, *, act: str) -> str:
    channels = g.channels(x)
    with g.scope(name):
        x = g.conv(x, channels, kernel, stride=stride, groups=channels, name="conv")
        x = g.bn(x, name="bn")
        return g.act(x, act) if act else x


def _bottleneck(g: GraphBuilder, x: str, block: Block, plan: _Plan) -> str:
    first, second, stride, expansion, channels = block
    y = x
    if first:
        y = _depthwise(g, y, first, 1 if second else stride, "dw_start", act="")
    y = _conv(g, y, divisible(g.channels(x) * expansion), 1, "pw_exp", act=plan.act)
    if second:
        y = _depthwise(g, y, second, stride, "dw_mid", act=plan.act)
    y = _conv(g, y, channels, 1, "pw_proj", act="")
    if plan.scaled:
        y = g.scale(y, (channels, 1, 1), name="layer_scale")
    return g.add(y, x) if stride == 1 and g.channels(x) == channels else y


def _shared(g: GraphBuilder, x: str, block: _Attention, name: str) -> str:
    """Return the one key or value of all heads: batch x 1 x width x positions."""
    if block.stride > 1:
        x = _depthwise(g, x, 3, block.stride, f"{name}.down", act="")
    x = g.conv(x, block.width, 1, name=f"{name}.proj")
    return g.reshape(x, (0, 1, block.width, -1), name=f"{name}.positions")


def _attend(g: GraphBuilder, x: str, block: _Attention) -> str:
    heads, width, _ = block
    channels = g.channels(x)
    y = g.bn(x, name="norm")
    query = g.conv(y, heads * width, 1, name="query.proj")
    query = g.permute(g.reshape(query, (0, heads, width, -1)), (0, 1, 3, 2))
    query = g.mul(query, g.number("scale", (width**-0.5,)))
    scores = g.node("MatMul", (query, _shared(g, y, block, "key")), "scores")
    value = g.permute(_shared(g, y, block, "value"), (0, 1, 3, 2))
    mixed = g.permute(g.node("MatMul", (g.softmax(scores), value), "mix"), (0, 1, 3, 2))
    image = (0, heads * width, g.size(x, 2), g.size(x, 3))
    y = g.conv(g.reshape(mixed, image, name="image"), channels, 1, name="output.proj")
    return g.add(g.scale(y, (channels, 1, 1), name="layer_scale"), x)


def _mobilenetv4(g: GraphBuilder, x: str, classes: int, *, plan: _Plan) -> str:
    act = plan.act
    x = _conv(g, x, plan.stem, 3, "conv_stem", stride=2, act=act)
    for stage, (inner, channels) in enumerate(plan.early):
        with g.scope(f"blocks.{stage}"):
            x = _conv(g, x, inner, 3, "0", stride=2, act=act)
            x = _conv(g, x, channels, 1, "1", act=act if len(plan.early) > 1 else "")
    for stage, blocks in enumerate(plan.stages, len(plan.early)):
        for index, block in enumerate(blocks):
            with g.scope(f"blocks.{stage}.{index}"):
                if isinstance(block, _Attention):
                    x = _attend(g, x, block)
                else:
                    x = _bottleneck(g, x, block, plan)
    x = _conv(g, x, 960, 1, "blocks.last", act=act)
    x = g.global_avg_pool(x, name="global_pool")
    x = _conv(g, x, 1280, 1, "conv_head", act=act)
    return g.linear(g.flatten(x), classes, name="classifier")


MOBILENETV4S: dict[str, Entry] = {
    f"mobilenetv4_{name}": Entry(partial(_mobilenetv4, plan=plan), resolution)
    for name, plan, resolution in (
        ("conv_small", _SMALL, 224), ("conv_medium", _MEDIUM, 256), ("conv_large", _LARGE, 384),
        ("hybrid_medium", _HYBRID_MEDIUM, 256), ("hybrid_large", _HYBRID_LARGE, 384),
    )
}  # fmt: skip
