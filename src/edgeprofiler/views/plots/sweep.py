"""Energy an image against latency, one point a combination, the Pareto front drawn through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.views.plots.figure import new_figure

if TYPE_CHECKING:
    from edgeprofiler.decision.sweep import Sweep

_MARKERS = "osD^vP*X<>"
_MOST_LINES = 4
"""Batches whose limits are drawn; more are no longer told apart."""


def draw_sweep(result: Sweep) -> Any:
    """Return a matplotlib figure; colour is the board and mode, marker the precision."""
    figure = new_figure(7.0, 4.6)
    axes = figure.add_subplot()
    latency, energy = result.end_to_end_s * 1e3, result.energy_per_image_j * 1e3
    boards = result.boards
    precisions = list(dict.fromkeys(result.precision))
    of_precision = [np.array(result.precision) == precision for precision in precisions]
    for d, device in enumerate(dict.fromkeys(boards)):
        of_board = np.array(boards) == device
        for p, precision in enumerate(precisions):
            at = of_board & of_precision[p]
            axes.scatter(
                latency[at], energy[at], s=16, marker=_MARKERS[p % len(_MARKERS)],
                color=f"C{d % 10}", alpha=0.7, linewidths=0, label=f"{device}, {precision}",
            )  # fmt: skip
    front = np.flatnonzero(result.pareto)
    front = front[np.argsort(latency[front])]
    axes.plot(latency[front], energy[front], color="black", lw=1, label="Pareto front")
    _draw_limits(axes, result)
    axes.set(
        xscale="log", yscale="log", title=_title(result),
        xlabel="end to end (ms)", ylabel="energy an image, idle included (mJ)",
    )  # fmt: skip
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend(fontsize="small", loc="best")
    return figure


def _title(result: Sweep) -> str:
    pace = "" if result.rate_hz is None else f", at {result.rate_hz:g} images/s"
    title = f"{result.title}: {result.count:,} combinations, predicted{pace}"
    return title if result.where is None else f"{title}\n{result.where.text}"


def _draw_limits(axes: Any, result: Sweep) -> None:
    """Draw what the condition of a sweep limits, as lines over latency and energy an image.

    What is limited by the second is another line for each batch; power at a rate is no line here.
    """
    if result.where is None or not len(result):
        return
    batches = sorted(set(result.batch.tolist()))[:_MOST_LINES]
    ends = 1e3 * np.array([result.end_to_end_s.min(), result.end_to_end_s.max()])
    for name, _, number in result.where.limits:
        style = {"color": "C3", "lw": 1, "label": f"{name} {number:g}"}
        if name == "latency_ms":
            axes.axvline(number, ls="--", **style)
        elif name == "energy_per_image_mj":
            axes.axhline(number, ls="--", **style)
        for batch in batches:
            style["label"] = f"{name} {number:g}, batch {batch}"
            if name == "fps" and number > 0:
                axes.axvline(1e3 * batch / number, ls=":", **style)
            elif name == "energy_mj":
                axes.axhline(number / batch, ls=":", **style)
            elif name == "power_w" and result.rate_hz is None:
                axes.plot(ends, number * ends / batch, ls="-.", **style)
