"""YOLOX detectors (Ge et al., https://arxiv.org/abs/2107.08430), as its exporter writes them.

The result is batch x boxes x (4 + 1 + classes): boxes relative to their positions, whether
there is an object, and scores; the host turns the boxes into pixels.
"""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.family import Entry
from edgeprofiler.reading.zoo.yolo.blocks import c3, conv

_LAST = 2**31 - 1


def _focus(g: GraphBuilder, x: str, channels: int) -> str:
    """Move each 2x2 pixels into channels, then convolve."""
    with g.scope("backbone.backbone.stem"):
        ends = g.number("ends", (_LAST, _LAST))
        axes, steps = g.number("axes", (2, 3)), g.number("steps", (2, 2))
        parts = []
        for left in (0, 1):
            for top in (0, 1):
                starts = g.number("starts", (top, left))
                parts.append(g.node("Slice", (x, starts, ends, axes, steps), "pixel"))
        return conv(g, g.concat(*parts), channels, 3, name="conv")


def _pyramid_pooling(g: GraphBuilder, x: str) -> str:
    channels = g.channels(x)
    y = conv(g, x, channels // 2, 1, name="conv1")
    pooled = (g.max_pool(y, k, stride=1, padding=k // 2, name=f"m.{k}") for k in (5, 9, 13))
    return conv(g, g.concat(y, *pooled), channels, 1, name="conv2")


def _partial(g: GraphBuilder, x: str, channels: int, repeats: int, name: str) -> str:
    with g.scope(f"backbone.{name}"):
        return c3(g, x, channels, repeats, add=False)


def _backbone(g: GraphBuilder, x: str, base: int, depth: int) -> list[str]:
    """Return features at an eighth, a sixteenth and a thirty-second of the input."""
    x = _focus(g, x, base)
    found = []
    for stage, repeats in enumerate((depth, 3 * depth, 3 * depth, depth), 1):
        channels = base << stage
        with g.scope(f"backbone.backbone.dark{stage + 1}"):
            x = conv(g, x, channels, 3, stride=2, name="0")
            if stage == 4:
                with g.scope("1"):
                    x = _pyramid_pooling(g, x)
            with g.scope("2" if stage == 4 else "1"):
                x = c3(g, x, channels, repeats, add=stage != 4)
        found.append(x)
    return found[1:]


def _neck(g: GraphBuilder, levels: list[str], depth: int) -> list[str]:
    small, middle, large = (g.channels(x) for x in levels)
    with g.scope("backbone"):
        top = conv(g, levels[2], middle, 1, name="lateral_conv0")
        x = g.concat(g.resize(top, 2, name="upsample"), levels[1])
    x = _partial(g, x, middle, depth, "C3_p4")
    with g.scope("backbone"):
        between = conv(g, x, small, 1, name="reduce_conv1")
        x = g.concat(g.resize(between, 2, name="upsample"), levels[0])
    first = _partial(g, x, small, depth, "C3_p3")
    with g.scope("backbone"):
        x = g.concat(conv(g, first, small, 3, stride=2, name="bu_conv2"), between)
    second = _partial(g, x, middle, depth, "C3_n3")
    with g.scope("backbone"):
        x = g.concat(conv(g, second, middle, 3, stride=2, name="bu_conv1"), top)
    return [first, second, _partial(g, x, large, depth, "C3_n4")]


def _head(g: GraphBuilder, levels: list[str], classes: int) -> str:
    width = g.channels(levels[0])
    found = []
    for index, level in enumerate(levels):
        x = conv(g, level, width, 1, name=f"stems.{index}")
        kinds = boxes = x
        for part in (0, 1):
            kinds = conv(g, kinds, width, 3, name=f"cls_convs.{index}.{part}")
        kinds = g.conv(kinds, classes, 1, bias=True, name=f"cls_preds.{index}")
        for part in (0, 1):
            boxes = conv(g, boxes, width, 3, name=f"reg_convs.{index}.{part}")
        box = g.conv(boxes, 4, 1, bias=True, name=f"reg_preds.{index}")
        there = g.conv(boxes, 1, 1, bias=True, name=f"obj_preds.{index}")
        there = g.node("Sigmoid", (there,), f"obj.{index}")
        y = g.concat(box, there, g.node("Sigmoid", (kinds,), f"cls.{index}"))
        found.append(g.reshape(y, (0, 5 + classes, -1), name=f"positions.{index}"))
    return g.permute(g.concat(*found, axis=2), (0, 2, 1))


def _yolox(g: GraphBuilder, x: str, classes: int, *, width: float, depth: float) -> str:
    repeats = round(3 * depth)
    levels = _neck(g, _backbone(g, x, int(64 * width), repeats), repeats)
    with g.scope("head"):
        return _head(g, levels, classes)


YOLOX: dict[str, Entry] = {
    f"yolox_{size}": Entry(
        partial(_yolox, width=width, depth=depth), resolution, classes=80, task="detection"
    )
    for size, width, depth, resolution in (
        ("tiny", 0.375, 1 / 3, 416),
        ("s", 0.5, 1 / 3, 640),
        ("m", 0.75, 2 / 3, 640),
        ("l", 1.0, 1.0, 640),
        ("x", 1.25, 4 / 3, 640),
    )
}
