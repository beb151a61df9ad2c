"""Pictures on paper: what a browser draws of a picture's values, matplotlib draws here."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.views.plots.pictures import Figure

_DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
_MARK = 0.5
"""Points across a mark on paper for a pixel across it on a screen."""


def paint(axes: Any, figure: Figure, strip: Any = None) -> None:
    """Draw a picture.

    Args:
        axes: matplotlib's, empty.
        figure: as `edgeprofiler.views.plots.pictures` makes them.
        strip: axes for what the picture shows on a second y axis, which is left out where `None`.
    """
    layout, drawn = figure["layout"], figure["data"]
    for trace, before in zip(drawn, [{}, *drawn], strict=False):
        own = axes if "yaxis" not in trace else strip
        if own is not None:
            _trace(own, trace, before)
    for name in ("x", "y"):
        _axis(axes, name, layout[f"{name}axis"], scaled=bool(drawn))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    if layout.get("showlegend", True) and axes.get_legend_handles_labels()[0]:
        axes.legend(
            fontsize=7, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1),
            borderaxespad=0.2, markerscale=0.7,
        )  # fmt: skip


def _trace(axes: Any, trace: Figure, before: Figure) -> None:
    x, y = _numbers(trace["x"]), _numbers(trace["y"])
    label = plain(trace["name"]) if trace.get("showlegend", True) and "name" in trace else None
    if trace["type"] == "bar":
        colour = trace["marker"]["color"]
        if trace.get("orientation") == "h":
            bars = axes.barh(y, x, color=colour, label=label)
            axes.bar_label(bars, [f" {text}" for text in trace["text"]], fontsize=7)
            axes.margins(x=0.12)
        else:
            edge = trace["marker"]["line"]
            axes.bar(x, y, _numbers(trace["width"]), color=colour, label=label,
                     edgecolor=edge.get("color"), linewidth=_MARK * edge["width"])  # fmt: skip
            axes.margins(x=0)
    elif trace["mode"] == "markers":
        marker = trace["marker"]
        axes.scatter(x, y, s=(_MARK * _numbers(marker["size"])) ** 2, color=marker["color"],
                     alpha=marker["opacity"], linewidths=0, label=label)  # fmt: skip
    elif "fill" in trace:
        axes.fill_between(x, _numbers(before["y"]), y, color=trace["fillcolor"], linewidth=0)
    elif trace["line"]["width"]:
        line = trace["line"]
        axes.plot(
            x, y, _DASHES[line.get("dash", "solid")], color=line["color"], linewidth=1.2,
            drawstyle="steps-post" if line.get("shape") == "hv" else "default", label=label,
        )  # fmt: skip


def _axis(axes: Any, name: str, layout: Figure, *, scaled: bool) -> None:
    axis = getattr(axes, f"{name}axis")
    axis.set_label_text(plain(layout["title"]["text"]), fontsize=8)
    if layout.get("type") == "log" and scaled:
        axes.set(**{f"{name}scale": "log"})
        axes.grid(linewidth=0.4, alpha=0.5)
    if "ticktext" in layout:
        axis.set_ticks(layout["tickvals"], [plain(text) for text in layout["ticktext"]])
    if layout.get("autorange") == "reversed":
        axis.set_inverted(True)


def plain(text: str) -> str:
    """Return a text in which matplotlib finds no mathematics, which a dollar sign would begin."""
    return html.unescape(text).replace("$", r"\$")


def _numbers(values: Sequence[float | None]) -> FloatArray:
    return np.array([math.nan if v is None else v for v in values], dtype=np.float64)
