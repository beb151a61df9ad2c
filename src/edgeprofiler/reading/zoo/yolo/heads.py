"""Detection heads of the YOLO networks, as their own exporters write them.

Every head ends at what the exported file ends at: boxes in pixels of the input and scores of
classes. Where suppression of overlapping boxes follows, the host does that, not the network.
"""

from __future__ import annotations

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.yolo.blocks import conv

_BINS = 16
"""Of the distribution over which a side of a box is a mean (https://arxiv.org/abs/2006.04388)."""
_DETECTIONS = 300
"""Kept of an image by heads that choose for themselves."""


def anchored(g: GraphBuilder, levels: list[str], classes: int) -> str:
    """Add YOLOv5's head: three anchors a position. Result: batch x boxes x (5 + classes)."""
    found = []
    for index, x in enumerate(levels):
        with g.scope(f"level{index}"):
            y = g.conv(x, 3 * (5 + classes), 1, bias=True, name="m")
            y = g.reshape(y, (0, 3, 5 + classes, g.size(y, 2), g.size(y, 3)), name="anchors")
            y = g.node("Sigmoid", (g.permute(y, (0, 1, 3, 4, 2)),), "sigmoid")
            centre, size, rest = g.split(y, (2, 2, 1 + classes), axis=-1)
            two = g.number("two", (2.0,))
            centre = g.add(g.mul(centre, two, name="centre2"), g.like(centre, name="grid"))
            centre = g.mul(centre, g.number("stride", (8.0 * 2**index,)), name="centre")
            size = g.node("Pow", (g.mul(size, two, name="size2"), two), "square")
            size = g.mul(size, g.like(size, name="anchor_sizes"), name="size")
            y = g.concat(centre, size, rest, axis=-1)
            found.append(g.reshape(y, (0, -1, 5 + classes), name="boxes"))
    return g.concat(*found)


def anchor_free(
    g: GraphBuilder,
    levels: list[str],
    classes: int,
    *,
    bins: int = _BINS,
    light: bool = True,
    centred: bool = True,
) -> str:
    """Add the head of YOLOv8, YOLO11 and YOLO26. Result: batch x (4 + classes) x boxes.

    Args:
        bins: length of the distribution over each side of a box; 1 for a plain number.
        light: whether the classes are told by depthwise convolutions.
        centred: whether a box is given by its centre and size, not by two corners.
    """
    first = g.channels(levels[0])
    boxes = _gathered(
        g, [_box_branch(g, x, max(16, first // 4, bins * 4), bins, i) for i, x in enumerate(levels)]
    )
    width = max(first, min(classes, 100))
    scores = _gathered(
        g, [_class_branch(g, x, width, classes, i, light=light) for i, x in enumerate(levels)]
    )
    if bins > 1:
        boxes = _expected(g, boxes, bins)
    return g.concat(_corners(g, boxes, centred=centred), g.node("Sigmoid", (scores,), "sigmoid"))


def chosen(g: GraphBuilder, boxes: str, classes: int) -> str:
    """Add YOLO26's choice of the best boxes. Result: batch x 300 x (4 + score + class)."""
    with g.scope("best"):
        y = g.permute(boxes, (0, 2, 1))
        places, scores = g.split(y, (4, classes), axis=-1)
        best = g.node("ReduceMax", (scores,), "max", {"axes": (-1,), "keepdims": 0})
        _, index = _top(g, best, "top")
        index = g.reshape(index, (0, -1, 1), name="column")
        kept = _rows(g, scores, index, classes, "scores")
        score, flat = _top(g, g.flatten(kept), "top_classes")
        kind = g.node("Mod", (flat, g.number("classes", (classes,))), "class")
        kind = g.node(
            "Cast", (g.reshape(kind, (0, -1, 1), name="classes_column"),), "cast", {"to": 1}
        )
        row = g.node("Div", (flat, g.number("classes", (classes,))), "row")
        row = g.node(
            "GatherElements", (g.reshape(index, (0, -1), name="flat"), row), "rows", {"axis": 1}
        )
        places = _rows(g, places, g.reshape(row, (0, -1, 1), name="rows_column"), 4, "boxes")
        return g.concat(places, g.reshape(score, (0, -1, 1), name="scores_column"), kind, axis=-1)


def _box_branch(g: GraphBuilder, x: str, width: int, bins: int, index: int) -> str:
    with g.scope(f"cv2.{index}"):
        x = conv(g, x, width, 3, name="0")
        x = conv(g, x, width, 3, name="1")
        return g.conv(x, 4 * bins, 1, bias=True, name="2")


def _class_branch(
    g: GraphBuilder, x: str, width: int, classes: int, index: int, *, light: bool
) -> str:
    with g.scope(f"cv3.{index}"):
        for part in ("0", "1"):
            if light:
                x = conv(g, x, g.channels(x), 3, groups=g.channels(x), name=f"{part}.0")
                x = conv(g, x, width, 1, name=f"{part}.1")
            else:
                x = conv(g, x, width, 3, name=part)
        return g.conv(x, classes, 1, bias=True, name="2")


def _gathered(g: GraphBuilder, levels: list[str]) -> str:
    """Return all positions of all levels side by side."""
    return g.concat(
        *(g.reshape(x, (0, g.channels(x), -1), name="positions") for x in levels), axis=2
    )


def _expected(g: GraphBuilder, x: str, bins: int) -> str:
    """Return the mean of the distribution over each side, by a convolution with the bins."""
    with g.scope("dfl"):
        x = g.permute(g.reshape(x, (0, 4, bins, -1), name="sides"), (0, 2, 1, 3))
        x = g.conv(g.softmax(x, axis=1), 1, 1, name="conv")
        return g.reshape(x, (0, 4, -1))


def _corners(g: GraphBuilder, sides: str, *, centred: bool) -> str:
    """Return boxes in pixels of distances from the positions, as centre and size or as corners."""
    with g.scope("boxes"):
        before, behind = g.split(sides, (2, 2), axis=1)
        start = g.node("Sub", (g.like(before, name="anchors"), before), "start")
        end = g.add(g.like(behind, name="anchors"), behind, name="end")
        if centred:
            total = g.add(start, end, name="sum")
            size = g.node("Sub", (end, start), "size")
            start, end = g.node("Div", (total, g.number("two", (2.0,))), "centre"), size
        y = g.concat(start, end)
        return g.mul(y, g.like(y, name="strides", axis=2))


def _top(g: GraphBuilder, x: str, name: str) -> tuple[str, ...]:
    count = g.number(f"{name}.count", (_DETECTIONS,))
    return g.nodes("TopK", (x, count), name, {"axis": 1}, outputs=2)


def _rows(g: GraphBuilder, x: str, index: str, columns: int, name: str) -> str:
    index = g.node(
        "Expand", (index, g.number(f"{name}.columns", (1, 1, columns))), f"{name}.expand"
    )
    return g.node("GatherElements", (x, index), name, {"axis": 1})
