"""How long a sweep of 10,000 combinations takes, beside a loop that predicts one at a time.

Usage: python benchmarks/sweep.py
"""

from __future__ import annotations

import platform
import time

from edgeprofiler.decision.sweep import sweep
from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.read import input_shapes

MODEL = "zoo:resnet50"
DEVICE = "jetson-agx-orin"
LOOP = 40


def main() -> None:
    start = time.perf_counter()
    result = sweep(
        MODEL, device="all", batch="1:26", resolution="160:640:32", precision="fp32,fp16,int8"
    )
    seconds = time.perf_counter() - start
    shapes = input_shapes(MODEL, 256)
    start = time.perf_counter()
    for batch in range(1, LOOP + 1):
        predict(MODEL, DEVICE, batch=batch, shapes=shapes)
    alone = (time.perf_counter() - start) / LOOP
    layers = len(predict(MODEL, DEVICE))
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
