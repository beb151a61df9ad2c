"""RetinaNet and SSDlite as in torchvision, up to what their heads say of each anchor.

Lin et al., https://arxiv.org/abs/1708.02002; Liu et al., https://arxiv.org/abs/1512.02325, with
the backbone of Howard et al., https://arxiv.org/abs/1905.02244. Two results: batch x anchors x
classes and batch x anchors x 4. Resizing of the image, boxes of anchors, and the choice among
overlapping ones are the host's. RetinaNet's frozen normalisation is written as normalisation.
"""

from __future__ import annotations

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.blocks import conv_bn_act, depthwise_bn_act
from edgeprofiler.reading.zoo.family import Entry
from edgeprofiler.reading.zoo.mobile import V3_LARGE, v3_features
from edgeprofiler.reading.zoo.resnet import ResNet

_BACKBONE = ResNet((3, 4, 6, 3), deep=True)
_V3_REDUCED = (*V3_LARGE[:-1], (5, 80, True, "hardswish", 2, (672, 480, 480)))
"""MobileNetV3 with half as many channels in its last stage, as detectors have it."""


def _retinanet(g: GraphBuilder, x: str, classes: int) -> tuple[str, ...]:
    with g.scope("backbone.body"):
        features = _BACKBONE.features(g, x)[1:]
    with g.scope("backbone.fpn"):
        levels = _feature_pyramid(g, features, 256)
    with g.scope("head.classification_head"):
        scores = g.concat(*(_tower(g, level, classes, "cls_logits") for level in levels))
    with g.scope("head.regression_head"):
        boxes = g.concat(*(_tower(g, level, 4, "bbox_reg") for level in levels))
    return scores, boxes


def _feature_pyramid(g: GraphBuilder, features: list[str], channels: int) -> list[str]:
    """Join each level with the coarser ones; two still coarser ones follow at the end."""
    levels: list[str] = []
    above = ""
    for place in reversed(range(len(features))):
        x = g.conv(features[place], channels, 1, bias=True, name=f"inner_blocks.{place}.0")
        above = g.add(x, g.resize_to(above, x)) if above else x
        levels.insert(0, g.conv(above, channels, 3, bias=True, name=f"layer_blocks.{place}.0"))
    levels.append(g.conv(levels[-1], channels, 3, stride=2, bias=True, name="extra_blocks.p6"))
    last = g.relu(levels[-1])
    levels.append(g.conv(last, channels, 3, stride=2, bias=True, name="extra_blocks.p7"))
    return levels


def _tower(g: GraphBuilder, x: str, values: int, last: str) -> str:
    """Add a head's convolutions on one level; those on all levels share their weights."""
    for name in ("conv.0.0", "conv.1.0", "conv.2.0", "conv.3.0"):
        x = g.relu(g.conv(x, g.channels(x), 3, bias=True, name=name, weights=name))
    return _by_anchor(g, g.conv(x, 9 * values, 3, bias=True, name=last, weights=last), values)


def _by_anchor(g: GraphBuilder, x: str, values: int) -> str:
    """Return batch x anchors of all positions x values."""
    anchors = g.channels(x) // values
    x = g.reshape(x, (0, anchors, values, g.size(x, 2), g.size(x, 3)), name="anchors")
    return g.reshape(g.permute(x, (0, 3, 4, 1, 2)), (0, -1, values))


def _ssdlite(g: GraphBuilder, x: str, classes: int) -> tuple[str, ...]:
    with g.scope("backbone"):
        x, expansions = v3_features(g, x, _V3_REDUCED)
        levels = [expansions[-1], x]
        for index, channels in enumerate((512, 256, 256, 128)):
            with g.scope(f"extra.{index}"):
                x = conv_bn_act(g, x, channels // 2, 1, "relu6", name="0")
                x = depthwise_bn_act(g, x, 3, "relu6", stride=2, name="1")
                x = conv_bn_act(g, x, channels, 1, "relu6", name="2")
            levels.append(x)
    return tuple(
        g.concat(*(_light_head(g, y, values, f"head.{name}.{i}") for i, y in enumerate(levels)))
        for name, values in (("classification_head", classes), ("regression_head", 4))
    )


def _light_head(g: GraphBuilder, x: str, values: int, name: str, anchors: int = 6) -> str:
    with g.scope(name):
        x = depthwise_bn_act(g, x, 3, "relu6", name="0")
        return _by_anchor(g, g.conv(x, anchors * values, 1, bias=True, name="1"), values)


DETECTORS: dict[str, Entry] = {
    "ssdlite320_mobilenet_v3_large": Entry(_ssdlite, 320, classes=91, task="detection"),
    "retinanet_resnet50_fpn": Entry(_retinanet, 800, classes=91, task="detection"),
}
