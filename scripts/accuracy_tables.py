"""Tables of docs/accuracy.md: figures by group, intervals, power modes, power, layers, rows."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.accuracy import Coverage, Figures, figures, interval_score
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.power import power_above_idle
from edgeprofiler.prediction.calibration.power_folds import PowerFolds
from edgeprofiler.prediction.calibration.rows import Rows, Sample
from edgeprofiler.prediction.costmodel.parameters import parameters_of
from edgeprofiler.prediction.predictors.roofline import costs
from edgeprofiler.prediction.validate.networks import network_of

MODES = "orin-nano-modes"
"""The source that measured one network in two power modes and three precisions."""


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def of(residuals: FloatArray, mask: BoolArray) -> Figures:
    """Return the figures of some rows, from predicted over measured as logarithm."""
    return figures(np.ones(int(mask.sum())), np.exp(residuals[mask]))


def by_labels(residuals: FloatArray, labels: npt.NDArray[np.str_]) -> dict[str, Figures]:
    """Return the figures of each label's rows."""
    return {name: of(residuals, labels == name) for name in dict.fromkeys(labels.tolist())}


def coverage_rows(
    groups: Iterable[tuple[str, BoolArray, str]],
    residuals: FloatArray,
    widths: FloatArray,
    confidence: float,
) -> list[list[str]]:
    """Return for each group how many truths lie in their intervals, how wide and how good."""
    rows = []
    for name, mask, goal in groups:
        found = Coverage.of(residuals[mask], widths[mask])
        low, high = found.interval
        score = interval_score(residuals[mask], widths[mask], confidence)
        holds = "yes" if found.includes(confidence) else "no"
        rows.append(
            [name, goal, f"{found.inside} of {found.count}", percent(found.inside / found.count, 0),
             f"{100 * low:.0f}-{100 * high:.0f} %", holds,
             f"+-{percent(math.exp(found.half_width) - 1, 0)}", f"{score:.2f}"]
        )  # fmt: skip
    return rows


def mode_table(
    samples: Sequence[Sample], residuals: FloatArray, powered: Sequence[Sample], power: PowerFolds
) -> str:
    """Return the one network that was measured in two modes, its source left out."""
    times = {_key(s): math.exp(r) for s, r in zip(samples, residuals, strict=True)
             if s.row.source == MODES}  # fmt: skip
    watts = {_key(s): (s, math.exp(r)) for s, r in zip(powered, power.residuals, strict=True)
             if s.row.source == MODES}  # fmt: skip
    boards = {key: (s.row.power_w, s.device.idle_power_w + power_above_idle(s) * ratio)
              for key, (s, ratio) in watts.items()}  # fmt: skip
    seconds = {_key(s): s.row.runtime_s for s in samples if s.row.source == MODES}
    rows = []
    for precision, mode in times:
        truth, guess = boards[precision, mode]
        cells = [f"{precision}, {mode}", f"{seconds[precision, mode] * 1e3:.2f} ms",
                 f"{100 * (times[precision, mode] - 1):+.1f} %", f"{truth:.2f} W",
                 f"{100 * (guess / truth - 1):+.1f} %"]  # fmt: skip
        if mode == "15w":
            rows.append([*cells, "", ""])
            continue
        slow, (truth_15w, guess_15w) = times[precision, "15w"], boards[precision, "15w"]
        speed = seconds[precision, "15w"] / seconds[precision, mode]
        faster = speed * slow / times[precision, mode]
        ratios = truth / truth_15w, guess / guess_15w
        rows.append([*cells, f"{speed:.2f}, {faster:.2f}", f"{ratios[0]:.2f}, {ratios[1]:.2f}"])
    head = ["YOLOv8n", "measured", "predicted", "board's power", "predicted",
            "faster than 15w: measured, predicted", "ratio of power"]  # fmt: skip
    return (
        "The one network measured in two modes (Orin Nano), its source left out of both fits; the "
        "goal is 10 % in time and in the ratios of power. The measured power includes the start "
        "of the run, and is somewhat low.\n\n" + table(head, rows)
    )


def _key(sample: Sample) -> tuple[str, str]:
    return sample.row.precision, sample.device.mode.name


def power_table(power: Mapping[str, PowerFolds], samples: Sequence[Sample]) -> str:
    """Return figures of power left out, and every row."""
    watts = np.array([power_above_idle(sample) for sample in samples])
    goals = {
        "network": "20 networks: MAPE <= 6.5, RMSPE <= 9",
        "family": "20 networks: MAPE <= 8.5",
    }
    many = np.array([s.row.source == "fuzzylabs" for s in samples])
    rows = []
    for kind, folds in power.items():
        for name, mask in (("all", np.ones(len(watts), bool)), ("20 networks", many)):
            found, held = of(folds.residuals, mask), folds.coverage(mask)
            rows.append([kind, name, goals.get(kind, "") if name != "all" else "",
                         percent(found.mape), percent(found.rmspe), str(held),
                         f"+-{percent(math.exp(held.half_width) - 1, 0)}"])  # fmt: skip
    each = [
        [f"{s.row.canonical}, {s.device.spec.removeprefix('jetson-')}, {s.row.precision}",
         f"{w:.2f}", *(f"{100 * (math.exp(folds.residuals[i]) - 1):+.0f} %"
                       for folds in power.values())]
        for i, (s, w) in enumerate(zip(samples, watts, strict=True))
    ]  # fmt: skip
    return (
        "Left out of both fits, of time and of power. Twenty networks were measured on Orin Nano "
        "through Torch-TensorRT under a layer profiler; the rest are single networks of other "
        "sources, whose idle power is that of the board's file.\n\n"
        + table(["left out", "rows", "goal, %", "MAPE", "RMSPE", "inside 90 %", "median width"],
                rows)
        + "\n\n"
        + table(["network", "W above idle", *(f"{kind} left out" for kind in power)], each)
    )  # fmt: skip


