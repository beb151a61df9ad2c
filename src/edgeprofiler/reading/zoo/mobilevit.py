"""MobileViT (Mehta and Rastegari, https://arxiv.org/abs/2110.02178), named as in timm."""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.family import Entry

_HEADS = 4
_PATCH = 2


def _conv(
    g: GraphBuilder, x: str, channels: int, kernel: int, name: str, *, stride: int = 1
) -> str:
    with g.scope(name):
        x = g.bn(g.conv(x, channels, kernel, stride=stride, name="conv"), name="bn")
        return g.act(x, "silu", name="act")


def _inverted(g: GraphBuilder, x: str, channels: int, expand: int, stride: int) -> str:
    wide = expand * g.channels(x)
    y = _conv(g, x, wide, 1, "conv1_1x1")
    with g.scope("conv2_kxk"):
        y = g.bn(g.conv(y, wide, 3, stride=stride, groups=wide, name="conv"), name="bn")
        y = g.act(y, "silu", name="act")
    with g.scope("conv3_1x1"):
        y = g.bn(g.conv(y, channels, 1, name="conv"), name="bn")
    return g.add(y, x) if stride == 1 and g.channels(x) == channels else y


def _transformer(g: GraphBuilder, x: str, name: str) -> str:
    """Add self-attention and two dense layers over batch x positions x channels."""
    channels = g.shape(x)[-1]
    with g.scope(name):
        with g.scope("attn"):
            y = g.linear(g.layer_norm(x, name="norm1"), 3 * channels, name="qkv")
            y = g.reshape(y, (0, 0, 3, _HEADS, channels // _HEADS))
            parts = g.split(g.permute(y, (2, 0, 3, 1, 4)), (1, 1, 1), axis=0)
            axis = g.number("axis", (0,))
            query, key, value = (g.node("Squeeze", (part, axis), "squeeze") for part in parts)
            query = g.mul(query, g.number("scale", ((channels / _HEADS) ** -0.5,)))
            key = g.permute(key, (0, 1, 3, 2), name="turn")
            y = g.softmax(g.node("MatMul", (query, key), "scores"))
            y = g.permute(g.node("MatMul", (y, value), "mix"), (0, 2, 1, 3), name="turn_back")
            y = g.linear(g.reshape(y, (0, 0, channels), name="join"), channels, name="proj")
        x = g.add(x, y)
        y = g.act(g.linear(g.layer_norm(x, name="norm2"), 2 * channels, name="mlp.fc1"), "silu")
        return g.add(x, g.linear(y, channels, name="mlp.fc2"))


def _mobilevit_block(g: GraphBuilder, x: str, channels: int, depth: int) -> str:
    """Add attention among the positions that lie alike in all patches."""
    outer = g.channels(x)
    y = g.conv(_conv(g, x, outer, 3, "conv_kxk"), channels, 1, name="conv_1x1")
    height, width = g.size(y, 2), g.size(y, 3)
    across = g.size(y, 3, divided=_PATCH)
    y = g.permute(g.reshape(y, (-1, _PATCH, across, _PATCH), name="cut"), (0, 2, 1, 3))
    y = g.reshape(y, (g.size(x, 0), channels, -1, _PATCH**2), name="patches")
    y = g.reshape(g.permute(y, (0, 3, 2, 1)), (-1, g.shape(y)[2], channels), name="positions")
    for index in range(depth):
        y = _transformer(g, y, f"transformer.{index}")
    y = g.layer_norm(y, name="norm")
    y = g.reshape(y, (g.size(x, 0), _PATCH**2, -1, channels), name="unpatch")
    y = g.permute(y, (0, 3, 2, 1), name="channels_first")
    y = g.reshape(y, (-1, across, _PATCH, _PATCH), name="uncut")
    y = g.reshape(g.permute(y, (0, 2, 1, 3)), (g.size(x, 0), channels, height, width), name="image")
    y = _conv(g, y, outer, 1, "conv_proj")
    return _conv(g, g.concat(x, y), outer, 3, "conv_fusion")


def _mobilevit(
    g: GraphBuilder,
    x: str,
    classes: int,
    *,
    widths: tuple[int, ...],
    inner: tuple[int, ...],
    expand: int,
) -> str:
    x = _conv(g, x, 16, 3, "stem", stride=2)
    for stage, channels in enumerate(widths[:-1]):
        for index in range(3 if stage == 1 else 1):
            with g.scope(f"stages.{stage}.{index}"):
                x = _inverted(g, x, channels, expand, 2 if stage and not index else 1)
        if stage > 1:
            with g.scope(f"stages.{stage}.1"):
                x = _mobilevit_block(g, x, inner[stage - 2], (2, 4, 3)[stage - 2])
    x = _conv(g, x, widths[-1], 1, "final_conv")
    return g.linear(g.flatten(g.global_avg_pool(x, name="pool")), classes, name="head.fc")


MOBILEVITS: dict[str, Entry] = {
    f"mobilevit_{name}": Entry(partial(_mobilevit, widths=widths, inner=inner, expand=expand), 256)
    for name, widths, inner, expand in (
        ("xxs", (16, 24, 48, 64, 80, 320), (64, 80, 96), 2),
        ("xs", (32, 48, 64, 80, 96, 384), (96, 120, 144), 4),
        ("s", (32, 64, 96, 128, 160, 640), (144, 192, 240), 4),
    )
}
