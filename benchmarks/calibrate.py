"""How long a calibration on 50 networks takes, against predicting them one by one.

OMP_NUM_THREADS=1 python benchmarks/calibrate.py
"""

from __future__ import annotations

import os
import platform
import time

import numpy as np

from edgeprofiler.core.device import load_device
from edgeprofiler.prediction.calibration.board import calibrate
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.reading.read import read

NETWORKS = ("resnet18", "resnet50", "vgg16", "mobilenet_v2", "densenet121")
SIZES = (96, 128, 160, 192, 224, 256, 320, 384, 448, 512)


def main() -> None:
    device = load_device("jetson-orin-nano")
    predictor = RooflinePredictor(device)
    start = time.perf_counter()
    pairs = [(name, s, read(f"zoo:{name}", shapes={"": (1, 3, s, s)}))
             for name in NETWORKS for s in SIZES]  # fmt: skip
    reading = time.perf_counter() - start
    noise = np.random.default_rng(0).normal(0, 0.04, len(pairs))
    start = time.perf_counter()
    totals = [predictor.predict(network).totals.runtime_s.value for _, _, network in pairs]
    loop = time.perf_counter() - start
    samples = [
        Sample.of(
            Measured(
                device=device.name, mode=device.mode.name, software="trtexec", runtime="trtexec",
                network=name, model=f"zoo:{name}", batch=1, shape=(1, 3, size, size),
                precision="fp16", runtime_s=1.2 * total * float(np.exp(error)),
                power_above_idle_w=float("nan"), canonical=name, family=name, set_aside="",
            ),
            device,
            network,
        )
        for (name, size, network), total, error in zip(pairs, totals, noise, strict=True)
    ]  # fmt: skip
    start = time.perf_counter()
    calibrate(device, samples)
    fitting = time.perf_counter() - start
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, "
          f"one thread, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"reading {len(pairs)} networks            {reading:6.2f} s")
    print(f"predicting them one by one      {loop:6.2f} s   1x")
    print(f"fitting, each left out once     {fitting:6.2f} s   {fitting / loop:.1f}x")


if __name__ == "__main__":
    main()
