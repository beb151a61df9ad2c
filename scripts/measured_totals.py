"""Turn the published measurements into the CSV that `calibrate` and `validate` read.

    python scripts/measured_totals.py --shared ../shared -o measured.csv

Which rows count, and the canonical name and family of each, is in `evaluation_rows.csv`.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from pathlib import Path

from edgeprofiler.core.device import load_device
from edgeprofiler.core.files import write_text
from edgeprofiler.prediction.calibration.measured import Measured, read_measured, write_rows
from edgeprofiler.prediction.calibration.recipe import Sample
from edgeprofiler.prediction.costmodel.model import Work
from edgeprofiler.reading.read import read as read_network

NO_LAYERS = {"pidnet_s", "efficientformer_l1", "mobilevit_s", "vit_tiny", "segformer_b0"}
MODES = {"jetson-agx-orin": "maxn", "jetson-orin-nano": "15w", "jetson-orin-nx": "maxn"}
SOFTWARE = ("TensorRT 10.1 FP16 via Torch-TensorRT 2.4, JetPack 6.1, nvpmodel 0, jetson_clocks, "
            "5,000 runs under a layer profiler")  # fmt: skip
DEFAULT = Path(__file__).resolve().parents[2] / "shared"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def rows_of(shared: Path, relative_to: Path | None = None) -> list[dict[str, object]]:
    """Return all rows of the three files of totals, in their order."""
    folder = shared / "measurements"
    keys = {
        (r["file"], r["device"], r["network"], r["input"].split(",")[0]): r
        for r in read(folder / "evaluation_rows.csv")
    }
    names = ("jetson_network_latency.csv", "jetson_detector_latency.csv",
             "orin-nano_power_per_network.csv")  # fmt: skip
    rows: list[dict[str, object]] = []
    for name in names:
        for entry in read(folder / name):
            size = entry.get("input", "")
            if name.startswith("orin-nano"):
                size = "3x224x224 (1x32x32 lenet)"
            key = keys[name, entry["device"], entry["network"], size]
            canonical = key["canonical"]
            if "graph" in entry:
                graph = shared / entry["graph"]
                model = os.path.relpath(graph, relative_to) if relative_to else str(graph)
            else:
                model = "" if canonical in NO_LAYERS else f"zoo:{canonical}"
            if name.startswith("orin-nano"):
                size = "1x32x32" if canonical == "lenet" else "224x224"
            rows.append(
                {
                    "device": entry["device"],
                    "mode": MODES.get(entry["device"], ""),
                    "software": entry["software"],
                    "network": entry["network"],
                    "model": model,
                    "batch": entry["batch"],
                    "input": size,
                    "precision": entry.get("precision") or "fp16",
                    "runtime_ms": entry.get("latency_ms", ""),
                    "power_above_idle_w": entry.get("power_above_idle_w", ""),
                    "classes": entry.get("classes", ""),
                    "canonical": canonical,
                    "family": key["family"],
                    "set_aside": key["set_aside_because"],
                    "file": name,
                }
            )
    return rows


def measured_rows(shared: Path) -> list[Measured]:
    """Return all published rows of totals."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measured.csv"
        write_text(path, write_rows(rows_of(shared)))
        return read_measured(path)


def layer_samples(shared: Path) -> list[Sample]:
    """Return MobileNetV2's layers on Orin Nano, each timed alone.

    Convolutions and pooling are means of 5,000 runs; element-wise kernels, which that file lacks,
    of 5 (where both files have a layer, they agree within a few per cent). Set aside: the dense
    layer, whose two measurements differ threefold, and the input's reformat, which waits for it.
    """
    engine = shared / "inputs" / "engine_info" / "orin-nano_mobilenet_v2_fp16_torch-trt.json"
    network = read_network(str(engine))
    long, short = (
        {r["layer_name"]: r for r in read(shared / "measurements" / f"orin-nano_{name}.csv")}
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
            canonical="mobilenet_v2", family="mobile", set_aside="",
        )  # fmt: skip
        found.append(Sample(row, board, work.part(index, index + 1), single_layer=True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path,
                        default=Path(os.environ.get("EDGEPROFILER_SHARED", DEFAULT)))  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    rows = rows_of(options.shared, options.output.resolve().parent)
    write_text(options.output, write_rows(rows))
    kept = sum(not row["set_aside"] for row in rows)
    print(f"{len(rows)} rows, {kept} of them kept by evaluation_rows.csv: {options.output}")


if __name__ == "__main__":
    main()
