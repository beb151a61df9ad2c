"""A data set from recordings that are attributed first, on one core and on two, beside one alone.

    python benchmarks/dataset_build.py [--recordings 12] [--runs 15000] [--jobs 1 2]

Recordings are of ResNet-18 on the simulated board, each with a seed of its own. Each build runs in
a process of its own. Told are wall time, processor time with its workers, wall time over that of
one attribution, and a digest of the rows, which must not depend on who works.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
RUN = """
import hashlib, json, resource, sys, time
from pathlib import Path
from edgeprofiler import Workers
from edgeprofiler.learning.dataset.build import build
folders, jobs = [Path(name) for name in sys.argv[2:]], int(sys.argv[1])
begun_s = time.perf_counter()
data = build(folders, workers=Workers(jobs)).data
wall_s = time.perf_counter() - begun_s
if jobs > 1:
    from joblib.externals.loky import get_reusable_executor
    get_reusable_executor().shutdown(wait=True)
own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
digest = hashlib.sha256(data.number("power_above_idle_w").tobytes()).hexdigest()
print(json.dumps({
    "rows": len(data), "wall_s": wall_s, "digest": digest,
    "cpu_s": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
}))
"""


def main() -> None:
    from edgeprofiler.measurement.recording import save_recording
    from edgeprofiler.measurement.simulator import simulate
    from edgeprofiler.reading.read import read

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--recordings", type=int, default=12)
    parser.add_argument("--runs", type=int, default=15_000)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    network = read("zoo:resnet18", device="jetson-orin-nano")
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, f"resnet18-{seed}") for seed in range(given.recordings)]
        for seed, folder in enumerate(folders):
            save_recording(simulate(network, runs=given.runs, seed=seed)[0], folder)
        print(
            f"Python {platform.python_version()}, {platform.machine()}; {given.runs:,} runs each.\n"
        )
        print("| | rows | wall, s | processor, s | of one attribution | digest |")
        print("|---|--:|--:|--:|--:|---|")
        one_s = _told("one recording, 1 process", folders[:1], 1, None)
        for jobs in given.jobs:
            many = f"{jobs} process{'es' if jobs > 1 else ''}"
            _told(f"{given.recordings} recordings, {many}", folders, jobs, one_s)


def _told(name: str, folders: list[Path], jobs: int, one_s: float | None) -> float:
    command = [sys.executable, "-c", RUN, str(jobs), *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    wall_s = float(found["wall_s"])
    print(
        f"| {name} | {found['rows']} | {wall_s:.1f} | {found['cpu_s']:.1f} "
        f"| {wall_s / (one_s or wall_s):.1f} | {found['digest'][:8]} |",
        flush=True,
    )
    return wall_s


if __name__ == "__main__":
    main()