def layer_text(samples: Sequence[Sample], shared: Path, rows: Sequence[Measured]) -> str:
    """Return how the shipped numbers meet single layers; none of them is fitted."""
    if not samples:
        return "Not computed: the layers' times are not there."
    board = load_device("jetson-orin-nano")
    layers = Rows.of(samples)
    residuals = layers.log_seconds(parameters_of(board)) - layers.observed
    products = np.array([bool(s.work.flops.sum() > 0) for s in samples])
    lines = [
        [name, str(found.rows), percent(found.rmspe), percent(found.mape),
         f"{100 * found.bias:+.1f} %"]
        for name, found in (("convolutions", of(residuals, products)),
                            ("element-wise and pooling", of(residuals, ~products)))
    ]  # fmt: skip
    quantiles = [
        [name, label, f"{truth * 1e6:.1f}", f"{guess * 1e6:.1f}",
         f"{100 * (guess / truth - 1):+.0f} %"]
        for name, label, truth, guess in layer_quantiles(shared, rows)
    ]  # fmt: skip
    return (
        "MobileNetV2 on Orin Nano, layer by layer, by the shipped numbers; these layers take part "
        "in no fit. The fully connected layer is set aside (its two measurements differ "
        "threefold), and so is the reformat of the input, which waits for it.\n\n"
        + table(["layers", "rows", "RMSPE", "MAPE", "bias"], lines)
        + "\n\nQuantiles of layer runtime over 21 networks on that board, µs; those published of "
        "convolutional and dense layers are mixed by interpolating between their quantiles:\n\n"
        + table(["layers", "", "published", "predicted", "difference"], quantiles)
    )


def layer_quantiles(shared: Path, rows: Sequence[Measured]) -> list[tuple[str, str, float, float]]:
    """Return published quantiles of layer runtime beside predicted ones: layers, which, s, s.

    ConvNeXt's products and its mean ran inside generated kernels there and are left out.
    """
    path = shared / "measurements" / "orin-nano_layer_quantiles_21_networks.csv"
    with path.open(newline="", encoding="utf-8") as file:
        entries = [r for r in csv.DictReader(file) if r["quantity"] == "runtime_ms"]
    published = {entry["layer_type"]: entry for entry in entries}
    times: dict[str, list[float]] = {"convolutional": [], "dense": [], "pooling": []}
    board = load_device("jetson-orin-nano").with_tensorrt("10.1")
    for row in rows:
        if row.source != "fuzzylabs" or row.canonical == "googlenet" or not row.model:
            continue
        network = network_of(row)
        found = costs(network.columns, board)
        for layer, value in zip(network.layers, found.runtime_s, strict=True):
            inside = layer.kind in ("dense", "pooling") and network.name.startswith("convnext")
            if layer.kind in times and not inside:
                times[layer.kind].append(float(value))
    out = []
    for name, kinds in (("convolutional and dense", ("convolutional", "dense")),
                        ("pooling", ("pooling",))):  # fmt: skip
        mine = np.array([t for kind in kinds for t in times[kind]])
        parts = [published[kind] for kind in kinds]
        for level, label in ((0.25, "p25"), (0.5, "p50"), (0.75, "p75")):
            truth = _mixed_quantile(parts, level) * 1e-3
            out.append((name, label, truth, float(np.quantile(mine, level))))
    return out


def _mixed_quantile(parts: Sequence[Mapping[str, str]], level: float) -> float:
    """Return a quantile of several groups, each known by five quantiles, log-linear between."""
    grid = np.geomspace(1e-3, 10, 20001)
    total = sum(int(part["count"]) for part in parts)
    share = np.zeros_like(grid)
    for part in parts:
        points = np.log([float(part[k]) for k in ("min", "p25", "p50", "p75", "max")])
        own = np.interp(np.log(grid), points, [0, 0.25, 0.5, 0.75, 1])
        share += int(part["count"]) / total * own
    return float(np.interp(level, share, grid))


def every_row(samples: Sequence[Sample], residuals: FloatArray, widths: FloatArray) -> str:
    """Return every latency with its error when its source is left out."""
    rows = []
    for sample, residual, width in zip(samples, residuals, widths, strict=True):
        row = sample.row
        size = "x".join(str(n) for n in row.shape[-2:])
        rows.append(
            [sample.device.spec.removeprefix("jetson-"), row.source, row.runtime,
             f"{row.canonical} {size}", row.precision, f"{row.runtime_s * 1e3:.3g}",
             f"{row.runtime_s * 1e3 * math.exp(residual):.3g}",
             f"{100 * (math.exp(residual) - 1):+.0f} %",
             f"+-{percent(math.exp(width) - 1, 0)}"]
        )  # fmt: skip
    head = ["board", "source", "host", "network", "precision", "measured ms", "predicted", "error",
            "interval"]  # fmt: skip
    summary = f"{len(rows)} rows, the source left out (the interval: source and family)"
    return f"<details><summary>{summary}</summary>\n\n{table(head, rows)}\n\n</details>"
