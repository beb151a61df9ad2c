"""Energy an image against latency, one point a combination, the Pareto front drawn through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.views.plots.figure import new_figure

if TYPE_CHECKING:
    from edgeprofiler.decision.sweep import Sweep

_MARKERS = "osD^vP*X<>"


def draw_sweep(result: Sweep) -> Any:
    """Return a matplotlib figure; colour is the board and mode, marker the precision."""
    figure = new_figure(7.0, 4.6)
    axes = figure.add_subplot()
    latency, energy = result.end_to_end_s * 1e3, result.energy_per_image_j * 1e3
    boards = result.boards
    devices = list(dict.fromkeys(boards))
    precisions = list(dict.fromkeys(result.precision))
    for d, device in enumerate(devices):
        for p, precision in enumerate(precisions):
            at = np.array(
                [
                    i
                    for i in range(len(result))
                    if boards[i] == device and result.precision[i] == precision
                ],
                dtype=np.int64,
            )
            axes.scatter(
                latency[at],
                energy[at],
                s=16,
                marker=_MARKERS[p % len(_MARKERS)],
                color=f"C{d % 10}",
                alpha=0.7,
                linewidths=0,
                label=f"{device}, {precision}",
            )
    front = np.flatnonzero(result.pareto)
    front = front[np.argsort(latency[front])]
    axes.plot(latency[front], energy[front], color="black", lw=1, label="Pareto front")
    for name, _, number in result.where.limits if result.where is not None else ():
        if name == "latency_ms":
            axes.axvline(number, color="C3", ls="--", lw=1, label=f"{name} {number:g}")
        elif name == "energy_per_image_mj":
            axes.axhline(number, color="C3", ls="--", lw=1, label=f"{name} {number:g}")
        elif name == "fps" and len(set(result.batch.tolist())) == 1:  # one batch: one latency
            latest = 1e3 * float(result.batch[0]) / number
            axes.axvline(latest, color="C3", ls=":", lw=1, label=f"{name} {number:g}")
        elif name == "power_w" and result.rate_hz is None:  # energy over time, of one batch each
            for batch in sorted(set(result.batch.tolist())):
                ends = np.array([latency.min(), latency.max()])
                axes.plot(ends, number * ends / batch, color="C3", ls="-.", lw=1,
                          label=f"{name} {number:g}, batch {batch}")  # fmt: skip
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="end to end (ms)",
        ylabel="energy an image, idle included (mJ)",
        title=f"{result.network}: {len(result):,} combinations, predicted",
    )
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend(fontsize="small", loc="best")
    return figure
