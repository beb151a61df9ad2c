"""MobileNet V2 and V3, and MNASNet, as in torchvision.

Sandler et al., https://arxiv.org/abs/1801.04381; Howard et al., https://arxiv.org/abs/1905.02244;
Tan et al., https://arxiv.org/abs/1807.11626.
"""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder, part
from edgeprofiler.reading.zoo.blocks import (
    conv_bn_act,
    depthwise_bn_act,
    divisible,
    squeeze_excite,
)
from edgeprofiler.reading.zoo.family import Entry


@part
def _v2_block(g: GraphBuilder, x: str, channels: int, expand: int, stride: int, place: int) -> str:
    with g.scope(f"features.{place}.conv"):
        y, first = x, 0
        if expand != 1:
            y = conv_bn_act(g, y, g.channels(y) * expand, 1, "relu6", name="0")
            first = 1
        y = depthwise_bn_act(g, y, 3, "relu6", stride=stride, name=f"{first}")
        y = g.bn(g.conv(y, channels, 1, name=f"{first + 1}"), name=f"{first + 2}")
    if stride == 1 and g.channels(x) == channels:
        y = g.add(x, y, name=f"features.{place}.add")
    return y


def _mobilenet_v2(
    g: GraphBuilder, x: str, classes: int, *, width: float, depths: tuple[int, ...]
) -> str:
    x = conv_bn_act(g, x, divisible(32 * width), 3, "relu6", stride=2, name="features.0")
    place = 1
    stages = ((1, 16, 1), (6, 24, 2), (6, 32, 2), (6, 64, 2), (6, 96, 1), (6, 160, 2), (6, 320, 1))
    for (expand, wide, first_stride), depth in zip(stages, depths, strict=True):
        channels = divisible(wide * width)
        for index in range(depth):
            x = _v2_block(g, x, channels, expand, 1 if index else first_stride, place)
            place += 1
    last = divisible(1280 * max(1.0, width))
    x = conv_bn_act(g, x, last, 1, "relu6", name=f"features.{place}")
    x = g.flatten(g.global_avg_pool(x, name="avgpool"))
    return g.linear(x, classes, name="classifier.1")


Stage = tuple[int, int, bool, str, int, tuple[int, ...]]
"""kernel, channels, squeeze-and-excite, activation, stride, expanded channels of each block"""

V3_LARGE: tuple[Stage, ...] = (
    (3, 16, False, "relu", 1, (16,)),
    (3, 24, False, "relu", 2, (64, 72)),
    (5, 40, True, "relu", 2, (72, 120, 120)),
    (3, 80, False, "hardswish", 2, (240, 200, 184, 184)),
    (3, 112, True, "hardswish", 1, (480, 672)),
    (5, 160, True, "hardswish", 2, (672, 960, 960)),
)
_V3_SMALL: tuple[Stage, ...] = (
    (3, 16, True, "relu", 2, (16,)),
    (3, 24, False, "relu", 2, (72, 88)),
    (5, 40, True, "hardswish", 2, (96, 240, 240)),
    (5, 48, True, "hardswish", 1, (120, 144)),
    (5, 96, True, "hardswish", 2, (288, 576, 576)),
)


