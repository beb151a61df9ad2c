"""RepVGG as it is deployed: its branches merged into one 3x3 convolution each.

Ding et al., https://arxiv.org/abs/2101.03697.
"""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.zoo.family import Entry

_A, _B = (2, 4, 14, 1), (4, 6, 16, 1)


def _repvgg(
    g: GraphBuilder,
    x: str,
    classes: int,
    *,
    depths: tuple[int, ...],
    widths: tuple[float, float],
    groups: int,
) -> str:
    """Add the network; `groups` are those of every second convolution behind the first."""
    x = g.relu(g.conv(x, min(64, int(64 * widths[0])), 3, stride=2, bias=True, name="stem"))
    number = 1
    for stage, depth in enumerate(depths):
        channels = int((64 << stage) * widths[stage == len(depths) - 1])
        for index in range(depth):
            with g.scope(f"stages.{stage}.{index}"):
                parts = groups if number % 2 == 0 else 1
                stride = 1 if index else 2
                x = g.conv(x, channels, 3, stride=stride, groups=parts, bias=True, name="conv")
                x = g.relu(x)
            number += 1
    return g.linear(g.flatten(g.global_avg_pool(x, name="pool")), classes, name="head.fc")


REPVGGS: dict[str, Entry] = {
    f"repvgg_{name}": Entry(partial(_repvgg, depths=depths, widths=widths, groups=groups))
    for name, depths, widths, groups in (
        ("a0", _A, (0.75, 2.5), 1),
        ("a1", _A, (1.0, 2.5), 1),
        ("a2", _A, (1.5, 2.75), 1),
        ("b0", _B, (1.0, 2.5), 1),
        ("b1", _B, (2.0, 4.0), 1),
        ("b1g4", _B, (2.0, 4.0), 4),
        ("b2", _B, (2.5, 5.0), 1),
        ("b2g4", _B, (2.5, 5.0), 4),
        ("b3", _B, (3.0, 5.0), 1),
        ("b3g4", _B, (3.0, 5.0), 4),
    )
}
