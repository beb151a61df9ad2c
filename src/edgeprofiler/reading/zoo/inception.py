"""GoogLeNet and Inception V3, as torchvision runs them at inference: no auxiliary heads.

Szegedy et al., https://arxiv.org/abs/1409.4842 and https://arxiv.org/abs/1512.00567.
"""

from __future__ import annotations

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.graphs.build import Size
from edgeprofiler.reading.zoo.family import Entry


def _conv(
    g: GraphBuilder,
    x: str,
    channels: int,
    kernel: Size,
    name: str,
    *,
    stride: int = 1,
    padding: Size | None = None,
) -> str:
    with g.scope(name):
        x = g.conv(x, channels, kernel, stride=stride, padding=padding, name="conv")
        return g.relu(g.bn(x, name="bn"))


def _google_unit(g: GraphBuilder, x: str, widths: tuple[int, ...]) -> str:
    one, three_in, three, five_in, five, pooled = widths
    return g.concat(
        _conv(g, x, one, 1, "branch1"),
        _conv(g, _conv(g, x, three_in, 1, "branch2.0"), three, 3, "branch2.1"),
        # torchvision's "5x5" branch has kernels of 3x3, a bug that its weights keep
        _conv(g, _conv(g, x, five_in, 1, "branch3.0"), five, 3, "branch3.1"),
        _conv(
            g,
            g.max_pool(x, 3, stride=1, padding=1, ceil=True, name="branch4.0"),
            pooled,
            1,
            "branch4.1",
        ),
    )


_GOOGLE: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("3a", (64, 96, 128, 16, 32, 32)),
    ("3b", (128, 128, 192, 32, 96, 64)),
    ("maxpool3", (3,)),
    ("4a", (192, 96, 208, 16, 48, 64)),
    ("4b", (160, 112, 224, 24, 64, 64)),
    ("4c", (128, 128, 256, 24, 64, 64)),
    ("4d", (112, 144, 288, 32, 64, 64)),
    ("4e", (256, 160, 320, 32, 128, 128)),
    ("maxpool4", (2,)),
    ("5a", (256, 160, 320, 32, 128, 128)),
    ("5b", (384, 192, 384, 48, 128, 128)),
)


def _googlenet(g: GraphBuilder, x: str, classes: int) -> str:
    x = _conv(g, x, 64, 7, "conv1", stride=2)
    x = g.max_pool(x, 3, stride=2, ceil=True, name="maxpool1")
    x = _conv(g, _conv(g, x, 64, 1, "conv2"), 192, 3, "conv3")
    x = g.max_pool(x, 3, stride=2, ceil=True, name="maxpool2")
    for name, widths in _GOOGLE:
        if len(widths) == 1:
            x = g.max_pool(x, widths[0], stride=2, ceil=True, name=name)
            continue
        with g.scope(f"inception{name}"):
            x = _google_unit(g, x, widths)
    return g.linear(g.flatten(g.global_avg_pool(x, name="avgpool")), classes, name="fc")


def _unit_a(g: GraphBuilder, x: str, pooled: int) -> str:
    five = _conv(g, _conv(g, x, 48, 1, "branch5x5_1"), 64, 5, "branch5x5_2")
    double = _conv(g, _conv(g, x, 64, 1, "branch3x3dbl_1"), 96, 3, "branch3x3dbl_2")
    double = _conv(g, double, 96, 3, "branch3x3dbl_3")
    mean = g.avg_pool(x, 3, stride=1, padding=1, name="pool")
    return g.concat(
        _conv(g, x, 64, 1, "branch1x1"), five, double, _conv(g, mean, pooled, 1, "branch_pool")
    )


def _unit_b(g: GraphBuilder, x: str) -> str:
    three = _conv(g, x, 384, 3, "branch3x3", stride=2, padding=0)
    double = _conv(g, _conv(g, x, 64, 1, "branch3x3dbl_1"), 96, 3, "branch3x3dbl_2")
    double = _conv(g, double, 96, 3, "branch3x3dbl_3", stride=2, padding=0)
    return g.concat(three, double, g.max_pool(x, 3, stride=2, name="pool"))


