"""LeNet, AlexNet, VGG and SqueezeNet.

AlexNet (https://arxiv.org/abs/1404.5997), VGG (https://arxiv.org/abs/1409.1556) and SqueezeNet
(https://arxiv.org/abs/1602.07360) are torchvision's. LeNet is the wide one that was measured
on Jetson Orin Nano: 1x32x32, convolutions 1-128 and 128-16 of 3x3, dense 576-120-84-10.
"""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.family import Entry


def _lenet(g: GraphBuilder, x: str, classes: int) -> str:
    for number, channels in ((1, 128), (2, 16)):
        x = g.conv(x, channels, 3, padding=0, bias=True, name=f"conv{number}")
        x = g.max_pool(g.relu(x, name=f"relu{number}"), 2, name=f"pool{number}")
    x = g.flatten(x)
    x = g.relu(g.linear(x, 120, name="fc1"), name="relu3")
    x = g.relu(g.linear(x, 84, name="fc2"), name="relu4")
    return g.linear(x, classes, name="fc3")


def _alexnet(g: GraphBuilder, x: str, classes: int) -> str:
    place = 0
    for channels, kernel, stride, padding, pool in (
        (64, 11, 4, 2, True),
        (192, 5, 1, 2, True),
        (384, 3, 1, 1, False),
        (256, 3, 1, 1, False),
        (256, 3, 1, 1, True),
    ):
        x = g.conv(
            x, channels, kernel, stride=stride, padding=padding, bias=True, name=f"features.{place}"
        )
        x = g.relu(x, name=f"features.{place + 1}")
        place += 2
        if pool:
            x = g.max_pool(x, 3, stride=2, name=f"features.{place}")
            place += 1
    x = g.flatten(g.adaptive_avg_pool(x, 6, name="avgpool"))
    # dropout sits at classifier.0 and .3 while training
    x = g.relu(g.linear(x, 4096, name="classifier.1"), name="classifier.2")
    x = g.relu(g.linear(x, 4096, name="classifier.4"), name="classifier.5")
    return g.linear(x, classes, name="classifier.6")


def _vgg(
    g: GraphBuilder, x: str, classes: int, *, convolutions: tuple[int, ...], norm: bool
) -> str:
    place = 0
    for depth, channels in zip(convolutions, (64, 128, 256, 512, 512), strict=True):
        for _ in range(depth):
            x = g.conv(x, channels, 3, bias=True, name=f"features.{place}")
            if norm:
                x = g.bn(x, name=f"features.{place + 1}")
            place += 3 if norm else 2
            x = g.relu(x, name=f"features.{place - 1}")
        x = g.max_pool(x, 2, name=f"features.{place}")
        place += 1
    x = g.flatten(g.adaptive_avg_pool(x, 7, name="avgpool"))
    x = g.relu(g.linear(x, 4096, name="classifier.0"), name="classifier.1")
    x = g.relu(g.linear(x, 4096, name="classifier.3"), name="classifier.4")
    return g.linear(x, classes, name="classifier.6")


def _fire(g: GraphBuilder, x: str, squeeze: int, expand: int) -> str:
    x = g.conv(x, squeeze, 1, bias=True, name="squeeze")
    x = g.relu(x, name="squeeze_activation")
    small = g.conv(x, expand, 1, bias=True, name="expand1x1")
    large = g.conv(x, expand, 3, bias=True, name="expand3x3")
    return g.concat(
        g.relu(small, name="expand1x1_activation"), g.relu(large, name="expand3x3_activation")
    )


def _squeezenet(
    g: GraphBuilder, x: str, classes: int, *, stem: int, kernel: int, pools: tuple[int, ...]
) -> str:
    """`pools` lists the places of the poolings among torchvision's `features`."""
    x = g.conv(x, stem, kernel, stride=2, padding=0, bias=True, name="features.0")
    x = g.relu(x, name="features.1")
    widths = iter((16, 16, 32, 32, 48, 48, 64, 64))
    for place in range(2, 13):
        if place in pools:
            x = g.max_pool(x, 3, stride=2, ceil=True, name=f"features.{place}")
        else:
            squeeze = next(widths)
            with g.scope(f"features.{place}"):
                x = _fire(g, x, squeeze, 4 * squeeze)
    x = g.relu(g.conv(x, classes, 1, bias=True, name="classifier.1"), name="classifier.2")
    return g.flatten(g.global_avg_pool(x, name="classifier.3"))


_VGG = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}

CLASSICS: dict[str, Entry] = {
    "lenet": Entry(_lenet, resolution=32, channels=1, classes=10),
    "alexnet": Entry(_alexnet),
    **{
        name + ("_bn" if norm else ""): Entry(
            partial(_vgg, convolutions=depths, norm=norm), open=("convolutions",)
        )
        for name, depths in _VGG.items()
        for norm in (False, True)
    },
    "squeezenet1_0": Entry(partial(_squeezenet, stem=96, kernel=7, pools=(2, 6, 11))),
    "squeezenet1_1": Entry(partial(_squeezenet, stem=64, kernel=3, pools=(2, 5, 8))),
}
