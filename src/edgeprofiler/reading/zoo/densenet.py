"""DenseNet, as in torchvision (Huang et al., https://arxiv.org/abs/1608.06993)."""

from __future__ import annotations

from functools import partial

from edgeprofiler.reading.graphs import GraphBuilder, part
from edgeprofiler.reading.zoo.family import Entry


@part
def _norm_relu_conv(g: GraphBuilder, x: str, channels: int, kernel: int, number: str = "") -> str:
    x = g.relu(g.bn(x, name=f"norm{number}"), name=f"relu{number}")
    return g.conv(x, channels, kernel, name=f"conv{number}")


def _densenet(
    g: GraphBuilder, x: str, classes: int, *, growth: int, depths: tuple[int, ...], stem: int
) -> str:
    with g.scope("features"):
        x = g.conv(x, stem, 7, stride=2, name="conv0")
        x = g.relu(g.bn(x, name="norm0"), name="relu0")
        x = g.max_pool(x, 3, stride=2, padding=1, name="pool0")
        for block, depth in enumerate(depths, 1):
            parts = [x]
            for layer in range(1, depth + 1):
                with g.scope(f"denseblock{block}.denselayer{layer}"):
                    y = g.concat(*parts) if len(parts) > 1 else parts[0]
                    y = _norm_relu_conv(g, y, 4 * growth, 1, "1")
                    parts.append(_norm_relu_conv(g, y, growth, 3, "2"))
            x = g.concat(*parts, name=f"denseblock{block}.concat")
            if block < len(depths):
                with g.scope(f"transition{block}"):
                    x = _norm_relu_conv(g, x, g.channels(x) // 2, 1)
                    x = g.avg_pool(x, 2, name="pool")
        x = g.bn(x, name="norm5")
    x = g.global_avg_pool(g.relu(x), name="avgpool")
    return g.linear(g.flatten(x), classes, name="classifier")


DENSENETS: dict[str, Entry] = {
    name: Entry(
        partial(_densenet, growth=growth, depths=depths, stem=stem),
        open=("growth", "depths", "stem"),
    )
    for name, growth, depths, stem in (
        ("densenet121", 32, (6, 12, 24, 16), 64),
        ("densenet161", 48, (6, 12, 36, 24), 96),
        ("densenet169", 32, (6, 12, 32, 32), 64),
        ("densenet201", 32, (6, 12, 48, 32), 64),
    )
}
