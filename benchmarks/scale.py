"""A million variants of one network on one core and on two, and the front that both find.

Usage: python benchmarks/scale.py [--rows N] [--jobs 1 2] [--pairs 5]

Each run is a process of its own that writes all rows to a data set. Told are its wall time, the
processor time of it and its workers, and the peak memory of the largest process. Beside them stand
a million networks of the zoo, from the time of a few hundred. With pairs, all numbers of processes
run in turn that often; told are the last runs, and how many times faster than the first number the
others were in each turn.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MODEL = "zoo:resnet50"
DEVICE = "jetson-agx-orin"
BATCHES = 64
RESOLUTIONS = "160:320:16"
"""Eleven of them."""
RUN = """
import hashlib, json, resource, sys, time
from edgeprofiler import Workers, sweep
asked, jobs, folder = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
begun_s = time.perf_counter()
found = sweep(asked.pop("model"), output=folder, workers=Workers(jobs), **asked)
wall_s = time.perf_counter() - begun_s
front = found.pareto
from joblib.externals.loky import get_reusable_executor
if jobs > 1:
    get_reusable_executor().shutdown(wait=True)
own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
digest = hashlib.sha256()
for name in ("index", "end_to_end_s", "energy_per_image_j"):
    digest.update(getattr(found, name)[front].tobytes())
print(json.dumps({
    "rows": found.count, "wall_s": wall_s, "front": int(front.sum()), "digest": digest.hexdigest(),
    "cpu_s": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
    "peak_mib": max(own.ru_maxrss, others.ru_maxrss) / 1024,
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--pairs", type=int, default=1)
    given = parser.parse_args()
    clocks = max(1, given.rows // (BATCHES * 11 * 2))
    step = 994e6 / clocks / 1e6
    asked: dict[str, object] = {
        "model": MODEL, "device": DEVICE, "batch": f"1:{BATCHES}:1", "resolution": RESOLUTIONS,
        "precision": "fp16,int8", "clocks": f"gpu=306:1300:{step:.6f}MHz",
    }  # fmt: skip
    print(f"Python {platform.python_version()}, {platform.machine()}; {MODEL} on {DEVICE}.\n")
    print("| | rows | wall, s | processor, s | per row, µs | peak memory, MiB | front |")
    print("|---|--:|--:|--:|--:|--:|---|")
    turns = [[_run(asked, jobs) for jobs in given.jobs] for _ in range(given.pairs)]
    for jobs, found in zip(given.jobs, turns[-1], strict=True):
        _told(f"{jobs} process{'es' if jobs > 1 else ''}", found)
    if given.networks:
        networks: dict[str, object] = {
            "model": "zoo:mobilenet_v2",
            "variants": [{"width": 0.5 + n / 1024} for n in range(given.networks)],
        }
        _told("networks of the zoo, 1 process", _run(networks, 1))
    for place, jobs in enumerate(given.jobs[1:], 1):
        gains = sorted(turn[0]["wall_s"] / turn[place]["wall_s"] for turn in turns)
        print(
            f"\n{jobs} processes: {statistics.median(gains):.2f} times faster "
            f"({gains[0]:.2f} to {gains[-1]:.2f})"
        )


def _run(asked: dict[str, object], jobs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", RUN, json.dumps(asked), str(jobs), str(Path(folder, "s"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _told(name: str, found: dict[str, float]) -> None:
    each = 1e6 * found["cpu_s"] / found["rows"]
    print(
        f"| {name} | {found['rows']:,} | {found['wall_s']:.1f} | {found['cpu_s']:.1f} "
        f"| {each:.0f} | {found['peak_mib']:.0f} "
        f"| {found['front']:.0f} rows, {str(found['digest'])[:8]} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
