"""Measure networks by ONNX Runtime on this machine, train on them, predict those left out.

The whole journey for real: collect -> attribute -> dataset -> train -> evaluate. There is no power
sensor, so only runtime is learnt. Writes its figures into docs/learning.md between markers.

    python scripts/learn_onnxruntime.py [--runs 20] [--keep FOLDER] [--no-docs]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from learning_docs import replace_section

from edgeprofiler.core.device import load_device
from edgeprofiler.core.profile.document import write_profile
from edgeprofiler.learning.dataset import Dataset, rows_of
from edgeprofiler.learning.dataset.build import build
from edgeprofiler.learning.dataset.storage import save_dataset
from edgeprofiler.learning.training.evaluation import Evaluation, evaluate
from edgeprofiler.learning.training.fitting import train
from edgeprofiler.learning.training.networks import NetworkSums
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.measurement.attribution import attribute
from edgeprofiler.measurement.collect.collecting import record_model
from edgeprofiler.measurement.collect.device_state import machine_facts
from edgeprofiler.measurement.collect.plan import RecordingPlan
from edgeprofiler.measurement.recording import Recording, is_recording, load_recording
from edgeprofiler.measurement.runners.onnxruntime import OnnxRuntimeRunner
from edgeprofiler.views.plots.training import save_evaluation

ZOO = (
    "lenet", "alexnet", "vgg11", "resnet18", "resnet34", "resnet50", "mobilenet_v2",
    "mobilenet_v3_small", "mobilenet_v3_large", "googlenet", "squeezenet1_0", "squeezenet1_1",
    "shufflenet_v2_x1_0", "mnasnet1_0", "efficientnet_b0", "efficientnet_b1", "densenet121",
    "inception_v3",
)  # fmt: skip
LIGHT = (
    "light_bvlc_alexnet", "light_densenet121", "light_inception_v1", "light_inception_v2",
    "light_resnet50", "light_shufflenet", "light_squeezenet", "light_vgg19", "light_zfnet512",
)  # fmt: skip


ROUNDS = 2
"""How often all networks are measured, one after another."""


def canonical(name: str) -> str:
    """Networks that are one and the same under two names are left out together."""
    same = {
        "light_bvlc_alexnet": "alexnet", "light_densenet121": "densenet121",
        "light_inception_v1": "googlenet", "light_resnet50": "resnet50",
        "light_squeezenet": "squeezenet1_1",
    }  # fmt: skip
    return same.get(name, name)


def sources() -> dict[str, str]:
    import onnx

    light = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    found = {name: f"zoo:{name}" for name in ZOO}
    found |= {name: str(light / f"{name}.onnx") for name in LIGHT}
    return found


def record(target: Path, name: str, source: str, runs: int) -> Recording:
    if is_recording(target):
        return load_recording(target)
    runner = OnnxRuntimeRunner(threads=1)
    plan = RecordingPlan(runs=runs, idle_s=0.0, warmup=3, dither_s=0.0)
    try:
        return record_model(source, runner, None, target, plan=plan, name=name)
    finally:
        runner.close()


def measure(folder: Path, runs: int) -> tuple[Dataset, float]:
    profiles = folder / "profiles"
    profiles.mkdir(parents=True, exist_ok=True)
    renamed = {}
    recordings: dict[str, list[Recording]] = {name: [] for name in sources()}
    # Other programs on the machine slow whole minutes: all networks once, then all again.
    for turn in range(ROUNDS):
        for name, source in sources().items():
            recordings[name].append(record(folder / f"{name}.{turn}", name, source, runs))
    for name, found in recordings.items():
        profile = attribute(found[0])
        write_profile(profile, profiles / f"{name}.json")
        rows = rows_of(profile, name)
        # They only ever add time, so that the least of all runs tells most.
        all_runs = np.concatenate([recording.timeline.duration_s for recording in found])
        least = np.nanmin(all_runs, axis=0)[rows.integer("layer")]
        renamed[name] = rows.with_columns(
            network=np.full(len(rows), canonical(name)),
            runtime_s=np.where(least > 0, least, rows.number("runtime_s")),
        )
        total = 1e3 * float(renamed[name].number("runtime_s").sum())
        print(f"{name:24s} {total:8.2f} ms, {len(rows)} layers", flush=True)
    took = sum(
        float(np.nansum(r.timeline.duration_s)) for part in recordings.values() for r in part
    )
    save_dataset(Dataset.concatenate(list(renamed.values())), folder / "data")
    return build([folder / "data"]).data, took


def table(result: Evaluation) -> str:
    lines = ["| by | layers: RMSPE, MAPE, within 10 % | networks: RMSPE, MAPE, within 10 % |",
             "|---|---|---|"]  # fmt: skip
    for way in result.ways:
        layers = result.errors(way, "all", "runtime_s")
        totals = way.totals.metrics["runtime_s"]
        lines.append(f"| {way.name} | {cells(layers)} | {cells(totals)} |")
    return "\n".join(lines)


def cells(errors: object) -> str:
    assert isinstance(errors, dict)
    return ", ".join(f"{100 * errors[name]:.1f} %" for name in ("rmspe", "mape", "within_10"))


def each_network(totals: NetworkSums) -> str:
    lines = ["| network | measured, ms | predicted, ms | error |", "|---|---:|---:|---:|"]
    truth, guess = totals.measured["runtime_s"], totals.predicted["runtime_s"]
    for name, t, g in zip(totals.names, truth, guess, strict=True):
        lines.append(f"| {name} | {1e3 * t:.2f} | {1e3 * g:.2f} | {100 * (g / t - 1):+.1f} % |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="keep recordings here, and use those there")
    parser.add_argument("--no-docs", action="store_true")
    options = parser.parse_args()
    facts = machine_facts()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        data, took = measure(folder, options.runs)
        device = load_device("generic")
        began = time.monotonic()
        train(data, device)
        training_s = time.monotonic() - began
        result = evaluate(data, device, TrainingOptions())
        if options.keep:
            save_evaluation(result, folder / "plots", ())
    way = result.ways[0]
    import onnxruntime

    board = facts.get("board") or facts.get("processor")
    text = f"""Machine: {board}, {facts["cores"]} cores (load {facts.get("load", "unknown")}); ONNX
Runtime {onnxruntime.__version__}, CPU, one thread, FP32, batch 1, {ROUNDS} times
{options.runs} runs a network, the least time of each layer.
The recorded runs of {len(sources())} models last {took:.0f} s; training on {len(data)} rows
took {training_s:.1f} s. The generic board's datasheet stands behind the
features. Each network is left out in turn; a network from two sources is left out with both.

{table(result)}

90 % intervals of layer runtime hold
{result.coverage["runtime_s"]} layers. By network (sum of its layers; `hybrid`):

{each_network(way.totals)}
"""
    print(text)
    if not options.no_docs:
        replace_section("onnxruntime", text)


if __name__ == "__main__":
    main()
