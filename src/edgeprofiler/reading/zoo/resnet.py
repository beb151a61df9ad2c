"""ResNet, ResNeXt and Wide ResNet, as in torchvision (stride on the 3x3 convolution).

He et al., https://arxiv.org/abs/1512.03385; Xie et al., https://arxiv.org/abs/1611.05431;
Zagoruyko and Komodakis, https://arxiv.org/abs/1605.07146.
"""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.family import Entry


def _conv_bn(
    g: GraphBuilder,
    x: str,
    channels: int,
    kernel: int,
    number: int,
    *,
    stride: int = 1,
    groups: int = 1,
) -> str:
    x = g.conv(x, channels, kernel, stride=stride, groups=groups, name=f"conv{number}")
    return g.bn(x, name=f"bn{number}")


def _block(
    g: GraphBuilder, x: str, planes: int, stride: int, *, deep: bool, groups: int, base: int
) -> str:
    shortcut = x
    result = planes * (4 if deep else 1)
    if deep:
        width = planes * base // 64 * groups
        y = g.relu(_conv_bn(g, x, width, 1, 1))
        y = g.relu(_conv_bn(g, y, width, 3, 2, stride=stride, groups=groups))
        y = _conv_bn(g, y, result, 1, 3)
    else:
        y = g.relu(_conv_bn(g, x, planes, 3, 1, stride=stride))
        y = _conv_bn(g, y, planes, 3, 2)
    if stride != 1 or g.channels(x) != result:
        shortcut = g.conv(x, result, 1, stride=stride, name="downsample.0")
        shortcut = g.bn(shortcut, name="downsample.1")
    return g.relu(g.add(y, shortcut))


def _resnet(
    g: GraphBuilder,
    x: str,
    classes: int,
    *,
    depths: tuple[int, ...],
    deep: bool,
    groups: int = 1,
    base: int = 64,
) -> str:
    x = g.relu(_conv_bn(g, x, 64, 7, 1, stride=2))
    x = g.max_pool(x, 3, stride=2, padding=1, name="maxpool")
    for stage, depth in enumerate(depths):
        for index in range(depth):
            stride = 2 if stage and not index else 1
            with g.scope(f"layer{stage + 1}.{index}"):
                x = _block(g, x, 64 << stage, stride, deep=deep, groups=groups, base=base)
    x = g.flatten(g.global_avg_pool(x, name="avgpool"))
    return g.linear(x, classes, name="fc")


_50, _101, _152 = (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)

RESNETS: dict[str, Entry] = {
    name: Entry(partial(_resnet, depths=depths, deep=deep, groups=groups, base=base))
    for name, depths, deep, groups, base in (
        ("resnet18", (2, 2, 2, 2), False, 1, 64),
        ("resnet34", _50, False, 1, 64),
        ("resnet50", _50, True, 1, 64),
        ("resnet101", _101, True, 1, 64),
        ("resnet152", _152, True, 1, 64),
        ("resnext50_32x4d", _50, True, 32, 4),
        ("resnext101_32x8d", _101, True, 32, 8),
        ("resnext101_64x4d", _101, True, 64, 4),
        ("wide_resnet50_2", _50, True, 1, 128),
        ("wide_resnet101_2", _101, True, 1, 128),
    )
}
