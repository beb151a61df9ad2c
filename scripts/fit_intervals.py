"""Leave out networks, families, stacks and boards, and write how wide intervals must be.

    python scripts/fit_intervals.py --shared ../shared

Writes `uncertainty/data/intervals.toml`: half widths in log space by what is left out, and the
networks and layers that the shipped numbers were fitted on. Run after `fit_prior.py`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measured_totals import DEFAULT, layer_samples, measured_rows

from edgeprofiler.core.files import write_text
from edgeprofiler.core.network import Columns, FloatArray, Layer
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.folds import KEYS, Folds, PowerFolds
from edgeprofiler.prediction.calibration.write import toml_table
from edgeprofiler.prediction.costmodel.model import Work, multiply_class
from edgeprofiler.prediction.uncertainty.conformal import half_width
from edgeprofiler.prediction.uncertainty.fitted import describe, logarithm, network_features
from edgeprofiler.prediction.validate.networks import network_of, samples_of

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "edgeprofiler"
TARGET = PACKAGE / "prediction" / "uncertainty" / "data" / "intervals.toml"
LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.98)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path,
                        default=Path(os.environ.get("EDGEPROFILER_SHARED", DEFAULT)))  # fmt: skip
    shared = parser.parse_args().shared
    kept = [row for row in measured_rows(shared) if not row.set_aside]
    samples = samples_of(kept)
    timed = [s for s in samples if np.isfinite(s.row.runtime_s)]
    powered = [s for s in samples if np.isfinite(s.row.power_above_idle_w)]
    problem, ordered = recipe.assemble(timed + layer_samples(shared))
    full = problem.fit().values
    layers = np.array([s.single_layer for s in ordered])
    products = np.array([bool(s.work.flops.sum() > 0) for s in ordered])
    runtime: dict[str, list[float]] = {}
    power: dict[str, list[float]] = {}
    layer: dict[str, list[float]] = {}
    for kind in KEYS:
        extra = [KEYS[kind](s) for s in powered] if kind in ("network", "family") else []
        folds = Folds.of(problem, ordered, kind, full, extra=extra, nested=False)
        residuals = folds.residuals()
        runtime[kind] = widths(residuals[~layers], folds.labels[~layers].tolist())
        print(f"{kind:8s} runtime {runtime[kind][3]:.3f}")
        if extra:
            found = PowerFolds.of(folds, powered, kind, 0.9, nested=False)
            power[kind] = widths(found.residuals, found.labels.tolist())
            print(f"{kind:8s} power   {power[kind][3]:.3f}")
        if kind == "network":
            for what, mask in (("products", layers & products), ("others", layers & ~products)):
                layer[what] = widths(residuals[mask])
                print(f"{kind:8s} layers, {what} {layer[what][3]:.3f}")
    text = (
        "# Written by scripts/fit_intervals.py: half widths of intervals in log space, at each of\n"
        "# `levels`, from residuals of what was left out; and what the numbers were fitted on.\n"
        'schema = "edgeprofiler.intervals/1"\n'
        f"levels = {list(LEVELS)}\n"
    )
    text += toml_table("runtime", runtime) + toml_table("power", power)
    text += toml_table("layer_runtime", layer)
    networks: dict[tuple[str, tuple[int, ...]], tuple[str, FloatArray]] = {}
    named = []
    for sample in (*timed, *powered):
        key = (sample.row.canonical, sample.row.shape)
        if key in networks:
            continue
        network = network_of(sample.row)
        size = f" at {sample.row.shape[-1]} px" if sample.row.runtime == "cpp" else ""
        networks[key] = (sample.row.canonical + size, network_features(network.columns))
        named.append((sample.row.canonical + size, network.layers, network.columns))
    text += toml_table(
        "networks",
        {
            "names": [name for name, _ in networks.values()],
            "features": [[round(float(v), 4) for v in f] for _, f in networks.values()],
        },
    )
    text += toml_table("layers", representative(named))
    write_text(TARGET, text)


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
        classes = multiply_class(work)
        flops, moved = logarithm(work.flops), logarithm(work.bytes_moved)
        for index in np.flatnonzero(work.runs & work.covered).tolist():
            cell = (int(classes[index]), round(flops[index] * 1.5), round(moved[index] * 1.5))
            text = f"{describe(layers[index])} of {name}"
            row = (
                text,
                cell[0],
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
