"""Leave out sources, families and networks, and write how wide intervals must be.

    python scripts/fit_intervals.py --shared ../shared

Writes `uncertainty/data/intervals.toml`: factors and half widths by what is left out, the doubt of
the fitted numbers, and the networks and layers that they were fitted on. Run after `fit_prior.py`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from published import layer_samples, published_rows, published_samples, shared_option

from edgeprofiler.core.files import write_text
from edgeprofiler.core.network import Columns, FloatArray, Layer
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.folds import KEYS, Cells, Folds, quantile
from edgeprofiler.prediction.calibration.power_folds import PowerFolds
from edgeprofiler.prediction.calibration.problem import Problem
from edgeprofiler.prediction.calibration.rows import Rows, Sample
from edgeprofiler.prediction.calibration.solve import Solution
from edgeprofiler.prediction.calibration.write import toml_table
from edgeprofiler.prediction.costmodel.parameters import parameters_of
from edgeprofiler.prediction.costmodel.work import Work
from edgeprofiler.prediction.uncertainty.conformal import half_width
from edgeprofiler.prediction.uncertainty.fitted import describe, logarithm, network_features
from edgeprofiler.prediction.validate.networks import network_of

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "edgeprofiler"
TARGET = PACKAGE / "prediction" / "uncertainty" / "data" / "intervals.toml"
LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.98)
Table = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared_option(parser)
    shared = parser.parse_args().shared
    timed, powered = published_samples(published_rows(shared))
    problem = recipe.assemble(timed)
    full = problem.fit()
    runtime: Table = {}
    power: Table = {}
    cells = Cells.of(problem, timed, full.values, recipe.source_spread(timed), nested=False)
    runtime["source"] = [cells.multiplier(level) for level in LEVELS]
    print(f"source   runtime {runtime['source'][3]:.3f} deviations")
    for kind in ("source", "family", "network"):
        extra = [KEYS[kind](s) for s in powered]
        folds = Folds.of(problem, timed, kind, full.values, extra=extra)
        if kind != "source":
            runtime[kind] = widths(folds.residuals(), folds.labels.tolist())
            print(f"{kind:8s} runtime {runtime[kind][3]:.3f}")
        found = PowerFolds.of(folds, powered, 0.9)
        power[kind] = [quantile(found.residuals, level) for level in LEVELS]
        print(f"{kind:8s} power   {power[kind][3]:.3f}")
    # A new source's power is no better known than a new family's.
    power["source"] = np.maximum(power["source"], power["family"]).tolist()
    text = (
        "# Written by scripts/fit_intervals.py, at each of `levels`: half widths of intervals in\n"
        "# log space, from residuals of what was left out (`runtime.source`: factors on the doubt\n"
        "# of a time); then the doubt of the fitted numbers, and what they were fitted on.\n"
        'schema = "edgeprofiler.intervals/2"\n'
        f"levels = {list(LEVELS)}\n"
        f"power_modes = {power_modes(powered)}\n".replace("'", '"')
    )
    text += toml_table("runtime", runtime) + toml_table("power", power)
    text += toml_table("layer_runtime", layer_widths(shared))
    boards = Counter(sample.device.name for sample in timed)
    text += toml_table("boards", boards) + doubt_tables(problem, full, boards)
    networks, layers = fitted_tables([*timed, *powered])
    write_text(TARGET, text + toml_table("networks", networks) + toml_table("layers", layers))


def power_modes(powered: Sequence[Sample]) -> list[str]:
    """Return the modes of the board whose power was measured over many networks."""
    return sorted({s.device.mode.name for s in powered if s.device.name == "jetson-orin-nano"})


def layer_widths(shared: Path) -> dict[str, list[float]]:
    """Return half widths of single layers, from MobileNetV2's, which take part in no fit."""
    samples = layer_samples(shared)
    rows = Rows.of(samples)
    residuals = rows.log_seconds(parameters_of(samples[0].device)) - rows.observed
    products = np.array([bool(s.work.flops.sum() > 0) for s in samples])
    found = {"products": widths(residuals[products]), "others": widths(residuals[~products])}
    print("layers   runtime " + ", ".join(f"{n} {w[3]:.3f}" for n, w in found.items()))
    return found


def doubt_tables(problem: Problem, full: Solution, boards: Iterable[str]) -> str:
    """Return what is not known of the numbers, without what belongs to a source alone."""
    kept = {"": ""} | {name: f"host {name}" for name in recipe.HOSTS}
    kept |= {name: f"board {name}" for name in boards}
    index = [i for i, u in enumerate(problem.unknowns) if u.label in kept]
    covariance = full.covariance[np.ix_(index, index)]
    chosen = [problem.unknowns[i] for i in index]
    table: Table = {
        "names": [u.name for u in chosen],
        "labels": [kept[u.label] for u in chosen],
        "host_spread": recipe.HOST_SPREAD,
        "row_error": recipe.row_error(),
        "covariance": [[float(f"{v:.3g}") for v in row] for row in covariance.tolist()],
    }
    return (
        toml_table("doubt", table)
        + toml_table("doubt.sources", recipe.STACK)
        + toml_table("doubt.boards", recipe.BOARD)
        + toml_table("doubt.spread", recipe.SPREAD)
    )


def fitted_tables(samples: Sequence[Sample]) -> tuple[Table, Table]:
    """Return the networks that were fitted, with their features, and some of their layers."""
    networks: dict[str, FloatArray] = {}
    named = []
    for sample in samples:
        row = sample.row
        name = row.canonical + (f" at {row.shape[-1]} px" if row.shape[-1:] != (224,) else "")
        if name in networks or not row.shape:
            continue
        network = network_of(row)
        networks[name] = network_features(network.columns)
        named.append((name, network.layers, network.columns))
    table = {
        "names": list(networks),
        "features": [[round(float(v), 4) for v in f] for f in networks.values()],
    }
    return table, representative(named)


def representative(
    named: Sequence[tuple[str, Sequence[Layer], Columns]],
) -> dict[str, list[Any]]:
    """Return one layer for each cell of a grid of class, FLOP and bytes, as table columns.

    Args:
        named: name, layers and columns of each fitted network.
    """
    cells: dict[tuple[int, int, int], tuple[str, int, float, float]] = {}
    for name, layers, columns in named:
        work = Work.of(columns)
        flops, moved = logarithm(work.flops), logarithm(work.bytes_moved)
        for index in np.flatnonzero((work.runs > 0) & work.covered).tolist():
            code = int(work.class_code[index])
            cell = (code, round(flops[index] * 1.5), round(moved[index] * 1.5))
            text = f"{describe(layers[index])} of {name}"
            row = (
                text,
                code,
                float(f"{work.flops[index]:.4g}"),
                float(f"{work.bytes_moved[index]:.4g}"),
            )
            cells.setdefault(cell, row)
    rows = [cells[cell] for cell in sorted(cells)]
    names = ("names", "classes", "flops", "bytes")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def widths(residuals: FloatArray, groups: Sequence[str] | None = None) -> list[float]:
    return [half_width(residuals, level, groups) for level in LEVELS]


if __name__ == "__main__":
    main()
