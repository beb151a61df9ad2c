"""How fast the cost model predicts, against a loop of single-layer calls timed in the same run.

OMP_NUM_THREADS=1 python benchmarks/predict.py
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable

import numpy as np
from least import least_s

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import Columns, Network, Source
from edgeprofiler.prediction.costmodel.work import Work
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor, costs
from edgeprofiler.reading.read import read


def best(call: Callable[[], object], repeats: int = 5) -> float:
    return least_s(call, repeats, time.perf_counter)


def main() -> None:
    device = load_device("jetson-orin-nano")
    predictor = RooflinePredictor(device)
    networks = [read(f"zoo:{name}") for name in ("resnet50", "mobilenet_v2", "densenet121")]
    for network in networks:
        predictor.predict(network)  # columns are gathered once a network
    single = [Network("one", (layer,), Source("one", "benchmark")) for layer in networks[0].layers]
    for network in single:
        predictor.predict(network)

    loop = best(lambda: [predictor.predict(network) for network in single]) / len(single)
    columns = Columns.concatenate([network.columns for network in networks] * 1100)
    work = Work.of(columns)
    fast = best(lambda: costs(columns, device)) / len(columns)
    prepared = best(lambda: costs(work, device)) / len(work)
    crowd = networks * 1100
    layers = sum(len(network) for network in crowd)
    many = best(lambda: predictor.predict_many(crowd), 3) / layers

    sixty = [network for network in networks if len(network) <= 60] or networks[:1]
    combination = Columns.concatenate([sixty[0].columns.take(slice(0, 60))] * 10_000)
    sweep = best(lambda: costs(combination, device), 3)

    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, "
          "one thread")  # fmt: skip
    print(f"a loop of single-layer predictions   {1 / loop:12,.0f} layers/s   1x")
    for name, seconds in (
        (f"predict_many of {len(crowd):,} networks", many),
        (f"costs of {len(columns):,} layers' columns", fast),
        ("the same, work prepared", prepared),
    ):
        print(f"{name:36s} {1 / seconds:12,.0f} layers/s   {loop / seconds:,.0f}x")
    print(f"10,000 variants of {len(combination) // 10_000} layers: {sweep:.2f} s")


if __name__ == "__main__":
    main()
