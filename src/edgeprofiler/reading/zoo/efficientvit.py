"""EfficientViT B0 to B3 (Cai et al., https://arxiv.org/abs/2205.14756), named as in timm."""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.family import Entry


def _conv(
    g: GraphBuilder,
    x: str,
    channels: int,
    kernel: int,
    name: str,
    *,
    stride: int = 1,
    depthwise: bool = False,
    norm: bool = True,
    act: bool = True,
) -> str:
    """Add a convolution with its normalisation, or with a bias in place of that."""
    groups = g.channels(x) if depthwise else 1
    with g.scope(name):
        x = g.conv(x, channels, kernel, stride=stride, groups=groups, bias=not norm, name="conv")
        x = g.bn(x, name="norm") if norm else x
        return g.act(x, "hardswish", name="act") if act else x


def _inverted(
    g: GraphBuilder, x: str, channels: int, name: str, *, stride: int = 1, norm: bool = True
) -> str:
    """Add expansion by 4, depthwise convolution and projection, with a shortcut where it fits."""
    with g.scope(name):
        y = _conv(g, x, 4 * g.channels(x), 1, "inverted_conv", norm=norm)
        y = _conv(g, y, g.channels(y), 3, "depth_conv", stride=stride, depthwise=True, norm=norm)
        y = _conv(g, y, channels, 1, "point_conv", act=False)
        return g.add(y, x) if stride == 1 and g.channels(x) == channels else y


def _attention(g: GraphBuilder, x: str, length: int) -> str:
    """Add linear attention: rectified queries and keys, at the scale of 1 and of 5 positions."""
    channels = g.channels(x)
    with g.scope("context_module.main"):
        near = g.conv(x, 3 * channels, 1, name="qkv.conv")
        far = g.conv(near, 3 * channels, 5, groups=3 * channels, name="aggreg.0.0")
        far = g.conv(far, 3 * channels, 1, groups=3 * channels // length, name="aggreg.0.1")
        y = g.reshape(
            g.concat(near, far), (0, 2 * channels // length, 3 * length, -1), name="heads"
        )
        y = g.permute(y, (0, 1, 3, 2), name="turn")
        query, key, value = g.split(y, (length,) * 3, axis=3)
        query, key = g.relu(query, name="query"), g.relu(key, name="key")
        pads = g.number("pads", (0,) * 7 + (1,))
        value = g.node("Pad", (value, pads, g.number("one", (1.0,))), "pad", {"mode": "constant"})
        key = g.permute(key, (0, 1, 3, 2), name="turn_key")
        y = g.node("MatMul", (query, g.node("MatMul", (key, value), "sum")), "mix")
        y, total = g.split(y, (length, 1), name="parts", axis=3)
        total = g.add(total, g.number("least", (1e-15,)), name="safe")
        y = g.permute(g.node("Div", (y, total), "mean"), (0, 1, 3, 2), name="turn_back")
        y = g.reshape(y, (0, -1, g.size(x, 2), g.size(x, 3)))
        y = _conv(g, y, channels, 1, "proj", act=False)
    return g.add(y, x)


def _efficientvit(
    g: GraphBuilder,
    x: str,
    classes: int,
    *,
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    length: int,
    head: tuple[int, int],
) -> str:
    x = _conv(g, x, widths[0], 3, "stem.in_conv", stride=2)
    for index in range(depths[0]):
        with g.scope(f"stem.res{index}"):
            y = _conv(g, x, widths[0], 3, "depth_conv", depthwise=True)
            x = g.add(_conv(g, y, widths[0], 1, "point_conv", act=False), x)
    for stage, (channels, depth) in enumerate(zip(widths[1:], depths[1:], strict=True)):
        attends = stage > 1
        with g.scope(f"stages.{stage}.blocks"):
            x = _inverted(g, x, channels, "0", stride=2, norm=not attends)
            for index in range(1, depth + attends):
                with g.scope(f"{index}"):
                    x = _attention(g, x, length) if attends else x
                    x = _inverted(g, x, channels, "local_module", norm=not attends)
    with g.scope("head"):
        x = g.flatten(g.global_avg_pool(_conv(g, x, head[0], 1, "in_conv"), name="pool"))
        x = g.layer_norm(g.linear(x, head[1], bias=False, name="classifier.0"), name="classifier.1")
        return g.linear(g.act(x, "hardswish", name="classifier.2"), classes, name="classifier.4")


EFFICIENTVITS: dict[str, Entry] = {
    f"efficientvit_{name}": Entry(
        partial(_efficientvit, widths=widths, depths=depths, length=length, head=head)
    )
    for name, widths, depths, length, head in (
        ("b0", (8, 16, 32, 64, 128), (1, 2, 2, 2, 2), 16, (1024, 1280)),
        ("b1", (16, 32, 64, 128, 256), (1, 2, 3, 3, 4), 16, (1536, 1600)),
        ("b2", (24, 48, 96, 192, 384), (1, 3, 4, 4, 6), 32, (2304, 2560)),
        ("b3", (32, 64, 128, 256, 512), (1, 4, 6, 6, 9), 32, (2304, 2560)),
    )
}
