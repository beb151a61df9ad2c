"""Predicted against measured, both on logarithmic scales, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeprofiler.prediction.validate.text import SCALE, quantities
from edgeprofiler.prediction.validate.validation import Compared, Validation
from edgeprofiler.views.plots.figure import new_figure

MARKERS = "osD^vP*X<>hp"


def validation_figure(validation: Validation) -> Any:
    """Return one panel a quantity: a marker for each row, an interval, and the 10 % band.

    Raises:
        Unavailable: matplotlib is not installed.
    """
    shown = quantities(validation)
    figure = new_figure(0.6 + 5.4 * len(shown), 5.2)
    for axes, quantity in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        _panel(axes, validation, quantity)
    return figure


def _panel(axes: Any, validation: Validation, quantity: str) -> None:
    scale, unit = SCALE[quantity]
    rows = validation.chosen(quantity)
    boards = sorted({c.row.device for c in rows})
    for index, board in enumerate(boards):
        chosen = [c for c in rows if c.row.device == board]
        measured = np.array([c.measured for c in chosen]) * scale
        predicted = np.array([c.predicted for c in chosen]) * scale
        low = predicted - np.array([c.low for c in chosen]) * scale
        high = np.array([c.high for c in chosen]) * scale - predicted
        axes.errorbar(
            measured, predicted, yerr=np.stack([low, high]), fmt=MARKERS[index % len(MARKERS)],
            color=f"C{index}", markersize=4, elinewidth=0.7, alpha=0.8,
            label=f"{board.removeprefix('jetson-')} ({len(chosen)})",
        )  # fmt: skip
    ends = _ends(rows, scale)
    axes.plot(ends, ends, color="black", linewidth=0.8)
    axes.fill_between(ends, 0.9 * ends, 1.1 * ends, color="grey", alpha=0.25, label="within 10 %")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(f"measured {quantity} ({unit})")
    axes.set_ylabel(f"predicted {quantity} ({unit})")
    how = f"{validation.left_out} left out" if validation.left_out else "as shipped"
    how += ", SIMULATED" if any(c.row.simulated for c in rows) else ""
    axes.set_title(f"{quantity}, {how}: MAPE {100 * validation.figures(quantity).mape:.1f} %")
    axes.grid(visible=True, which="both", linewidth=0.3, alpha=0.5)
    axes.legend(fontsize=8, loc="upper left")


def _ends(rows: list[Compared], scale: float) -> Any:
    values = [c.measured for c in rows] + [c.predicted for c in rows]
    return np.array([min(values) * 0.8, max(values) * 1.25]) * scale
