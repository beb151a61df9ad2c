"""Box plots of a benchmark: latency by backend, and times of the slowest layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.views.plots.figure import new_figure

if TYPE_CHECKING:
    from edgeprofiler.measurement.benchmark import BackendResult, Benchmark

SLOWEST = 12
"""Layers of a backend that are drawn."""

_MAX_NAME = 34
_KIND_COLOURS = {
    "convolutional": "#4c78a8",
    "pooling": "#54a24b",
    "dense": "#e45756",
    "other": "#9d9d9d",
}
_BOX = {"patch_artist": True, "showfliers": False, "whis": (5, 95), "widths": 0.6}


def draw_benchmark(benchmark: Benchmark) -> Any:
    """Return a matplotlib figure: a box for each backend, and for its slowest layers.

    Boxes span the middle half of the runs and whiskers 5 to 95 %.

    Raises:
        InsufficientData: no backend ran.
        Unavailable: matplotlib is missing.
    """
    ran = [result for result in benchmark.results if result.ran and len(result.latency_s)]
    if not ran:
        raise InsufficientData("no backend ran, so there is nothing to draw")
    layered = [result for result in ran if result.layers]
    rows = [0.5 * len(ran) + 0.9]
    rows += [0.26 * min(len(r.layers), SLOWEST) + 0.9 for r in layered]
    figure = new_figure(8, sum(rows) + 0.3)
    axes = figure.subplots(len(rows), 1, squeeze=False, height_ratios=rows)[:, 0]
    _draw_backends(axes[0], ran, benchmark.model)
    for ax, result in zip(axes[1:], layered, strict=True):
        _draw_layers(ax, result)
    return figure


def _draw_backends(ax: Any, ran: list[BackendResult], model: str) -> None:
    boxes = ax.boxplot(
        [result.latency_s * 1e3 for result in ran], orientation="horizontal", **_BOX
    )  # fmt: skip
    _paint(boxes, ["#72b7b2"] * len(ran))
    ax.set_yticks(range(1, len(ran) + 1), [result.backend for result in ran])
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.set_xlabel("latency of one run, ms (no profiler)", fontsize=8)
    ax.set_title(f"{model}: box 25-75 %, whiskers 5-95 % of {len(ran[0].latency_s)} runs",
                 fontsize=10, loc="left")  # fmt: skip
    _tidy(ax)


def _draw_layers(ax: Any, result: BackendResult) -> None:
    slowest = sorted(
        (layer for layer in result.layers if np.isfinite(layer.median_s)),
        key=lambda layer: -layer.median_s,
    )[:SLOWEST]
    values = [layer.duration_s[np.isfinite(layer.duration_s)] * 1e3 for layer in slowest]
    boxes = ax.boxplot(values, orientation="horizontal", **_BOX)
    _paint(boxes, [_KIND_COLOURS.get(layer.kind, "#9d9d9d") for layer in slowest])
    ax.set_yticks(range(1, len(slowest) + 1), [_short(layer.name) for layer in slowest], fontsize=7)
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.set_xlabel("time of the layer, ms (with profiler)", fontsize=8)
    share = sum(layer.median_s for layer in slowest) / result.layer_sum_s
    ax.set_title(
        f"{result.backend}: {len(slowest)} slowest of {len(result.layers)} layers, "
        f"{share:.0%} of their sum",
        fontsize=9, loc="left",
    )  # fmt: skip
    kinds = dict.fromkeys(layer.kind for layer in slowest)
    from matplotlib.patches import Patch

    ax.legend(
        handles=[Patch(color=_KIND_COLOURS.get(kind, "#9d9d9d"), label=kind) for kind in kinds],
        fontsize=7, loc="lower right", frameon=False,
    )  # fmt: skip
    _tidy(ax)


def _paint(boxes: dict[str, Any], colours: list[str]) -> None:
    for patch, colour in zip(boxes["boxes"], colours, strict=True):
        patch.set_facecolor(colour)
        patch.set_edgecolor("#333333")
        patch.set_linewidth(0.6)
    for line in (*boxes["medians"], *boxes["whiskers"], *boxes["caps"]):
        line.set_color("#222222")
        line.set_linewidth(0.9)


def _tidy(ax: Any) -> None:
    ax.tick_params(labelsize=8)
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)
    ax.spines[["top", "right"]].set_visible(False)


def _short(name: str) -> str:
    """The end of a long name, where names of one network differ."""
    return name if len(name) <= _MAX_NAME else "…" + name[1 - _MAX_NAME :]
