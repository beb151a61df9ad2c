"""Pictures of data sets and of evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.files import make_folder
from edgeprofiler.core.network import KINDS as ALL_KINDS
from edgeprofiler.core.network import FloatArray
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.training.evaluation import SHOWN, Answered, Evaluation
from edgeprofiler.learning.training.options import KINDS, QUANTITIES
from edgeprofiler.views.plots.figure import new_figure, save_figure
from edgeprofiler.views.plots.series import COLOURS

_UNIT = {"runtime_s": (1e6, "µs"), "power_above_idle_w": (1.0, "W")}
_WAYS = ("C0", "C3", "0.55", "C4", "C5")
MAX_BARS = 60
"""Layers of a network that are drawn; the longest of them where there are more."""


def draw_coverage(data: Dataset) -> Any:
    """Return a figure of which sizes of layers a data set covers, and how often networks do."""
    figure = new_figure(9.0, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
    kind = data.text("kind")
    moved = np.maximum(np.nan_to_num(data.number("bytes_moved")), 1.0)
    time = data.number("runtime_s") * 1e6
    for name in ALL_KINDS:
        rows = kind == name
        if rows.any():
            left.scatter(
                moved[rows], time[rows], s=12, alpha=0.6, linewidths=0, color=COLOURS[name],
                label=f"{name} ({int(rows.sum())})",
            )  # fmt: skip
    left.set(
        xscale="log", yscale="log", xlabel="bytes moved", ylabel="runtime (µs)",
        title=f"{len(data)} layers",
    )  # fmt: skip
    left.grid(visible=True, alpha=0.2)
    left.legend(fontsize="small")
    names = data.networks
    start = np.zeros(len(names))
    for name in ALL_KINDS:
        counts = np.array(
            [int(((data.text("network") == n) & (kind == name)).sum()) for n in names]
        )
        right.barh(names, counts, left=start, color=COLOURS[name])
        start += counts
    right.set(xlabel="layers", title=f"{len(names)} networks")
    right.tick_params(axis="y", labelsize=max(4.0, min(8.0, 180 / max(len(names), 1))))
    right.invert_yaxis()
    return figure


def draw_scatter(evaluation: Evaluation) -> Any:
    """Return predicted against measured, a panel for runtime and one for power."""
    figure, panels = _sheet(evaluation, 4.7, 4.6)
    way = evaluation.ways[0]
    for axes, quantity in panels:
        factor, unit = _UNIT[quantity]
        scale = "log" if quantity == "runtime_s" else "linear"
        truth = evaluation.table.data.number(quantity) * factor
        seen: list[FloatArray] = []
        for kind, guess in _judged(evaluation, quantity):
            axes.scatter(truth, guess * factor, s=12, alpha=0.6, linewidths=0,
                         color=COLOURS[kind], label=kind)  # fmt: skip
            known = np.isfinite(guess)
            seen.extend((truth[known], guess[known] * factor))
        ends = np.array([np.concatenate(seen).min() * 0.8, np.concatenate(seen).max() * 1.25])
        axes.plot(ends, ends, color="black", lw=1)
        axes.fill_between(ends, ends * 0.9, ends * 1.1, color="black", alpha=0.08, lw=0,
                          label="within 10 %")  # fmt: skip
        rmspe = evaluation.errors(way, "all", quantity)["rmspe"]
        axes.set(
            xscale=scale, yscale=scale, xlabel=f"measured ({unit})", ylabel=f"predicted ({unit})",
            title=f"{SHOWN[quantity]}: RMSPE {100 * (rmspe or 0):.1f} %", xlim=ends, ylim=ends,
        )  # fmt: skip
        axes.grid(visible=True, which="both", alpha=0.15)
        axes.legend(fontsize="small", loc="upper left")
    figure.suptitle(f"{way.name}, {evaluation.scheme}", fontsize="medium")
    return figure


def draw_residuals(evaluation: Evaluation) -> Any:
    """Return relative errors over multiply-accumulates."""
    figure, panels = _sheet(evaluation, 8.0, 2.9, rows=True)
    data = evaluation.table.data
    macs = np.maximum(np.nan_to_num(data.number("macs")), 1.0)
    for axes, quantity in panels:
        for kind, guess in _judged(evaluation, quantity):
            error = 100 * (guess / data.number(quantity) - 1)
            axes.scatter(
                macs, error, s=12, alpha=0.6, linewidths=0, color=COLOURS[kind], label=kind
            )
        axes.axhspan(-10, 10, color="black", alpha=0.08, lw=0)
        axes.axhline(0, color="black", lw=1)
        axes.set(xscale="log", ylabel=f"error of {SHOWN[quantity]} (%)")
        axes.grid(visible=True, alpha=0.2)
    axes.set_xlabel("multiply-accumulates (1 where there are none)")
    axes.legend(fontsize="small")
    return figure


def draw_layers(evaluation: Evaluation, network: str) -> Any:
    """Return bars of measured and predicted runtime and power for each layer of a network."""
    data = evaluation.table.data
    own = np.flatnonzero(data.text("network") == network)
    way = evaluation.ways[0]
    guesses = {q: _merged(way, q, len(data)) for q in QUANTITIES}
    shown = own[np.any([np.isfinite(guess[own]) for guess in guesses.values()], axis=0)]
    if not shown.size:
        raise InsufficientData(f"no layer of {network} is predicted by the trained models")
    total = len(shown)
    if total > MAX_BARS:
        shown = np.sort(shown[np.argsort(-data.number("runtime_s")[shown])[:MAX_BARS]])
    width = max(6.0, 0.16 * len(shown) + 2.5)
    figure, panels = _sheet(evaluation, width, 2.6, rows=True)
    place = np.arange(len(shown))
    for axes, quantity in panels:
        factor, unit = _UNIT[quantity]
        axes.bar(place - 0.2, data.number(quantity)[shown] * factor, 0.4, color="0.55",
                 label="measured")  # fmt: skip
        axes.bar(place + 0.2, guesses[quantity][shown] * factor, 0.4, color="C0", label=way.name)
        axes.set(ylabel=f"{SHOWN[quantity]} ({unit})", xlim=(-0.8, len(shown) - 0.2))
        axes.grid(visible=True, axis="y", alpha=0.2)
    axes.set_xlabel(
        "layer, in order"
        + (f" (the {len(shown)} longest of {total})" if total > len(shown) else "")
    )
    axes.set_xticks(place, [str(i) for i in data.integer("layer")[shown]], fontsize=6, rotation=90)
    figure.axes[0].legend(fontsize="small")
    figure.suptitle(f"{network}, not seen in training", fontsize="medium")
    return figure


def draw_comparison(evaluation: Evaluation) -> Any:
    """Return bars of RMSPE for each way of predicting, by kind of layer."""
    figure, panels = _sheet(evaluation, 4.7, 3.8)
    kinds = ("all", *KINDS)
    for axes, quantity in panels:
        width = 0.8 / len(evaluation.ways)
        for index, way in enumerate(evaluation.ways):
            values = [evaluation.errors(way, kind, quantity)["rmspe"] for kind in kinds]
            heights = [100 * value if value is not None else 0.0 for value in values]
            axes.bar(np.arange(len(kinds)) + index * width - 0.4 + width / 2, heights, width,
                     label=way.name, color=_WAYS[index % len(_WAYS)])  # fmt: skip
        axes.set(yscale="log", ylabel="RMSPE (%)", title=SHOWN[quantity])
        axes.margins(y=0.25)
        axes.set_xticks(np.arange(len(kinds)), kinds, fontsize="small")
        axes.grid(visible=True, axis="y", which="both", alpha=0.2)
        axes.legend(fontsize="small")
    figure.suptitle(evaluation.scheme, fontsize="medium")
    return figure


def draw_curve(evaluation: Evaluation) -> Any:
    """Return the error on unseen networks over the number of networks trained on."""
    if not evaluation.learning_curve:
        raise InsufficientData("the evaluation has no learning curve; ask for it")
    figure = new_figure(6.0, 3.8)
    axes = figure.add_subplot()
    sizes, errors = zip(*evaluation.learning_curve, strict=True)
    axes.plot(sizes, 100 * np.array(errors), marker="o")
    axes.set(
        xlabel="networks trained on", ylabel="RMSPE of runtime on the others (%)", ylim=(0, None),
        title=f"{evaluation.ways[0].name}: three draws each",
    )  # fmt: skip
    axes.set_xticks(sizes)
    axes.grid(visible=True, alpha=0.2)
    return figure


def save_evaluation(evaluation: Evaluation, folder: Path, networks: tuple[str, ...]) -> list[Path]:
    """Write all pictures of an evaluation into `folder`, which is made, and return their paths."""
    make_folder(folder)
    figures = {
        "predicted-measured": draw_scatter(evaluation),
        "residuals": draw_residuals(evaluation),
        "comparison": draw_comparison(evaluation),
    }
    if evaluation.learning_curve:
        figures["learning-curve"] = draw_curve(evaluation)
    for network in networks:
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in network)
        figures[f"layers-{safe}"] = draw_layers(evaluation, network)
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        save_figure(figure, paths[-1])
    return paths


def _sheet(
    evaluation: Evaluation, width_in: float, height_in: float, *, rows: bool = False
) -> tuple[Any, list[tuple[Any, str]]]:
    """A figure with a panel of that size for each quantity, side by side or as rows."""
    ways, count = evaluation.ways[0], len(evaluation.table.data)
    shown = [q for q in QUANTITIES if np.isfinite(_merged(ways, q, count)).any()]
    if not shown:
        raise InsufficientData("there is nothing to draw: no quantity was evaluated")
    across, down = (1, len(shown)) if rows else (len(shown), 1)
    figure = new_figure(width_in * across, height_in * down)
    panels = figure.subplots(down, across, squeeze=False, sharex=rows).ravel()
    return figure, list(zip(panels, shown, strict=True))


def _judged(evaluation: Evaluation, quantity: str) -> list[tuple[str, FloatArray]]:
    """What the recipe says of each kind of layer that it says anything of."""
    answers = evaluation.ways[0].answers
    said = [(kind, answers[kind, quantity]) for kind in KINDS if (kind, quantity) in answers]
    found = [(kind, evaluation.judged(guess, quantity)) for kind, guess in said]
    return [(kind, guess) for kind, guess in found if np.isfinite(guess).any()]


def _merged(way: Answered, quantity: str, rows: int) -> FloatArray:
    found = np.full(rows, np.nan)
    for kind in KINDS:
        values = way.answers.get((kind, quantity))
        if values is not None:
            found = np.where(np.isfinite(values), values, found)
    return found
