"""Box plots of a benchmark: latency by backend, and times of the slowest layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.text import short_name
from edgeprofiler.views.plots.figure import new_figure
from edgeprofiler.views.plots.paint import plain
from edgeprofiler.views.plots.series import COLOURS

if TYPE_CHECKING:
    from edgeprofiler.measurement.benchmark import BackendResult, Benchmark

SLOWEST = 12
"""Layers of a backend that are drawn."""

_MAX_NAME = 34
_LINE = {"color": "#222222", "linewidth": 0.9}
_BOX = {
    "orientation": "horizontal", "patch_artist": True, "showfliers": False, "whis": (5, 95),
    "widths": 0.6, "boxprops": {"edgecolor": "#333333", "linewidth": 0.6}, "medianprops": _LINE,
    "whiskerprops": _LINE, "capprops": _LINE,
}  # fmt: skip


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
    times = [result.latency_s for result in ran]
    _boxes(ax, times, [result.backend for result in ran], ["#72b7b2"] * len(ran))
    ax.set_xlabel("latency of one run, ms (no profiler)", fontsize=8)
    spread = f"box 25-75 %, whiskers 5-95 % of {len(ran[0].latency_s)} runs"
    ax.set_title(f"{plain(short_name(model, 60))}: {spread}", fontsize=10, loc="left")


def _draw_layers(ax: Any, result: BackendResult) -> None:
    from matplotlib.patches import Patch

    slowest = result.slowest(SLOWEST)
    times = [layer.duration_s[np.isfinite(layer.duration_s)] for layer in slowest]
    names = [short_name(layer.name, _MAX_NAME) for layer in slowest]
    _boxes(ax, times, names, [COLOURS[layer.kind] for layer in slowest])
    ax.set_xlabel("time of the layer, ms (with profiler)", fontsize=8)
    share = sum(layer.median_s for layer in slowest) / result.layer_sum_s
    ax.set_title(
        f"{result.backend}: {len(slowest)} slowest of {len(result.layers)} layers, "
        f"{share:.0%} of their sum",
        fontsize=9, loc="left",
    )  # fmt: skip
    kinds = dict.fromkeys(layer.kind for layer in slowest)
    handles = [Patch(color=COLOURS[kind], label=kind) for kind in kinds]
    ax.legend(handles=handles, fontsize=7, loc="lower right", frameon=False)


def _boxes(ax: Any, times_s: list[FloatArray], names: list[str], colours: list[str]) -> None:
    """Draw a box for each of several things, from the top down."""
    drawn = ax.boxplot([times * 1e3 for times in times_s], **_BOX)
    for patch, colour in zip(drawn["boxes"], colours, strict=True):
        patch.set_facecolor(colour)
    ax.set_yticks(range(1, len(names) + 1), [plain(name) for name in names], fontsize=7)
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.tick_params(labelsize=8)
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)
    ax.spines[["top", "right"]].set_visible(False)