@part
def _v3_block(
    g: GraphBuilder,
    x: str,
    expanded: int,
    channels: int,
    kernel: int,
    stride: int,
    act: str,
    squeeze: bool,
    place: int,
) -> tuple[str, str]:
    """Add a block; return its result, and what it expands."""
    with g.scope(f"features.{place}.block"):
        wide, number = x, 0
        if expanded != g.channels(x):
            wide = conv_bn_act(g, x, expanded, 1, act, name="0")
            number = 1
        y = depthwise_bn_act(g, wide, kernel, act, stride=stride, name=f"{number}")
        if squeeze:
            number += 1
            squeezed = divisible(expanded // 4)
            y = squeeze_excite(g, y, squeezed, "relu", "hardsigmoid", name=f"{number}")
        y = conv_bn_act(g, y, channels, 1, None, name=f"{number + 1}")
    if stride == 1 and g.channels(x) == channels:
        y = g.add(y, x, name=f"features.{place}.add")
    return y, wide


def v3_features(
    g: GraphBuilder, x: str, stages: tuple[Stage, ...], width: float = 1.0
) -> tuple[str, list[str]]:
    """Add MobileNetV3 up to its pooling; return that, and what each stage's first block expands."""
    x = conv_bn_act(g, x, divisible(16 * width), 3, "hardswish", stride=2, name="features.0")
    place, expansions = 1, []
    for kernel, wide, squeeze, act, first_stride, widths in stages:
        channels = divisible(wide * width)
        for index, hidden in enumerate(widths):
            stride = 1 if index else first_stride
            expanded = divisible(hidden * width)
            x, wide_x = _v3_block(g, x, expanded, channels, kernel, stride, act, squeeze, place)
            if not index:
                expansions.append(wide_x)
            place += 1
    x = conv_bn_act(g, x, 6 * g.channels(x), 1, "hardswish", name=f"features.{place}")
    return x, expansions


def _mobilenet_v3(
    g: GraphBuilder, x: str, classes: int, *, stages: tuple[Stage, ...], last: int, width: float
) -> str:
    x, _ = v3_features(g, x, stages, width)
    x = g.flatten(g.global_avg_pool(x, name="avgpool"))
    x = g.linear(x, divisible(last * width), name="classifier.0")
    x = g.act(x, "hardswish", name="classifier.1")
    return g.linear(x, classes, name="classifier.3")


@part
def _mnas_block(
    g: GraphBuilder, x: str, hidden: int, channels: int, kernel: int, stride: int, name: str
) -> str:
    with g.scope(name):
        y = g.relu(g.bn(g.conv(x, hidden, 1, name="0"), name="1"), name="2")
        y = g.conv(y, hidden, kernel, stride=stride, groups=hidden, name="3")
        y = g.relu(g.bn(y, name="4"), name="5")
        return g.bn(g.conv(y, channels, 1, name="6"), name="7")


def _mnasnet(g: GraphBuilder, x: str, classes: int, *, width: float) -> str:
    stem, first, *widths = (divisible(c * width) for c in (32, 16, 24, 40, 80, 96, 192, 320))
    with g.scope("layers"):
        x = g.bn(g.conv(x, stem, 3, stride=2, name="0"), name="1")
        x = g.relu(x, name="2")
        x = g.relu(g.bn(g.conv(x, stem, 3, groups=stem, name="3"), name="4"), name="5")
        x = g.bn(g.conv(x, first, 1, name="6"), name="7")
    settings = ((3, 2, 3, 3), (5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1))
    for place, ((kernel, first_stride, expand, depth), channels) in enumerate(
        zip(settings, widths, strict=True), 8
    ):
        for index in range(depth):
            stride = 1 if index else first_stride
            name = f"layers.{place}.{index}"
            hidden = g.channels(x) * expand
            y = _mnas_block(g, x, hidden, channels, kernel, stride, f"{name}.layers")
            x = g.add(y, x, name=f"{name}.add") if index else y
    with g.scope("layers"):
        x = g.relu(g.bn(g.conv(x, 1280, 1, name="14"), name="15"), name="16")
    x = g.flatten(g.global_avg_pool(x, name="mean"))
    return g.linear(x, classes, name="classifier.1")


MOBILES: dict[str, Entry] = {
    "mobilenet_v2": Entry(
        partial(_mobilenet_v2, width=1.0, depths=(1, 2, 3, 4, 3, 3, 1)), open=("width", "depths")
    ),
    **{
        f"mobilenet_v3_{size}": Entry(
            partial(_mobilenet_v3, stages=stages, last=last, width=1.0), open=("width",)
        )
        for size, stages, last in (("small", _V3_SMALL, 1024), ("large", V3_LARGE, 1280))
    },
    **{
        f"mnasnet{name}": Entry(partial(_mnasnet, width=width), open=("width",))
        for name, width in (("0_5", 0.5), ("0_75", 0.75), ("1_0", 1.0), ("1_3", 1.3))
    },
}
