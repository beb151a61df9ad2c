"""How long a sweep of 10,000 combinations takes, beside a loop that predicts one at a time.

Usage: python benchmarks/sweep.py
"""

from __future__ import annotations

import platform
import time

from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.decision.optimize import Axes, sweep
from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.read import input_shapes

MODEL = "zoo:resnet50"
LOOP = 40


def main() -> None:
    devices = tuple(load_device(name) for name in device_names() if name != "generic")
    axes = Axes(
        devices,
        batches=tuple(range(1, 27)),
        resolutions=tuple(range(160, 672, 32)),
        precisions=("fp32", "fp16", "int8"),
    )
    start = time.perf_counter()
    result = sweep(MODEL, axes)
    seconds = time.perf_counter() - start
    shapes = input_shapes(MODEL, 256)
    start = time.perf_counter()
    for batch in range(1, LOOP + 1):
        predict(MODEL, devices[0], batch=batch, shapes=shapes)
    alone = (time.perf_counter() - start) / LOOP
    layers = len(predict(MODEL, devices[0]))
    print(f"Python {platform.python_version()}, {platform.machine()}, one core.\n")
    print(
        "| | combinations | layers each | s | per combination | ratio |\n|---|--:|--:|--:|--:|--:|"
    )
    each = seconds / len(result)
    print(f"| sweep | {len(result):,} | {layers} | {seconds:.2f} | {each * 1e6:.0f} µs | 1 |")
    print(
        f"| `predict` in a loop (reference) | {LOOP} | {layers} | {alone * LOOP:.2f} "
        f"| {alone * 1e6:.0f} µs | {alone / each:.0f} |"
    )


if __name__ == "__main__":
    main()
