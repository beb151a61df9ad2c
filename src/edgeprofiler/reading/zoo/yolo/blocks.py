"""Blocks of the YOLO networks; all convolutions carry their normalisation and a SiLU.

Jocher et al., YOLOv5, YOLOv8, YOLO11 and YOLO26, https://docs.ultralytics.com/models/; cross-stage
partial blocks: Wang et al., https://arxiv.org/abs/1911.11929.
"""

from __future__ import annotations

from edgeprofiler.reading.graphs import GraphBuilder


def conv(
    g: GraphBuilder,
    x: str,
    channels: int,
    kernel: int,
    *,
    name: str = "",
    stride: int = 1,
    padding: int | None = None,
    groups: int = 1,
    act: bool = True,
) -> str:
    """Add a convolution, its normalisation and (unless told otherwise) a SiLU."""
    with g.scope(name):
        x = g.conv(x, channels, kernel, stride=stride, padding=padding, groups=groups, name="conv")
        x = g.bn(x, name="bn")
        return g.act(x, "silu", name="act") if act else x


def bottleneck(
    g: GraphBuilder,
    x: str,
    channels: int,
    *,
    name: str,
    add: bool,
    kernels: tuple[int, int] = (3, 3),
    share: float = 0.5,
) -> str:
    """Add two convolutions, and a shortcut around them where `add`."""
    with g.scope(name):
        y = conv(g, x, int(channels * share), kernels[0], name="cv1")
        y = conv(g, y, channels, kernels[1], name="cv2")
        return g.add(x, y) if add and g.channels(x) == channels else y


def c3(
    g: GraphBuilder,
    x: str,
    channels: int,
    repeats: int,
    *,
    add: bool,
    kernels: tuple[int, int] = (1, 3),
) -> str:
    """Add a cross-stage partial block: bottlenecks on one half, joined with the other."""
    half = channels // 2
    y = conv(g, x, half, 1, name="cv1")
    for index in range(repeats):
        y = bottleneck(g, y, half, name=f"m.{index}", add=add, kernels=kernels, share=1.0)
    return conv(g, g.concat(y, conv(g, x, half, 1, name="cv2")), channels, 1, name="cv3")


def c2f(
    g: GraphBuilder,
    x: str,
    channels: int,
    repeats: int,
    *,
    add: bool = True,
    inner: str = "plain",
    share: float = 0.5,
) -> str:
    """Add a block that joins the results of all its inner parts.

    Args:
        inner: what is repeated: `plain`, two 3x3 convolutions of as many channels; `narrow`, with
            half of them between the two; `deep`, a cross-stage partial block of two bottlenecks;
            `attention`, a narrow one and self-attention.
        share: of the channels, what each part has.
    """
    width = int(channels * share)
    parts = [*g.chunk(conv(g, x, 2 * width, 1, name="cv1"), 2)]
    for index in range(repeats):
        last, name = parts[-1], f"m.{index}"
        if inner == "deep":
            with g.scope(name):
                parts.append(c3(g, last, width, 2, add=add, kernels=(3, 3)))
        elif inner == "attention":
            y = bottleneck(g, last, width, name=f"{name}.0", add=add)
            parts.append(attention_block(g, y, name=f"{name}.1"))
        else:
            wide = 1.0 if inner == "plain" else 0.5
            parts.append(bottleneck(g, last, width, name=name, add=add, share=wide))
    return conv(g, g.concat(*parts), channels, 1, name="cv2")


def sppf(g: GraphBuilder, x: str, channels: int, *, act: bool = True, add: bool = False) -> str:
    """Add spatial pyramid pooling: three poolings of 5x5 one after another, all joined."""
    parts = [conv(g, x, g.channels(x) // 2, 1, name="cv1", act=act)]
    for index in range(3):
        parts.append(g.max_pool(parts[-1], 5, stride=1, padding=2, name=f"m.{index}"))
    y = conv(g, g.concat(*parts), channels, 1, name="cv2")
    return g.add(y, x) if add and g.channels(x) == channels else y


def c2psa(g: GraphBuilder, x: str, repeats: int) -> str:
    """Add self-attention on one half of the channels."""
    channels = g.channels(x)
    kept, y = g.chunk(conv(g, x, channels // 2 * 2, 1, name="cv1"), 2)
    for index in range(repeats):
        y = attention_block(g, y, name=f"m.{index}")
    return conv(g, g.concat(kept, y), channels, 1, name="cv2")


def attention_block(g: GraphBuilder, x: str, *, name: str) -> str:
    """Add self-attention over positions and two convolutions, each with a shortcut."""
    channels = g.channels(x)
    with g.scope(name):
        x = g.add(x, _attention(g, x, max(channels // 64, 1)))
        y = conv(g, x, channels * 2, 1, name="ffn.0")
        return g.add(x, conv(g, y, channels, 1, name="ffn.1", act=False), name="add_ffn")


def _attention(g: GraphBuilder, x: str, heads: int) -> str:
    """Add attention whose keys are half as long as its values, with a positional convolution."""
    channels = g.channels(x)
    image = (0, channels, g.size(x, 2), g.size(x, 3))
    length = channels // heads
    key = length // 2
    with g.scope("attn"):
        y = conv(g, x, channels + 2 * heads * key, 1, name="qkv", act=False)
        y = g.reshape(y, (0, heads, 2 * key + length, -1), name="heads")
        q, k, v = g.split(y, (key, key, length), axis=2)
        scores = g.node("MatMul", (g.permute(q, (0, 1, 3, 2), name="turn_q"), k), "scores")
        scores = g.softmax(g.mul(scores, g.number("scale", (key**-0.5,)), name="scaled"))
        turned = g.permute(scores, (0, 1, 3, 2), name="turn_scores")
        y = g.reshape(g.node("MatMul", (v, turned), "mix"), image)
        place = g.reshape(v, image, name="positions")
        place = conv(g, place, channels, 3, groups=channels, name="pe", act=False)
        return conv(g, g.add(y, place), channels, 1, name="proj", act=False)
