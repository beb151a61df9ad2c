"""The published measurements that the shipped numbers rest on.

`measurements/public/totals.csv` holds the rows, as facts with source and licence, and
`measurements/*.json` what users gave (docs/contributing-measurements.md). Networks that the zoo has
are built from it; graphs of the others lie outside the repository, where `--shared` or
`EDGEPROFILER_SHARED` says. Without them their rows are left out.
"""

from __future__ import annotations

import argparse
import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgeprofiler.core.device import load_device
from edgeprofiler.prediction.calibration.contribution import read_contribution
from edgeprofiler.prediction.calibration.measured import Measured, read_measured
from edgeprofiler.prediction.calibration.power import power_above_idle
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.costmodel.work import Work
from edgeprofiler.prediction.validate.networks import samples_of
from edgeprofiler.reading.read import read as read_network
from edgeprofiler.reading.zoo import zoo

ROOT = Path(__file__).resolve().parents[1]
TOTALS = ROOT / "measurements" / "public" / "totals.csv"
GIVEN = ROOT / "measurements"
"""Where contributions lie (`edgeprofiler contribute`), a file each."""
SOFTWARE = ("TensorRT 10.1 FP16 via Torch-TensorRT 2.4, JetPack 6.1, nvpmodel 0, jetson_clocks, "
            "5,000 runs under a layer profiler")  # fmt: skip


def shared_option(parser: argparse.ArgumentParser) -> None:
    """Add `--shared`, the folder of graphs and of single layers' times."""
    default = Path(os.environ.get("EDGEPROFILER_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=default,
                        help="folder with graphs of networks that the zoo lacks")  # fmt: skip


def published_rows(shared: Path) -> list[Measured]:
    """Return all published totals; those whose graph is not there have no model."""
    return [_located(row, shared) for row in read_measured(TOTALS)] + contributed_rows(GIVEN)


def contributed_rows(folder: Path) -> list[Measured]:
    """Return what others gave; each file counts as a laboratory of its own, simulations not at all.

    Networks that have no name in the zoo come with their layers.
    """
    return [
        replace(measured.row(), source=path.stem, lab=path.stem)
        for path in sorted(folder.glob("*.json"))
        for measured in read_contribution(path).measurements
        if not measured.simulated
    ]


def _located(row: Measured, shared: Path) -> Measured:
    if not row.model or row.model.startswith("zoo:"):
        return row
    path = shared / row.model
    if path.exists():
        return replace(row, model=str(path))
    return replace(row, model=f"zoo:{row.canonical}" if row.canonical in zoo.names() else "")


def published_samples(rows: list[Measured]) -> tuple[list[Sample], list[Sample]]:
    """Return what counts of `rows`: those with a time, and those with power."""
    samples = samples_of([row for row in rows if not row.set_aside])
    timed = [s for s in samples if np.isfinite(s.row.runtime_s)]
    powered = [s for s in samples if np.isfinite(power_above_idle(s))]
    return timed, powered


def layer_samples(shared: Path) -> list[Sample]:
    """Return MobileNetV2's layers on Orin Nano, each timed alone; none where they are not there.

    Convolutions and pooling are means of 5,000 runs; element-wise kernels, which that file lacks,
    of 5 (where both files have a layer, they agree within a few per cent). Set aside: the dense
    layer, whose two measurements differ threefold, and the input's reformat, which waits for it.
    """
    engine = shared / "inputs" / "engine_info" / "orin-nano_mobilenet_v2_fp16_torch-trt.json"
    if not engine.exists():
        return []
    network = read_network(str(engine))
    long, short = (
        {r["layer_name"]: r for r in _read(shared / "measurements" / f"orin-nano_{name}.csv")}
        for name in ("mobilenet_v2_layers", "mobilenet_v2_engine_layers")
    )
    work, board, found = Work.of(network.columns), load_device("jetson-orin-nano"), []
    for index, layer in enumerate(network.layers):
        wanted = layer.kind in ("convolutional", "pooling") or layer.op == "pointwise"
        entry = long.get(layer.name) or short.get(layer.name)
        if entry is None or not wanted:
            continue
        row = Measured(
            device=board.name, mode=board.mode.name, software=SOFTWARE, runtime="torch-tensorrt",
            network=layer.name, model=str(engine), batch=1, shape=(), precision="fp16",
            runtime_s=float(entry["runtime_ms"]) * 1e-3, power_above_idle_w=float("nan"),
            canonical="mobilenet_v2", family="mobile", set_aside="", tensorrt="10.1",
            source="fuzzylabs", lab="fuzzylabs",
        )  # fmt: skip
        one = work.take(slice(index, index + 1))
        found.append(Sample(row, board, one, np.ones(1), single_layer=True))
    return found


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
