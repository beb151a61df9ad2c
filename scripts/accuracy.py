"""Print how accurate the cost model is on the published measurements, and keep it in the docs.

    python scripts/accuracy.py --shared ../shared          # about two minutes on one core

Rewrites the part of docs/accuracy.md between its markers, and docs/accuracy.png. Nothing is
written with --no-write.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from measured_totals import DEFAULT, layer_samples, measured_rows

from edgeprofiler.core.files import write_text
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.accuracy import Figures, figures
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.board import calibrate
from edgeprofiler.prediction.calibration.folds import KEYS, Folds, PowerFolds, experiment_parameters
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.power import BusyShare, solve_power, split
from edgeprofiler.prediction.calibration.problem import Group, Problem
from edgeprofiler.prediction.calibration.recipe import Sample
from edgeprofiler.prediction.costmodel.model import Hardware, Work, layer_times
from edgeprofiler.prediction.costmodel.parameters import Parameters
from edgeprofiler.prediction.validate.networks import network_of, samples_of
from edgeprofiler.prediction.validate.validation import validate
from edgeprofiler.reading.read import read as read_network

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE = ROOT / "docs" / "accuracy.md", ROOT / "docs" / "accuracy.png"
BEGIN, END = "<!-- accuracy:begin -->", "<!-- accuracy:end -->"
CONFIDENCE = 0.9
WORDS = {"network": "a network", "family": "a family", "stack": "a software stack on a board",
         "board": "a board"}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path,
                        default=Path(os.environ.get("EDGEPROFILER_SHARED", DEFAULT)))  # fmt: skip
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    text = report(options.shared)
    print(text)
    if options.no_write:
        return
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else f"# Accuracy\n\n{BEGIN}\n{END}\n"
    head, rest = old.split(BEGIN, 1)
    write_text(PAGE, f"{head}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}")
    picture(options.shared)


def report(shared: Path) -> str:
    rows = measured_rows(shared)
    samples = samples_of([row for row in rows if not row.set_aside])
    timed = [s for s in samples if math.isfinite(s.row.runtime_s)]
    powered = [s for s in samples if math.isfinite(s.row.power_above_idle_w)]
    problem, ordered = recipe.assemble(timed + layer_samples(shared))
    full = problem.fit().values
    kinds: dict[str, Folds] = {}
    power: dict[str, PowerFolds] = {}
    for kind in KEYS:
        extra = [KEYS[kind](s) for s in powered] if kind in ("network", "family") else []
        kinds[kind] = Folds.of(problem, ordered, kind, full, extra=extra)
        if extra:
            power[kind] = PowerFolds.of(kinds[kind], powered, kind, CONFIDENCE)
    shipped = validate(rows, confidence=CONFIDENCE)
    introduction = (
        f"Made by `scripts/accuracy.py`. {len(timed)} rows of latency and {len(powered)} of power "
        f"that `evaluation_rows.csv` keeps, and {len(ordered) - len(timed)} single layers, are "
        f"fitted together: {len(problem.unknowns)} numbers, of which {len(recipe.SHARED)} are "
        "shared by all boards and the rest are held close to them."
    )
    parts = [
        introduction,
        "## Network runtime\n\n"
        + runtime_table(kinds, ordered)
        + "\n\nOver all rows that can be computed, those set aside included, with the shipped "
        f"numbers: {shipped.figures('runtime', every=True)}; without them: "
        f"{shipped.figures('runtime')}. {len(shipped.skipped)} rows are of networks whose layers "
        "are not described.",
        "## Detectors from 160 to 1280 pixels\n\n" + ladder_table(kinds["network"], ordered),
        "### Five rows of a board that was left out\n\n"
        + five_rows(kinds["board"], ordered)
        + "\n\n"
        + random_fives(kinds["board"], ordered),
        "## Power above idle, Orin Nano\n\n" + power_text(problem, full, power, powered),
        "## Layers\n\n" + layer_text(problem, full, kinds, ordered, shared, rows),
        "## Intervals\n\n" + coverage_table(kinds, power, ordered),
        "## Every row\n\n" + every_row(kinds["network"], ordered),
    ]
    return "\n\n".join(parts)


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def masks(ordered: Sequence[Sample]) -> tuple[BoolArray, BoolArray, BoolArray]:
    layers = np.array([s.single_layer for s in ordered])
    ladder = np.array([s.row.runtime == "cpp" for s in ordered])
    return ~layers & ~ladder, ladder, layers


def of(residuals: FloatArray, mask: BoolArray) -> Figures:
    return figures(np.ones(int(mask.sum())), np.exp(residuals[mask]))


def boards(residuals: FloatArray, mask: BoolArray, ordered: Sequence[Sample]) -> str:
    names = np.array([s.device.name.removeprefix("jetson-") for s in ordered])
    return ", ".join(
        f"{name} {100 * of(residuals, mask & (names == name)).mape:.1f}"
        for name in dict.fromkeys(names[mask].tolist())
    )


def runtime_table(kinds: dict[str, Folds], ordered: Sequence[Sample]) -> str:
    networks, ladder, _ = masks(ordered)
    goals = {"network": "<= 6", "family": "<= 10", "board": "<= 18"}
    rows = []
    for name, mask in (("classifiers", networks), ("detectors", ladder)):
        for kind, folds in kinds.items():
            residuals = folds.residuals()
            found = of(residuals, mask)
            goal = goals.get(kind, "") if name == "classifiers" else ""
            rows.append(
                [name, f"{WORDS[kind]} left out", percent(found.mape), goal, percent(found.median),
                 percent(found.rmspe), percent(found.within_10, 0), f"{100 * found.bias:+.1f} %",
                 boards(residuals, mask, ordered)]
            )  # fmt: skip
    head = ["rows", "fold", "MAPE", "goal", "median", "RMSPE", "within 10 %", "bias",
            "MAPE by board, %"]  # fmt: skip
    return table(head, rows)


def every_row(folds: Folds, ordered: Sequence[Sample]) -> str:
    fitted = np.exp(folds.problem.predict(folds.problem.fit().values))
    residuals = folds.residuals()
    rows = []
    for i, sample in enumerate(ordered):
        if sample.single_layer:
            continue
        row, error = sample.row, math.exp(residuals[i]) - 1
        size = f" {row.shape[-1]}" if row.runtime == "cpp" else ""
        rows.append(
            [row.device.removeprefix("jetson-"), row.runtime, f"{row.canonical}{size}",
             f"{row.runtime_s * 1e3:.3g}", f"{fitted[i] * 1e3:.3g}",
             f"{row.runtime_s * 1e3 * (1 + error):.3g}", f"{100 * error:+.0f} %"]
        )  # fmt: skip
    head = ["board", "host", "network", "measured ms", "fitted", "left out", "error"]
    summary = f"{len(rows)} rows, the network left out"
    return f"<details><summary>{summary}</summary>\n\n{table(head, rows)}\n\n</details>"


def ladder_table(folds: Folds, ordered: Sequence[Sample]) -> str:
    residuals = folds.residuals()
    _, ladder, _ = masks(ordered)
    pixels = np.array([s.row.shape[-1] if s.row.shape else 0 for s in ordered])
    rows = []
    for size in (160, 320, 640, 1280):
        found = of(residuals, ladder & (pixels == size))
        rows.append([f"{size}", percent(found.mape), f"{100 * found.bias:+.1f} %"])
    ends = [of(residuals, ladder & (pixels == size)).bias for size in (160, 1280)]
    trend = f"{100 * (ends[1] - ends[0]):+.1f} points (goal: within 10)"
    return (
        "One detector left out, all its sizes and boards:\n\n"
        + table(["pixels", "MAPE", "mean signed error"], rows)
        + f"\n\nFrom 160 to 1280 pixels the mean signed error moves by {trend}."
    )


def five_rows(folds: Folds, ordered: Sequence[Sample]) -> str:
    """Calibrate a board that the shared numbers never saw on five rows, predict the other seven."""
    chosen = {("yolov8n", 160), ("yolov8n", 640), ("yolov8n", 1280), ("yolov8m", 320),
              ("yolov8m", 1280)}  # fmt: skip
    rows = []
    for board in dict.fromkeys(s.device.name for s in ordered if s.row.runtime == "cpp"):
        members = [s for s in ordered if s.device.name == board and s.row.runtime == "cpp"]
        numbers = recipe.shared_values(folds.problem, folds.single[board])
        numbers = replace(numbers, **recipe.host_gap(folds.problem, folds.single[board], "cpp"))
        bare = replace(members[0].device, calibrations=(), runtime="cpp")
        five = [s for s in members if (s.row.canonical, s.row.shape[-1]) in chosen]
        rest = [s for s in members if s not in five]
        fit = calibrate(bare, five, start=numbers)
        fitted = fit.predict(rest)
        before = [float(np.nansum(layer_times(s.work, Hardware.of(bare), numbers).runtime_s))
                  + numbers.fixed_s + numbers.host_gap_s for s in rest]  # fmt: skip
        truth = [s.row.runtime_s for s in rest]
        width = fit.calibration.errors["loo_q90"]
        inside = int((np.abs(np.log(fitted / np.array(truth))) <= width).sum())
        errors = percent(figures(truth, before).mape), percent(figures(truth, fitted).mape)
        held = f"{inside} of {len(rest)}, +-{100 * (math.exp(width) - 1):.0f} %"
        rows.append([board, *errors, held])
    return (
        "The shared numbers are fitted without the board; then it is calibrated on five rows of "
        "its own (yolov8n at 160, 640 and 1280, yolov8m at 320 and 1280) and asked about the "
        "other seven:\n\n"
        + table(["board", "MAPE before", "MAPE after", "in the calibration's own interval"], rows)
    )


def random_fives(folds: Folds, ordered: Sequence[Sample]) -> str:
    """Calibrate left-out boards on five rows drawn at random, ten times each, predict the rest."""
    stacks: dict[tuple[str, str], list[Sample]] = {}
    for sample in ordered:
        if not sample.single_layer:
            stacks.setdefault((sample.device.name, sample.row.runtime), []).append(sample)
    draw, rows = np.random.default_rng(0), []
    for (board, runtime), members in stacks.items():
        values = folds.single[board]
        numbers = recipe.shared_values(folds.problem, values)
        numbers = replace(numbers, **recipe.host_gap(folds.problem, values, runtime))
        software = recipe.separate_activations(members[0].row.software)
        numbers = replace(numbers, separate_activations=software)
        bare = replace(members[0].device, calibrations=(), runtime=runtime)
        out = []
        for _ in range(10):
            chosen = set(draw.choice(len(members), 5, replace=False).tolist())
            fit = calibrate(bare, [members[i] for i in sorted(chosen)], start=numbers)
            rest = [sample for i, sample in enumerate(members) if i not in chosen]
            truth = np.array([s.row.runtime_s for s in rest])
            group = Group.of("", Hardware.of(bare), numbers, [s.work for s in rest], truth.tolist())
            before, after = np.exp(group.log_seconds(numbers)), fit.predict(rest)
            width = fit.calibration.errors["loo_q90"]
            held = np.abs(np.log(after / truth)) <= width
            out.append(
                (figures(truth, before).mape, figures(truth, after).mape, held.mean(), width)
            )
        mean = np.mean(out, axis=0)
        rows.append([board, runtime, *(percent(v) for v in mean[:2]), percent(mean[2], 0),
                     f"+-{100 * (math.exp(mean[3]) - 1):.0f} %"])  # fmt: skip
    return (
        "The same for every board and host, with any five of its rows drawn at random, ten times; "
        "the others are predicted:\n\n"
        + table(
            ["board", "host", "MAPE before", "MAPE after", "in its 90 % interval", "mean width"],
            rows,
        )
    )


def power_text(
    problem: Problem, full: FloatArray, power: dict[str, PowerFolds], samples: Sequence[Sample]
) -> str:
    watts = np.array([s.row.power_above_idle_w for s in samples])
    goals = {"network": "MAPE <= 6.5, RMSPE <= 9", "family": "MAPE <= 8.5"}
    rows = []
    for kind, folds in power.items():
        found = figures(watts, watts * np.exp(folds.residuals))
        rows.append([f"{WORDS[kind]} left out", percent(found.mape), percent(found.rmspe),
                     goals[kind], percent(found.within_10, 0)])  # fmt: skip
    share = BusyShare.of(samples, experiment_parameters(problem, full))
    values, _ = solve_power(share, watts)
    _, gap = split(values)
    wall = (share.gpu_s + gap["host_gap_s"] + gap["host_gap_per_layer_s"] * share.kernels
            + gap["host_gap_per_simple_s"] * share.simple)  # fmt: skip
    idle = samples[0].device.idle_power_w
    each = []
    for i, sample in enumerate(samples):
        left = watts[i] * math.exp(power["network"].residuals[i])
        above = share.power(values)[i]
        each.append(
            [sample.row.canonical, f"{watts[i]:.2f}", f"{above:.2f}", f"{left:.2f}",
             f"{100 * (left / watts[i] - 1):+.0f} %", f"{share.gpu_s[i] * 1e3:.2f}",
             f"{wall[i] * 1e3:.2f}", f"{above * wall[i] * 1e3:.1f}",
             f"{(above + idle) * wall[i] * 1e3:.1f}"]
        )  # fmt: skip
    mobile = next(i for i, s in enumerate(samples) if s.row.canonical == "mobilenet_v2")
    return (
        "The network is left out of both fits, of time and of power. Measured through "
        "Torch-TensorRT under a layer profiler.\n\n"
        + table(["fold", "MAPE", "RMSPE", "goal, %", "within 10 %"], rows)
        + "\n\nPower in W above idle; energy in mJ of one inference in a back-to-back loop, over "
        f"its wall time, above idle and with the board's idle {idle:.1f} W:\n\n"
        + table(
            [
                "network",
                "measured",
                "fitted",
                "left out",
                "error",
                "GPU ms",
                "wall ms",
                "mJ above idle",
                "mJ with idle",
            ],
            each,
        )
        + f"\n\nThe two host gaps disagree: power is explained by a wall time of "
        f"{wall[mobile] * 1e3:.1f} ms for MobileNetV2, its latency was 4.3 ms end to end. Power "
        "was measured under a profiler, latency was not; so both gaps are kept by name "
        "(`power-experiment` and `torch-tensorrt` in `prior.toml`)."
    )


def layer_text(
    problem: Problem,
    full: FloatArray,
    kinds: dict[str, Folds],
    ordered: Sequence[Sample],
    shared: Path,
    rows: Sequence[Measured],
) -> str:
    _, _, layers = masks(ordered)
    products = layers & np.array([bool(s.work.flops[0] > 0) for s in ordered])
    members = [s for s, wanted in zip(ordered, products, strict=True) if wanted]
    hardware = Hardware.of(members[0].device)
    truth = np.array([s.row.runtime_s for s in members])
    now, left = problem.predict(full) - problem.observed, kinds["network"].residuals()
    common = recipe.shared_values(problem, full)
    bare = np.array([float(layer_times(s.work, hardware, common).runtime_s[0]) for s in members])
    kinds_of_layers = (
        ("convolutions", "the fit of everything", of(now, products)),
        ("convolutions", "shared by all boards, no factor of this board or stack",
         figures(truth, bare)),
        ("convolutions", "MobileNetV2 left out everywhere", of(left, products)),
        ("element-wise and pooling", "the fit of everything", of(now, layers & ~products)),
        ("element-wise and pooling", "MobileNetV2 left out everywhere",
         of(left, layers & ~products)),
    )  # fmt: skip
    numbers = experiment_parameters(problem, full)
    engine = shared / "inputs" / "engine_info"
    measured = sum(
        float(r["runtime_ms"])
        for r in read_csv(shared / "measurements" / "orin-nano_mobilenet_v2_engine_layers.csv")
    )
    totals = []
    for name in ("mobilenet_v2", "resnet18", "vgg16"):
        network = read_network(str(engine / f"orin-nano_{name}_fp16_torch-trt.json"))
        times = layer_times(Work.of(network.columns), hardware, numbers)
        known = {"mobilenet_v2": f"{measured:.2f} (5 cycles)",
                 "resnet18": "1.998 (other software: trtexec, JetPack 6.0)",
                 "vgg16": "not measured"}[name]  # fmt: skip
        totals.append([name, f"{np.nansum(times.runtime_s) * 1e3:.2f}", known])
    each = [
        [s.row.network[:60].replace("|", "/"), f"{s.row.runtime_s * 1e6:.1f}",
         f"{s.row.runtime_s * 1e6 * math.exp(r):.1f}", f"{100 * (math.exp(r) - 1):+.0f} %"]
        for s, r, one in zip(ordered, now, layers, strict=True) if one
    ]  # fmt: skip
    return (
        f"MobileNetV2 on Orin Nano: {len(members)} convolutions, and {int(layers.sum())} layers "
        "with the element-wise kernels and the pooling; the fully connected layer is set aside "
        "(its two measurements differ threefold), and so is the reformat of the input, which "
        "waits for it. They are part of the same fit as the networks, as one software stack of "
        "that board:\n\n"
        + table(
            ["layers", "numbers", "RMSPE", "MAPE", "bias"],
            [
                [what, by, percent(f.rmspe), percent(f.mape), f"{100 * f.bias:+.1f} %"]
                for what, by, f in kinds_of_layers
            ],
        )
        + "\n\nWithout these layers nothing in the data belongs to that stack: the board's rows of "
        "other software are slower (no `jetson_clocks` is stated there), which is the last "
        "line's bias.\n\nSum of all layers of the engine files, ms:\n\n"
        + table(["engine", "predicted", "measured"], totals)
        + "\n\n"
        + quantile_text(layer_quantiles(shared, numbers, hardware, rows))
        + "\n\n<details><summary>Each of these layers, µs</summary>\n\n"
        + table(["layer", "measured", "predicted", "error"], each)
        + "\n\n</details>"
    )


@dataclass(frozen=True)
class Quantile:
    """One statistic of layer runtimes over 21 networks, published and predicted."""

    layers: str
    label: str
    published_s: float
    predicted_s: float
    counts: tuple[int, int]

    @property
    def error(self) -> float:
        """Predicted over published, minus one."""
        return self.predicted_s / self.published_s - 1


def layer_quantiles(
    shared: Path, numbers: Parameters, hardware: Hardware, rows: Sequence[Measured]
) -> list[Quantile]:
    """Return the published quantiles of layer runtime beside predicted ones."""
    published = {
        r["layer_type"]: r
        for r in read_csv(shared / "measurements" / "orin-nano_layer_quantiles_21_networks.csv")
        if r["quantity"] == "runtime_ms"
    }
    times: dict[str, list[float]] = {"convolutional": [], "dense": [], "pooling": []}
    for row in rows:
        if math.isnan(row.power_above_idle_w):
            continue
        network = network_of(row)
        found = layer_times(Work.of(network.columns), hardware, numbers)
        for layer, value in zip(network.layers, found.runtime_s, strict=True):
            inside = layer.kind in ("dense", "pooling") and network.name.startswith("convnext")
            if layer.kind in times and not inside and network.name != "googlenet":
                times[layer.kind].append(float(value))
    out = []
    for name, kinds in (("convolutional and dense", ("convolutional", "dense")),
                        ("pooling", ("pooling",))):  # fmt: skip
        mine = np.array([t for kind in kinds for t in times[kind]])
        parts = [published[kind] for kind in kinds]
        sizes = [int(part["count"]) for part in parts]
        counts = sum(sizes), len(mine)
        for level, label in ((0.25, "p25"), (0.5, "p50"), (0.75, "p75")):
            truth = mixed_quantile(parts, level) * 1e-3
            out.append(Quantile(name, label, truth, float(np.quantile(mine, level)), counts))
        mean = float(np.average([float(part["mean"]) for part in parts], weights=sizes)) * 1e-3
        out.append(Quantile(name, "mean", mean, float(mine.mean()), counts))
    return out


def quantile_text(found: Sequence[Quantile]) -> str:
    lines = [
        [q.layers, q.label, f"{q.published_s * 1e6:.1f}", f"{q.predicted_s * 1e6:.1f}",
         f"{100 * q.error:+.0f} %", f"{q.counts[0]}, {q.counts[1]}"]
        for q in found
    ]  # fmt: skip
    return (
        "Quantiles of layer runtime over the 21 networks, µs (goal: within 20 %). The published "
        "ones of convolutional and dense layers are mixed by interpolating between their "
        "quantiles; ConvNeXt's products and its mean ran inside generated kernels there and are "
        "left out here, and so is GoogLeNet, of which one layer was published. That gives the "
        "published counts to one row. None of them is fitted, but the model's terms were chosen "
        "with them in view, so they are no independent test:\n\n"
        + table(
            ["layers", "", "published", "predicted", "difference", "layers published, here"], lines
        )
    )


def mixed_quantile(parts: Sequence[dict[str, str]], level: float) -> float:
    """Return a quantile of several groups, each known by five quantiles, log-linear between."""
    grid = np.geomspace(1e-3, 10, 20001)
    total = sum(int(p["count"]) for p in parts)
    share = np.zeros_like(grid)
    for part in parts:
        points = np.log([float(part[k]) for k in ("min", "p25", "p50", "p75", "max")])
        share += (
            int(part["count"]) / total * np.interp(np.log(grid), points, [0, 0.25, 0.5, 0.75, 1])
        )
    return float(np.interp(level, share, grid))


def coverage_table(
    kinds: dict[str, Folds], power: dict[str, PowerFolds], ordered: Sequence[Sample]
) -> str:
    networks, ladder, _ = masks(ordered)
    rows = []
    for kind, folds in kinds.items():
        for name, mask in (("all", networks | ladder), ("classifiers", networks)):
            found = folds.coverage(mask, CONFIDENCE)
            low, high = found.interval
            rows.append(
                ["runtime", name, f"{WORDS[kind]} left out", f"{found.inside} of {found.count}",
                 f"{100 * low:.0f}-{100 * high:.0f} %",
                 f"+-{100 * (math.exp(found.half_width) - 1):.0f} %",
                 "yes" if found.includes(CONFIDENCE) else "no"]
            )  # fmt: skip
    for kind, part in power.items():
        found = part.coverage
        low, high = found.interval
        rows.append(
            ["power", "Orin Nano", f"{WORDS[kind]} left out", f"{found.inside} of {found.count}",
             f"{100 * low:.0f}-{100 * high:.0f} %",
             f"+-{100 * (math.exp(found.half_width) - 1):.0f} %",
             "yes" if found.includes(CONFIDENCE) else "no"]
        )  # fmt: skip
    head = ["quantity", "rows", "fold", "truth inside", "binomial 95 %", "median width",
            "holds 90 %"]  # fmt: skip
    return (
        "Nested: the width for a left-out group comes from refits that never saw it (each pair of "
        "groups is left out together). Networks: conformal quantile. Families, stacks and boards "
        "are fewer than ten: root mean square over groups x Student's t of as many degrees, "
        "which claims no finite-sample guarantee. Rows of one group are not independent, so the "
        "binomial interval is narrower than it should be. Single layers' power and energy have no "
        "truth in public data: their intervals are not validated on a device.\n\n"
        + table(head, rows)
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def picture(shared: Path) -> None:
    from edgeprofiler.views.plots.figure import save_figure
    from edgeprofiler.views.plots.validation import validation_figure

    rows = [row for row in measured_rows(shared) if not row.set_aside]
    save_figure(validation_figure(validate(rows, leave_out="network")), PICTURE)


if __name__ == "__main__":
    main()
