"""FCN and DeepLabV3 on ResNet-50 as in torchvision, and U-Net.

Long et al., https://arxiv.org/abs/1411.4038; Chen et al., https://arxiv.org/abs/1706.05587;
Ronneberger et al., https://arxiv.org/abs/1505.04597. All end at the scores of each pixel. The
auxiliary heads that torchvision trains with are left out.
"""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.family import Entry
from edgeprofiler.reading.zoo.resnet import ResNet

_BACKBONE = ResNet((3, 4, 6, 3), deep=True, dilated=True)


def _conv_bn_relu(
    g: GraphBuilder, x: str, channels: int, kernel: int, place: int = 0, *, dilation: int = 1
) -> str:
    """Add convolution, normalisation and rectifier as parts `place`, and the two behind."""
    x = g.conv(x, channels, kernel, dilation=dilation, name=f"{place}")
    return g.relu(g.bn(x, name=f"{place + 1}"), name=f"{place + 2}")


def _features(g: GraphBuilder, x: str) -> str:
    with g.scope("backbone"):
        return _BACKBONE.features(g, x)[-1]


def _fcn(g: GraphBuilder, x: str, classes: int) -> str:
    y = _features(g, x)
    with g.scope("classifier"):
        y = _conv_bn_relu(g, y, g.channels(y) // 4, 3)
        y = g.conv(y, classes, 1, bias=True, name="4")
    return g.resize_to(y, x, mode="linear")


def _deeplab(g: GraphBuilder, x: str, classes: int) -> str:
    y = _features(g, x)
    with g.scope("classifier"):
        with g.scope("0"):
            y = _pyramid(g, y, 256)
        y = _conv_bn_relu(g, y, 256, 3, 1)
        y = g.conv(y, classes, 1, bias=True, name="4")
    return g.resize_to(y, x, mode="linear")


def _pyramid(g: GraphBuilder, x: str, channels: int) -> str:
    """Look at several distances at once, and at the mean of the image."""
    found = []
    for index, dilation in enumerate((1, 12, 24, 36)):
        with g.scope(f"convs.{index}"):
            found.append(
                _conv_bn_relu(g, x, channels, 1 if dilation == 1 else 3, dilation=dilation)
            )
    with g.scope("convs.4"):
        mean = _conv_bn_relu(g, g.global_avg_pool(x, name="0"), channels, 1, 1)
        found.append(g.resize_to(mean, x, mode="linear"))
    with g.scope("project"):
        return _conv_bn_relu(g, g.concat(*found), channels, 1)


def _unet(g: GraphBuilder, x: str, classes: int, *, base: int) -> str:
    """With padding and normalisation, and learned up-sampling."""
    found = []
    for level in range(5):
        with g.scope(f"encoder{level + 1}" if level < 4 else "bottleneck"):
            if level:
                x = g.max_pool(x, 2, name="pool")
            x = _double(g, x, base << level)
        found.append(x)
    for level in reversed(range(4)):
        x = g.deconv(x, base << level, 2, stride=2, name=f"upconv{level + 1}")
        with g.scope(f"decoder{level + 1}"):
            x = _double(g, g.concat(x, found[level]), base << level)
    return g.conv(x, classes, 1, bias=True, name="conv")


def _double(g: GraphBuilder, x: str, channels: int) -> str:
    return _conv_bn_relu(g, _conv_bn_relu(g, x, channels, 3), channels, 3, 3)


SEGMENTERS: dict[str, Entry] = {
    "fcn_resnet50": Entry(_fcn, 520, classes=21, task="segmentation"),
    "deeplabv3_resnet50": Entry(_deeplab, 520, classes=21, task="segmentation"),
    "unet": Entry(partial(_unet, base=64), 512, classes=2, task="segmentation"),
}