def _unit_c(g: GraphBuilder, x: str, width: int) -> str:
    seven = _conv(g, x, width, 1, "branch7x7_1")
    seven = _conv(g, seven, width, (1, 7), "branch7x7_2")
    seven = _conv(g, seven, 192, (7, 1), "branch7x7_3")
    double = _conv(g, x, width, 1, "branch7x7dbl_1")
    for number, kernel in enumerate(((7, 1), (1, 7), (7, 1)), 2):
        double = _conv(g, double, width, kernel, f"branch7x7dbl_{number}")
    double = _conv(g, double, 192, (1, 7), "branch7x7dbl_5")
    mean = g.avg_pool(x, 3, stride=1, padding=1, name="pool")
    return g.concat(
        _conv(g, x, 192, 1, "branch1x1"), seven, double, _conv(g, mean, 192, 1, "branch_pool")
    )


def _unit_d(g: GraphBuilder, x: str) -> str:
    three = _conv(g, x, 192, 1, "branch3x3_1")
    three = _conv(g, three, 320, 3, "branch3x3_2", stride=2, padding=0)
    seven = _conv(g, x, 192, 1, "branch7x7x3_1")
    seven = _conv(g, seven, 192, (1, 7), "branch7x7x3_2")
    seven = _conv(g, seven, 192, (7, 1), "branch7x7x3_3")
    seven = _conv(g, seven, 192, 3, "branch7x7x3_4", stride=2, padding=0)
    return g.concat(three, seven, g.max_pool(x, 3, stride=2, name="pool"))


def _unit_e(g: GraphBuilder, x: str) -> str:
    def both(y: str, name: str, letters: str) -> str:
        return g.concat(
            _conv(g, y, 384, (1, 3), f"{name}{letters[0]}"),
            _conv(g, y, 384, (3, 1), f"{name}{letters[1]}"),
        )

    three = both(_conv(g, x, 384, 1, "branch3x3_1"), "branch3x3_2", "ab")
    double = _conv(g, _conv(g, x, 448, 1, "branch3x3dbl_1"), 384, 3, "branch3x3dbl_2")
    double = both(double, "branch3x3dbl_3", "ab")
    mean = g.avg_pool(x, 3, stride=1, padding=1, name="pool")
    return g.concat(
        _conv(g, x, 320, 1, "branch1x1"), three, double, _conv(g, mean, 192, 1, "branch_pool")
    )


def _inception_v3(g: GraphBuilder, x: str, classes: int) -> str:
    x = _conv(g, x, 32, 3, "Conv2d_1a_3x3", stride=2, padding=0)
    x = _conv(g, x, 32, 3, "Conv2d_2a_3x3", padding=0)
    x = _conv(g, x, 64, 3, "Conv2d_2b_3x3")
    x = g.max_pool(x, 3, stride=2, name="maxpool1")
    x = _conv(g, x, 80, 1, "Conv2d_3b_1x1")
    x = _conv(g, x, 192, 3, "Conv2d_4a_3x3", padding=0)
    x = g.max_pool(x, 3, stride=2, name="maxpool2")
    for name, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        with g.scope(f"Mixed_{name}"):
            x = _unit_a(g, x, pooled)
    with g.scope("Mixed_6a"):
        x = _unit_b(g, x)
    for name, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        with g.scope(f"Mixed_{name}"):
            x = _unit_c(g, x, width)
    with g.scope("Mixed_7a"):
        x = _unit_d(g, x)
    for name in ("7b", "7c"):
        with g.scope(f"Mixed_{name}"):
            x = _unit_e(g, x)
    return g.linear(g.flatten(g.global_avg_pool(x, name="avgpool")), classes, name="fc")


INCEPTIONS: dict[str, Entry] = {
    "googlenet": Entry(_googlenet),
    "inception_v3": Entry(_inception_v3, resolution=299),
}
