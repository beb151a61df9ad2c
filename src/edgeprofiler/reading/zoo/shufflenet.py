"""ShuffleNet V2, as in torchvision (Ma et al., https://arxiv.org/abs/1807.11164)."""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder, part
from edgeprofiler.reading.zoo.family import Entry


def _depthwise_bn(g: GraphBuilder, x: str, stride: int, first: int) -> str:
    channels = g.channels(x)
    x = g.conv(x, channels, 3, stride=stride, groups=channels, name=f"{first}")
    return g.bn(x, name=f"{first + 1}")


def _pointwise_bn_relu(g: GraphBuilder, x: str, channels: int, first: int) -> str:
    x = g.bn(g.conv(x, channels, 1, name=f"{first}"), name=f"{first + 1}")
    return g.relu(x, name=f"{first + 2}")


@part
def _unit(g: GraphBuilder, x: str, channels: int, stride: int) -> str:
    half = channels // 2
    if stride == 1:
        kept, x = g.chunk(x, 2)
    else:
        with g.scope("branch1"):
            kept = _pointwise_bn_relu(g, _depthwise_bn(g, x, stride, 0), half, 2)
    with g.scope("branch2"):
        x = _pointwise_bn_relu(g, x, half, 0)
        x = _pointwise_bn_relu(g, _depthwise_bn(g, x, stride, 3), half, 5)
    return g.channel_shuffle(g.concat(kept, x), 2)


def _shufflenet(
    g: GraphBuilder, x: str, classes: int, *, widths: tuple[int, ...], depths: tuple[int, ...]
) -> str:
    with g.scope("conv1"):
        x = g.relu(g.bn(g.conv(x, 24, 3, stride=2, name="0"), name="1"), name="2")
    x = g.max_pool(x, 3, stride=2, padding=1, name="maxpool")
    for stage, (depth, channels) in enumerate(zip(depths, widths[:3], strict=True), 2):
        for index in range(depth):
            with g.scope(f"stage{stage}.{index}"):
                x = _unit(g, x, channels, 1 if index else 2)
    with g.scope("conv5"):
        x = _pointwise_bn_relu(g, x, widths[3], 0)
    return g.linear(g.flatten(g.global_avg_pool(x, name="mean")), classes, name="fc")


SHUFFLENETS: dict[str, Entry] = {
    f"shufflenet_v2_x{name}": Entry(
        partial(_shufflenet, widths=widths, depths=(4, 8, 4)), open=("widths", "depths")
    )
    for name, widths in (
        ("0_5", (48, 96, 192, 1024)),
        ("1_0", (116, 232, 464, 1024)),
        ("1_5", (176, 352, 704, 1024)),
        ("2_0", (244, 488, 976, 2048)),
    )
}
