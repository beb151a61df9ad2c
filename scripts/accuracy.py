"""Print how accurate predictions are for what was left out, and keep it in the docs.

    python scripts/accuracy.py --jobs 2          # two minutes on two cores

Rewrites the part of docs/accuracy.md between its markers, and docs/accuracy.png; nothing is written
with --no-write. The rows lie in the repository, and networks are built from the zoo; graphs of the
networks that it lacks are looked for in the folder of --shared, and without them their rows are
left out and counted.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from accuracy_tables import (
    by_labels,
    coverage_rows,
    every_row,
    layer_text,
    mode_table,
    of,
    percent,
    power_table,
    table,
)
from published import layer_samples, published_rows, published_samples, shared_option

from edgeprofiler.core.files import write_text
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.core.parallel import Workers, mapped
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.folds import KEYS, Cells, Folds
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.power_folds import PowerFolds
from edgeprofiler.prediction.calibration.problem import Problem
from edgeprofiler.prediction.calibration.rows import Sample

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE = ROOT / "docs" / "accuracy.md", ROOT / "docs" / "accuracy.png"
BEGIN, END = "<!-- accuracy:begin -->", "<!-- accuracy:end -->"
CONFIDENCE = 0.9
VARIANTS = 456
"""Changes of model, rows of the fit or deviations that were compared on these rows, counted while
they were tried: what figures of this page are optimistic by. The first round tried about a hundred
more on 120 of the rows."""
FIRST = ("netspresso-trainer", "torch2trt")
"""Sources of the first round's classifiers; the detectors of that round are yolov8 by trtutils."""


