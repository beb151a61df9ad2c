"""Reading and writing the reference's raw layout: 26 layers x 30,000 runs and a 750 Hz log.

    python benchmarks/reference_layout.py

Each step is a process of its own, so that its peak memory counts imports too. The reference
is `json.loads` of the same layer times and `datetime.strptime` of its stamps, in the same run.
"""

from __future__ import annotations

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np

from edgeprofiler.measurement.recording import (
    PowerTrace,
    Recording,
    SamplerReport,
    Timeline,
    read_reference,
    write_reference,
)

RUNS, LAYERS, PERIOD_S, RUN_S = 30_000, 26, 1 / 750, 0.006


def synthetic() -> Recording:
    random = np.random.default_rng(0)
    ends = np.cumsum(np.full(RUNS, RUN_S))
    times = np.arange(0, ends[-1] + 1, PERIOD_S)
    return Recording(
        name="resnet18",
        trace=PowerTrace(times, {"VDD_IN": random.uniform(4, 8, len(times))}, ("VDD_IN",)),
        timeline=Timeline(
            tuple(f"layer [{i}]" for i in range(LAYERS)),
            random.uniform(2e-5, 2e-4, (RUNS, LAYERS)),
            ends,
            stamp_s=ends[:, None] + 1e-5 * np.arange(LAYERS),
            stamp_kind="callback-burst",
        ),
        idle_before=None,
        idle_after=None,
        sampler=SamplerReport(PERIOD_S, len(times), 0, 0.0),
        state_before=None,
        state_after=None,
        started_utc="2024-10-30T15:06:45+00:00",
    )


def step(name: str, folder: Path) -> None:
    recording = synthetic() if name == "write" else None
    start, cpu_start = time.perf_counter(), time.process_time()
    if recording is not None:
        write_reference(recording, folder)
    elif name == "read":
        read_reference(folder)
    else:
        latency = folder / "raw_data/resnet18/trt_profiling/trt_layer_latency.json"
        for rows in json.loads(latency.read_text()).values():
            for _, stamp in rows:
                datetime.strptime(stamp, "%Y%m%d-%H:%M:%S.%f")  # noqa: DTZ007
    took, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {name} | {took:.2f} | {cpu:.2f} | {peak:.0f} |", flush=True)


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}\n")
    print("| step | s | processor s | peak MiB |\n|---|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("write", "read", "reference"):
            subprocess.run([sys.executable, __file__, name, folder], check=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        step(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
