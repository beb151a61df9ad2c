"""Parts that several families share."""

from __future__ import annotations

from edgeprofiler.reading.graphs import GraphBuilder, part


def divisible(value: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor` without losing more than a tenth, as MobileNets do."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * value else rounded + divisor


@part
def conv_bn_act(
    g: GraphBuilder,
    x: str,
    channels: int,
    kernel: int,
    act: str | None,
    *,
    name: str,
    stride: int = 1,
    groups: int = 1,
    padding: int | None = None,
) -> str:
    """Add `name.0` (convolution), `name.1` (batch normalisation), `name.2` (activation)."""
    with g.scope(name):
        x = g.conv(x, channels, kernel, stride=stride, groups=groups, padding=padding, name="0")
        x = g.bn(x, name="1")
        return g.act(x, act, name="2") if act else x


def depthwise_bn_act(
    g: GraphBuilder, x: str, kernel: int, act: str | None, *, name: str, stride: int = 1
) -> str:
    """Add a depthwise convolution with its normalisation and activation."""
    channels = g.channels(x)
    return conv_bn_act(g, x, channels, kernel, act, stride=stride, groups=channels, name=name)


@part
def squeeze_excite(
    g: GraphBuilder, x: str, squeezed: int, act: str, gate: str, *, name: str
) -> str:
    """Weigh channels by two 1x1 convolutions of their means (https://arxiv.org/abs/1709.01507)."""
    with g.scope(name):
        y = g.global_avg_pool(x, name="avgpool")
        y = g.act(g.conv(y, squeezed, 1, bias=True, name="fc1"), act, name="activation")
        y = g.act(g.conv(y, g.channels(x), 1, bias=True, name="fc2"), gate, name="gate")
        return g.mul(x, y)