@dataclass(frozen=True)
class Fitted:
    """The rows, their fit, and the refits without groups of them."""

    samples: Sequence[Sample]
    powered: Sequence[Sample]
    problem: Problem
    folds: dict[str, Folds]
    cells: Cells

    def labels(self, key: str) -> npt.NDArray[np.str_]:
        """Return a label of each row: what `KEYS` have, or `precision`."""
        if key == "precision":
            return np.array([sample.row.precision for sample in self.samples])
        return np.array([KEYS[key](sample) for sample in self.samples])

    @property
    def classifiers(self) -> BoolArray:
        """Rows of the first round's classifiers."""
        return np.array([s.row.source in FIRST for s in self.samples])

    @property
    def detectors(self) -> BoolArray:
        """Rows of the first round's detectors."""
        return np.array(
            [
                s.row.source == "trtutils" and s.row.canonical.startswith("yolov8")
                for s in self.samples
            ]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared_option(parser)
    parser.add_argument("--jobs", type=int, default=1, help="processes that refit")
    parser.add_argument("--no-write", action="store_true", help="print, and change no file")
    options = parser.parse_args()
    rows = published_rows(options.shared)
    fitted = fit(rows, options.jobs)
    text = report(rows, fitted, options.shared)
    print(text)
    if options.no_write:
        return
    head, rest = PAGE.read_text(encoding="utf-8").split(BEGIN, 1)
    write_text(PAGE, f"{head}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}")
    picture(fitted)


KINDS = ("source", "family", "board", "network", "cells")
"""What is left out: groups of a kind, or each source's families together with the source."""


def fit(rows: Sequence[Measured], jobs: int) -> Fitted:
    """Fit the rows that count, and refit without each group of every kind."""
    samples, powered = published_samples(list(rows))
    problem = recipe.assemble(samples)
    full = problem.fit().values
    refit = partial(left_out, problem, samples, powered, full)
    outcomes = mapped(refit, KINDS, Workers(jobs), stage="kinds", ordered=True)
    *kinds, cells = (outcome.get() for outcome in outcomes)
    folds = {
        kind: found for kind, found in zip(KINDS, kinds, strict=False) if isinstance(found, Folds)
    }
    assert isinstance(cells, Cells)
    return Fitted(samples, powered, problem, folds, cells)


def left_out(
    problem: Problem,
    samples: Sequence[Sample],
    powered: Sequence[Sample],
    full: FloatArray,
    kind: str,
) -> Folds | Cells:
    """Return the refits of one kind, those of networks with power alone among them."""
    if kind == "cells":
        return Cells.of(problem, samples, full, recipe.source_spread(samples))
    extra = [KEYS[kind](sample) for sample in powered]
    return Folds.of(problem, samples, kind, full, extra=extra)


def report(rows: Sequence[Measured], fitted: Fitted, shared: Path) -> str:
    power = {kind: PowerFolds.of(fitted.folds[kind], fitted.powered, CONFIDENCE)
             for kind in ("source", "family", "network")}  # fmt: skip
    layers = layer_samples(shared)
    parts = [
        introduction(rows, fitted),
        "## Sources left out\n\n" + sources(fitted),
        "## Intervals\n\n" + intervals(fitted),
        "## Families, boards and networks left out\n\n" + other_folds(fitted),
        "## Power modes\n\n" + mode_table(fitted.samples, fitted.folds["source"].residuals(),
                                          fitted.powered, power["source"]),
        "## Power above idle\n\n" + power_table(power, fitted.powered),
        "## Layers\n\n" + layer_text(layers, shared, rows),
        "## Every row\n\n" + every_row(fitted.samples, fitted.folds["source"].residuals(),
                                       fitted.cells.half_widths(CONFIDENCE)),
    ]  # fmt: skip
    return "\n\n".join(parts)


def introduction(rows: Sequence[Measured], fitted: Fitted) -> str:
    lacking = Counter(row.canonical for row in rows if not row.model and not row.set_aside)
    text = (
        f"Made by `scripts/accuracy.py`. {len(fitted.samples)} latencies and "
        f"{len(fitted.powered)} powers of networks are fitted, with {len(recipe.SHARED)} numbers "
        f"that all boards share and {len(fitted.problem.unknowns) - len(recipe.SHARED)} factors "
        "of boards, hosts and sources that are held close to 1. About "
        f"{VARIANTS} variants were compared on these rows, so that every figure is somewhat "
        "optimistic."
    )
    if lacking:
        names = ", ".join(f"{name} {count}" for name, count in lacking.most_common())
        text += f" Left out, for want of a graph: {sum(lacking.values())} rows ({names})."
    return text


def sources(fitted: Fitted) -> str:
    residuals = fitted.folds["source"].residuals()
    every = np.ones(len(residuals), bool)
    labs = by_labels(residuals, fitted.labels("source"))
    mean = float(np.mean([found.mape for found in labs.values()]))
    goals = {"fp16": "<= 11", "fp32": "<= 14", "int8": "<= 11"}
    rows = [["all", "<= 12, median <= 9", *_figures(residuals, every)]]
    for name in ("precision", "board", "source"):
        labels = fitted.labels(name)
        rows += [
            [label, goals.get(label, ""), *_figures(residuals, labels == label)]
            for label in dict.fromkeys(labels.tolist())
        ]
    head = ["rows of", "goal, %", "rows", "MAPE", "median", "within 10 %", "bias"]
    return (
        "All rows of one lab are left out of the fit and predicted: its clocks, engines, hosts and "
        "most of its networks are new then. Each lab's rows by their own table line; the mean over "
        f"labs of MAPE is {percent(mean)}.\n\n" + table(head, rows)
    )


def _figures(residuals: FloatArray, mask: BoolArray) -> list[str]:
    found = of(residuals, mask)
    return [str(found.rows), percent(found.mape), percent(found.median),
            percent(found.within_10, 0), f"{100 * found.bias:+.1f} %"]  # fmt: skip


def intervals(fitted: Fitted) -> str:
    cells = fitted.cells
    widths = cells.half_widths(CONFIDENCE)
    groups = [("all", np.ones(len(widths), bool), "85 to 95 %")]
    for name in ("precision", "board", "source"):
        labels = fitted.labels(name)
        groups += [(label, labels == label, "") for label in dict.fromkeys(labels.tolist())]
    head = ["rows of", "goal", "truth inside", "share", "binomial 95 %", "holds 90 %",
            "median half width", "interval score"]  # fmt: skip
    return (
        "What `predict` gives by default: the interval for a lab and a family that were never "
        "seen. Nested: each row is predicted without its lab and without its family, and the width "
        "comes from refits that never saw that lab either. The interval score (Gneiting and "
        "Raftery 2007, of the logarithm) is the interval's width plus 20 times what the truth lies "
        "beyond its ends, mean over rows: less is better, and width is not free. Rows of one lab "
        "are not independent, so the binomial intervals are narrower than they should be.\n\n"
        + table(head, coverage_rows(groups, cells.residuals, widths, CONFIDENCE))
    )


def other_folds(fitted: Fitted) -> str:
    goals = {("classifiers", "network"): "<= 6", ("classifiers", "family"): "<= 10",
             ("classifiers", "board"): "<= 18", ("detectors", "network"): "<= 10"}  # fmt: skip
    every = np.ones(len(fitted.samples), bool)
    rows = []
    for kind in ("family", "board", "network"):
        residuals = fitted.folds[kind].residuals()
        for name, mask in (("all", every), ("classifiers", fitted.classifiers),
                           ("detectors", fitted.detectors)):  # fmt: skip
            rows.append([kind, name, goals.get((name, kind), ""), *_figures(residuals, mask)])
    head = ["left out", "rows", "goal, %", "count", "MAPE", "median", "within 10 %", "bias"]
    return (
        "A family, a board or a network is left out everywhere. Where rows of the same lab remain "
        "(families and networks), what they have in common with the row is taken into account, as "
        "after a calibration. Classifiers and detectors are those of the first round (72 and 48 "
        "rows).\n\n" + table(head, rows)
    )


def picture(fitted: Fitted) -> None:
    from edgeprofiler.prediction.validate.validation import Compared, Validation
    from edgeprofiler.views.plots.figure import save_figure
    from edgeprofiler.views.plots.validation import validation_figure

    widths = np.exp(fitted.cells.half_widths(CONFIDENCE))
    guesses = np.exp(fitted.folds["source"].residuals()) * np.exp(fitted.problem.observed)
    compared = [
        Compared(sample.row, "runtime", sample.row.runtime_s, float(guess), float(guess / width),
                 float(guess * width), "source")
        for sample, guess, width in zip(fitted.samples, guesses, widths, strict=True)
    ]  # fmt: skip
    save_figure(validation_figure(Validation(tuple(compared), (), "source", CONFIDENCE)), PICTURE)


if __name__ == "__main__":
    main()
