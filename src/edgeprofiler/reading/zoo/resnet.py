"""ResNet, ResNeXt and Wide ResNet, as in torchvision (stride on the 3x3 convolution).

He et al., https://arxiv.org/abs/1512.03385; Xie et al., https://arxiv.org/abs/1611.05431;
Zagoruyko and Komodakis, https://arxiv.org/abs/1605.07146.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from edgeprofiler.reading.graphs import GraphBuilder, part
from edgeprofiler.reading.zoo.blocks import divisible
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
    dilation: int = 1,
) -> str:
    name = f"conv{number}"
    x = g.conv(x, channels, kernel, stride=stride, groups=groups, dilation=dilation, name=name)
    return g.bn(x, name=f"bn{number}")


@part
def _basic(g: GraphBuilder, x: str, planes: int, stride: int) -> str:
    y = g.relu(_conv_bn(g, x, planes, 3, 1, stride=stride))
    return _joined(g, _conv_bn(g, y, planes, 3, 2), x, stride)


@part
def _bottleneck(
    g: GraphBuilder, x: str, width: int, result: int, stride: int, groups: int, dilation: int
) -> str:
    y = g.relu(_conv_bn(g, x, width, 1, 1))
    y = _conv_bn(g, y, width, 3, 2, stride=stride, groups=groups, dilation=dilation)
    return _joined(g, _conv_bn(g, g.relu(y), result, 1, 3), x, stride)


def _joined(g: GraphBuilder, y: str, x: str, stride: int) -> str:
    """Add what a block was given to what it made of it."""
    shortcut, result = x, g.channels(y)
    if stride != 1 or g.channels(x) != result:
        shortcut = g.conv(x, result, 1, stride=stride, name="downsample.0")
        shortcut = g.bn(shortcut, name="downsample.1")
    return g.relu(g.add(y, shortcut))


@dataclass(frozen=True)
class ResNet:
    """What tells one ResNet from another."""

    depths: tuple[int, ...]
    deep: bool
    """Whether blocks have three convolutions."""
    groups: int = 1
    base: int = 64
    width: float = 1.0
    """Factor of all channels."""
    dilated: bool = False
    """Whether the last two stages keep the size and look wider instead."""

    def features(self, g: GraphBuilder, x: str) -> list[str]:
        """Add the network up to its pooling; return what each of the four stages makes."""
        x = g.relu(_conv_bn(g, x, divisible(64 * self.width), 7, 1, stride=2))
        x = g.max_pool(x, 3, stride=2, padding=1, name="maxpool")
        results, dilation = [], 1
        for stage, depth in enumerate(self.depths):
            stride = 2 if stage else 1
            before = dilation
            if self.dilated and stage > 1:
                dilation, stride = dilation * stride, 1
            for index in range(depth):
                with g.scope(f"layer{stage + 1}.{index}"):
                    look = dilation if index else before
                    planes = divisible((64 << stage) * self.width)
                    step = 1 if index else stride
                    if self.deep:
                        width = planes * self.base // 64 * self.groups
                        x = _bottleneck(g, x, width, 4 * planes, step, self.groups, look)
                    else:
                        x = _basic(g, x, planes, step)
            results.append(x)
        return results


def _classifier(g: GraphBuilder, x: str, classes: int, **settings: Any) -> str:
    x = ResNet(**settings).features(g, x)[-1]
    x = g.flatten(g.global_avg_pool(x, name="avgpool"))
    return g.linear(x, classes, name="fc")


_50, _101, _152 = (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)

RESNETS: dict[str, Entry] = {
    name: Entry(
        partial(_classifier, depths=depths, deep=deep, groups=groups, base=base, width=1.0),
        open=("depths", "width", *(("groups", "base") if deep else ())),
    )
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
