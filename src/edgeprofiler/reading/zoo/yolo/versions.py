"""YOLOv5, YOLOv8, YOLO11 and YOLO26 detectors, from nano to extra large.

Plans and scales: Jocher et al., https://docs.ultralytics.com/models/ (YOLOv5 is release 6 of
https://github.com/ultralytics/yolov5, whose detectors have anchors).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.family import Entry
from edgeprofiler.reading.zoo.yolo import blocks, heads
from edgeprofiler.reading.zoo.yolo.plan import Scale, Step, follow

_UP = Step(lambda g, x, _: g.resize(x, 2, name="up"))


def _conv(channels: int, kernel: int = 3, stride: int = 2, padding: int | None = None) -> Step:
    return Step(
        lambda g, x, s: blocks.conv(
            g, x, s.channels(channels), kernel, stride=stride, padding=padding
        )
    )


def _join(other: int) -> Step:
    return Step(None, (-1, other))


def _c3(channels: int, repeats: int, *, add: bool = True) -> Step:
    return Step(lambda g, x, s: blocks.c3(g, x, s.channels(channels), s.repeats(repeats), add=add))


def _c2f(channels: int, repeats: int, *, add: bool = False) -> Step:
    return Step(
        lambda g, x, s: blocks.c2f(
            g, x, s.channels(channels), s.repeats(repeats), add=add, inner="plain"
        )
    )


def _c3k2(channels: int, inner: str = "narrow", share: float = 0.5, repeats: int = 2) -> Step:
    return Step(
        lambda g, x, s: blocks.c2f(
            g,
            x,
            s.channels(channels),
            s.repeats(repeats),
            inner="deep" if s.deep and inner == "narrow" else inner,
            share=share,
        )
    )


def _sppf(*, act: bool = True, add: bool = False) -> Step:
    return Step(lambda g, x, s: blocks.sppf(g, x, s.channels(1024), act=act, add=add))


_C2PSA = Step(lambda g, x, s: blocks.c2psa(g, x, s.repeats(2)))

_V5 = (
    _conv(64, 6, padding=2), _conv(128), _c3(128, 3), _conv(256), _c3(256, 6), _conv(512),
    _c3(512, 9), _conv(1024), _c3(1024, 3), _sppf(),
    _conv(512, 1, 1), _UP, _join(6), _c3(512, 3, add=False),
    _conv(256, 1, 1), _UP, _join(4), _c3(256, 3, add=False),
    _conv(256), _join(14), _c3(512, 3, add=False),
    _conv(512), _join(10), _c3(1024, 3, add=False),
)  # fmt: skip
_V8 = (
    _conv(64), _conv(128), _c2f(128, 3, add=True), _conv(256), _c2f(256, 6, add=True), _conv(512),
    _c2f(512, 6, add=True), _conv(1024), _c2f(1024, 3, add=True), _sppf(),
    _UP, _join(6), _c2f(512, 3), _UP, _join(4), _c2f(256, 3),
    _conv(256), _join(12), _c2f(512, 3), _conv(512), _join(9), _c2f(1024, 3),
)  # fmt: skip
_11_BACKBONE = (
    _conv(64), _conv(128), _c3k2(256, share=0.25), _conv(256), _c3k2(512, share=0.25), _conv(512),
    _c3k2(512, "deep"), _conv(1024), _c3k2(1024, "deep"),
)  # fmt: skip
_11 = (
    *_11_BACKBONE, _sppf(), _C2PSA,
    _UP, _join(6), _c3k2(512), _UP, _join(4), _c3k2(256),
    _conv(256), _join(13), _c3k2(512), _conv(512), _join(10), _c3k2(1024, "deep"),
)  # fmt: skip
_26 = (
    *_11_BACKBONE, _sppf(act=False, add=True), _C2PSA,
    _UP, _join(6), _c3k2(512, "deep"), _UP, _join(4), _c3k2(256, "deep"),
    _conv(256), _join(13), _c3k2(512, "deep"), _conv(512), _join(10),
    _c3k2(1024, "attention", repeats=1),
)  # fmt: skip

_V5_SCALES = {
    "n": Scale(1 / 3, 0.25), "s": Scale(1 / 3, 0.5), "m": Scale(2 / 3, 0.75), "l": Scale(1, 1),
    "x": Scale(4 / 3, 1.25),
}  # fmt: skip
_V8_SCALES = {
    "n": Scale(1 / 3, 0.25, 1024), "s": Scale(1 / 3, 0.5, 1024), "m": Scale(2 / 3, 0.75, 768),
    "l": Scale(1, 1, 512), "x": Scale(1, 1.25, 512),
}  # fmt: skip
_11_SCALES = {
    "n": Scale(0.5, 0.25, 1024), "s": Scale(0.5, 0.5, 1024), "m": Scale(0.5, 1, 512, deep=True),
    "l": Scale(1, 1, 512, deep=True), "x": Scale(1, 1.5, 512, deep=True),
}  # fmt: skip


def _yolo(
    g: GraphBuilder,
    x: str,
    classes: int,
    *,
    plan: tuple[Step, ...],
    head: Callable[[GraphBuilder, list[str], int], str],
    scale: Scale,
) -> str:
    results = follow(g, x, plan, scale)
    with g.scope(f"model.{len(plan)}"):
        return head(g, [results[place] for place in (-7, -4, -1)], classes)


def _chosen(g: GraphBuilder, levels: list[str], classes: int) -> str:
    return heads.chosen(g, heads.anchor_free(g, levels, classes, bins=1, centred=False), classes)


ULTRALYTICS: dict[str, Entry] = {
    pattern.format(size): Entry(
        partial(_yolo, plan=plan, head=head, scale=scale), 640, classes=80, task="detection"
    )
    for pattern, plan, head, scales in (
        ("yolov5{}", _V5, heads.anchored, _V5_SCALES),
        ("yolov8{}", _V8, partial(heads.anchor_free, light=False), _V8_SCALES),
        ("yolo11{}", _11, heads.anchor_free, _11_SCALES),
        ("yolo26{}", _26, _chosen, _11_SCALES),
        ("yolo26{}_one2many", _26, partial(heads.anchor_free, bins=1), _11_SCALES),
    )
    for size, scale in scales.items()
}
"""The network `yolo26s` chooses the best boxes itself, as it is exported unless asked otherwise;
`yolo26s_one2many` leaves that to the host."""
