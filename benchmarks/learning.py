"""Time training, prediction of many networks, and `predict` with a trained predictor.

    python benchmarks/learning.py [--docs]

Training is on 585 convolutional, 61 pooling and 398 dense rows, the size of the published data
set; times stand beside the published recipe's polynomials, and beside one call a layer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import Layer, Network, make_layer
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.dataset.rows import layer_facts
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.training.fitting import train
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.measurement.collect.device_state import machine_facts
from edgeprofiler.measurement.simulator import SimulatedDevice, true_costs
from edgeprofiler.prediction.loading import load_predictor
from edgeprofiler.prediction.predictors.trained import TrainedPredictor
from edgeprofiler.reading.read import read

BOARD = "jetson-orin-nano"
WANTED = {"convolutional": 585, "pooling": 61, "dense": 398}
NETWORKS, LAYERS = 1000, 22
DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def rows() -> Dataset:
    """Rows of 21 made-up networks in the published numbers, drawn by seed."""
    rng = np.random.default_rng(0)
    layers: list[Layer] = []
    for kind, count in WANTED.items():
        for index in range(count):
            size, channels = (
                int(rng.choice([7, 14, 28, 56, 112])),
                int(rng.choice([16, 64, 256, 512])),
            )
            out = int(rng.choice([32, 128, 256, 512]))
            half = (size + 1) // 2
            window = (int(rng.choice([1, 3, 3, 5])),) * 2 if kind == "convolutional" else (2, 2)
            shapes = {
                "convolutional": ((1, channels, size, size), (1, out, size, size)),
                "pooling": (
                    (1, channels, size, size),
                    (1, channels, half, half),
                ),
                "dense": ((1, 8 * channels), (1, out)),
            }[kind]
            op = {"convolutional": "convolution", "pooling": "max_pool", "dense": "gemm"}[kind]
            layers.append(
                make_layer(
                    name=f"{kind}{index}", kind=kind, op=op,  # type: ignore[arg-type]
                    input_shapes=[shapes[0]], output_shapes=[shapes[1]], dtype="fp16",
                    kernel=() if kind == "dense" else window,
                    stride={"convolutional": (1, 1), "pooling": (2, 2)}.get(kind, ()),
                    macs=8 * channels * out if kind == "dense" else None,
                    weight_elements=0 if kind == "pooling" else channels * out * window[0] ** 2,
                )
            )  # fmt: skip
    network = read("zoo:lenet")
    truth = true_costs(replace(network, layers=tuple(layers)), SimulatedDevice.draw(0, BOARD))
    return Dataset.of(
        [
            {
                **layer_facts(layer), "network": f"network{index % 21}", "device": BOARD,
                "runtime_s": float(truth.runtime_s[index]), "idle_power_w": truth.idle_power_w,
                "power_above_idle_w": float(truth.above_idle_w[index]),
                "power_w": float(truth.power_w[index]),
            }
            for index, layer in enumerate(layers)
        ]
    )  # fmt: skip


def training_s(data: Dataset, options: TrainingOptions) -> tuple[float, float]:
    """Return wall and processor seconds of a training."""
    wall, cpu = time.perf_counter(), time.process_time()
    train(data, load_device(BOARD), options)
    return time.perf_counter() - wall, time.process_time() - cpu


def networks() -> list[Network]:
    base = read("zoo:resnet18").layers[:LAYERS]
    return [Network(f"n{i}", base, read("zoo:resnet18").source) for i in range(NETWORKS)]


def prediction_s(predictor: TrainedPredictor, asked: list[Network]) -> tuple[float, float, float]:
    """Return seconds for all at once, with fresh networks, and for one call a layer (scaled)."""
    began = time.perf_counter()
    predictor.predict_many(asked)
    fresh = time.perf_counter() - began
    best = min(_timed(predictor, asked) for _ in range(5))
    few = asked[:4]
    began = time.perf_counter()
    for network in few:
        for layer in network.layers:
            predictor.predict_many([replace(network, layers=(layer,))])
    single = (time.perf_counter() - began) * len(asked) / len(few)
    return best, fresh, single


def _timed(predictor: TrainedPredictor, asked: list[Network]) -> float:
    began = time.perf_counter()
    predictor.predict_many(asked)
    return time.perf_counter() - began


def process_s(folder: Path) -> float:
    command = [sys.executable, "-m", "edgeprofiler", "predict", "zoo:resnet18", "--predictor",
               str(folder), "-q"]  # fmt: skip
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", action="store_true", help="write the result into docs")
    options = parser.parse_args()
    data = rows()
    ours, published = (
        training_s(data, TrainingOptions(recipe)) for recipe in ("hybrid", "neuralpower")
    )
    with tempfile.TemporaryDirectory() as temporary:
        FolderStore(temporary).put(train(data, load_device(BOARD)), "p")
        folder = Path(temporary) / "p"
        best, fresh, single = prediction_s(load_predictor(folder), networks())
        process = process_s(folder)
    facts = machine_facts()
    trained = (
        "| train six models, `hybrid`, 585 + 61 + 398 rows, with errors of five folds | "
        f"{ours[0]:.1f} s ({ours[1]:.1f} s of processor) | `neuralpower`: {published[0]:.1f} s "
        f"({published[1]:.1f} s) | {published[1] / ours[1]:.1f} |"
    )
    predicted = (
        f"| predict {NETWORKS:,} networks of {LAYERS} layers | {best:.3f} s ({fresh:.3f} s with "
        f"networks seen for the first time) | one call a layer: {single:.1f} s | "
        f"{single / best:.0f} |"
    )
    whole = f"| `predict` with a trained predictor, process start to end | {process:.2f} s | | |"
    head = "| what | time | reference in the same run | ratio |\n|---|---:|---:|---:|"
    lines = (head, trained, predicted, whole)
    table = "\n".join(lines)
    text = f"""Machine: {facts.get("board") or facts.get("processor")}, {facts["cores"]} cores, load
{facts.get("load", "unknown")}; `benchmarks/learning.py`.

{table}
"""
    print(text)
    if options.docs:
        from learning_docs import replace_section

        replace_section("learning", text, DOCS)


if __name__ == "__main__":
    main()
