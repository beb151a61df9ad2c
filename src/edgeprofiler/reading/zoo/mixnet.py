"""MixNet S, M and L: depthwise convolutions of several kernel sizes side by side.

Tan and Le, https://arxiv.org/abs/1907.09595, in the PyTorch form with symmetric padding.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.blocks import conv_bn_act, divisible, squeeze_excite
from edgeprofiler.reading.zoo.family import Entry


class _Stage(NamedTuple):
    depth: int
    kernels: tuple[int, ...]
    expand_groups: int
    project_groups: int
    stride: int
    expand: int
    channels: int
    squeeze: int
    """Input channels over squeezed channels; 0 for no squeeze-and-excite."""
    act: str = "silu"


_S = (
    _Stage(1, (3,), 1, 1, 1, 1, 16, 0, "relu"),
    _Stage(1, (3,), 2, 2, 2, 6, 24, 0, "relu"),
    _Stage(1, (3,), 2, 2, 1, 3, 24, 0, "relu"),
    _Stage(1, (3, 5, 7), 1, 1, 2, 6, 40, 2),
    _Stage(3, (3, 5), 2, 2, 1, 6, 40, 2),
    _Stage(1, (3, 5, 7), 1, 2, 2, 6, 80, 4),
    _Stage(2, (3, 5), 1, 2, 1, 6, 80, 4),
    _Stage(1, (3, 5, 7), 2, 2, 1, 6, 120, 2),
    _Stage(2, (3, 5, 7, 9), 2, 2, 1, 3, 120, 2),
    _Stage(1, (3, 5, 7, 9, 11), 1, 1, 2, 6, 200, 2),
    _Stage(2, (3, 5, 7, 9), 1, 2, 1, 6, 200, 2),
)
_M = (
    _Stage(1, (3,), 1, 1, 1, 1, 24, 0, "relu"),
    _Stage(1, (3, 5, 7), 2, 2, 2, 6, 32, 0, "relu"),
    _Stage(1, (3,), 2, 2, 1, 3, 32, 0, "relu"),
    _Stage(1, (3, 5, 7, 9), 1, 1, 2, 6, 40, 2),
    _Stage(3, (3, 5), 2, 2, 1, 6, 40, 2),
    _Stage(1, (3, 5, 7), 1, 1, 2, 6, 80, 4),
    _Stage(3, (3, 5, 7, 9), 2, 2, 1, 6, 80, 4),
    _Stage(1, (3,), 1, 1, 1, 6, 120, 2),
    _Stage(3, (3, 5, 7, 9), 2, 2, 1, 3, 120, 2),
    _Stage(1, (3, 5, 7, 9), 1, 1, 2, 6, 200, 2),
    _Stage(3, (3, 5, 7, 9), 1, 2, 1, 6, 200, 2),
)


def _shares(channels: int, parts: int) -> tuple[int, ...]:
    share = channels // parts
    return (channels - share * (parts - 1), *(share,) * (parts - 1))


def _pointwise(g: GraphBuilder, x: str, channels: int, groups: int, *, name: str) -> str:
    if groups == 1:
        return g.conv(x, channels, 1, name=name)
    with g.scope(name):
        parts = g.split(x, _shares(g.channels(x), groups))
        made = [
            g.conv(part, share, 1, name=str(index))
            for index, (part, share) in enumerate(
                zip(parts, _shares(channels, groups), strict=True)
            )
        ]
        return g.concat(*made)


def _mixed_depthwise(
    g: GraphBuilder, x: str, kernels: tuple[int, ...], stride: int, *, name: str
) -> str:
    channels = g.channels(x)
    if len(kernels) == 1:
        return g.conv(x, channels, kernels[0], stride=stride, groups=channels, name=name)
    with g.scope(name):
        parts = g.split(x, _shares(channels, len(kernels)))
        made = [
            g.conv(
                part,
                g.channels(part),
                kernel,
                stride=stride,
                groups=g.channels(part),
                name=str(index),
            )
            for index, (part, kernel) in enumerate(zip(parts, kernels, strict=True))
        ]
        return g.concat(*made)


def _block(g: GraphBuilder, x: str, channels: int, stride: int, stage: _Stage) -> str:
    y = x
    if stage.expand != 1:
        y = _pointwise(g, y, g.channels(x) * stage.expand, stage.expand_groups, name="conv_pw")
        y = g.act(g.bn(y, name="bn1"), stage.act, name="act1")
    y = _mixed_depthwise(g, y, stage.kernels, stride, name="conv_dw")
    y = g.act(g.bn(y, name="bn2"), stage.act, name="act2")
    if stage.squeeze:
        squeezed = round(g.channels(x) / stage.squeeze)
        y = squeeze_excite(g, y, squeezed, stage.act, "sigmoid", name="se")
    y = g.bn(_pointwise(g, y, channels, stage.project_groups, name="conv_pwl"), name="bn3")
    return g.add(y, x) if stride == 1 and g.channels(x) == channels else y


def _mixnet(
    g: GraphBuilder, x: str, classes: int, *, stem: int, stages: tuple[_Stage, ...], width: float
) -> str:
    x = conv_bn_act(g, x, divisible(stem * width), 3, "relu", stride=2, name="stem")
    place = 0
    for stage in stages:
        for index in range(stage.depth):
            with g.scope(f"blocks.{place}"):
                stride = 1 if index else stage.stride
                x = _block(g, x, divisible(stage.channels * width), stride, stage)
            place += 1
    x = conv_bn_act(g, x, 1536, 1, "relu", name="head")
    x = g.flatten(g.global_avg_pool(x, name="avgpool"))
    return g.linear(x, classes, name="classifier")


MIXNETS: dict[str, Entry] = {
    "mixnet_s": Entry(partial(_mixnet, stem=16, stages=_S, width=1.0)),
    "mixnet_m": Entry(partial(_mixnet, stem=24, stages=_M, width=1.0)),
    "mixnet_l": Entry(partial(_mixnet, stem=24, stages=_M, width=1.3)),
}
