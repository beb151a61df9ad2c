"""ConvNeXt, as in torchvision (Liu et al., https://arxiv.org/abs/2201.03545)."""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder, part
from edgeprofiler.reading.zoo.family import Entry

_TO_LAST, _TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
"""Channels last, and back."""


def _layer_norm_2d(g: GraphBuilder, x: str, name: str) -> str:
    x = g.permute(x, _TO_LAST, name=f"{name}.to_last")
    return g.permute(g.layer_norm(x, name=name), _TO_FIRST, name=f"{name}.to_first")


@part
def _block(g: GraphBuilder, x: str) -> str:
    channels = g.channels(x)
    with g.scope("block"):
        y = g.conv(x, channels, 7, groups=channels, bias=True, name="0")
        y = g.layer_norm(g.permute(y, _TO_LAST, name="1"), name="2")
        y = g.act(g.linear(y, 4 * channels, name="3"), "gelu", name="4")
        y = g.permute(g.linear(y, channels, name="5"), _TO_FIRST, name="6")
    y = g.scale(y, (channels, 1, 1), name="layer_scale")
    return g.add(y, x)


def _convnext(g: GraphBuilder, x: str, classes: int, *, width: int, depths: tuple[int, ...]) -> str:
    x = g.conv(x, width, 4, stride=4, padding=0, bias=True, name="features.0.0")
    x = _layer_norm_2d(g, x, "features.0.1")
    place = 1
    for stage, depth in enumerate(depths):
        if stage:
            x = _layer_norm_2d(g, x, f"features.{place}.0")
            x = g.conv(
                x,
                width << stage,
                2,
                stride=2,
                padding=0,
                bias=True,
                name=f"features.{place}.1",
            )
            place += 1
        for index in range(depth):
            with g.scope(f"features.{place}.{index}"):
                x = _block(g, x)
        place += 1
    x = _layer_norm_2d(g, g.global_avg_pool(x, name="avgpool"), "classifier.0")
    return g.linear(g.flatten(x, name="classifier.1"), classes, name="classifier.2")


CONVNEXTS: dict[str, Entry] = {
    f"convnext_{size}": Entry(
        partial(_convnext, width=width, depths=depths), open=("width", "depths")
    )
    for size, width, depths in (
        ("tiny", 96, (3, 3, 9, 3)),
        ("small", 96, (3, 3, 27, 3)),
        ("base", 128, (3, 3, 27, 3)),
        ("large", 192, (3, 3, 27, 3)),
    )
}
