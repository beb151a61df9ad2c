"""Read and attribute the reference's raw layout: 26 layers, 30,000 runs, a 750 Hz log.

    python benchmarks/attribution.py [--runs 30000] [--also 7500,15000,60000]

Each method runs in a process of its own, reading included, BLAS on one thread; the window rule
also stands beside a plain loop over layers and runs, as the reference computes it, timed in the
same call. Then come the processor seconds of other numbers of runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edgeprofiler.measurement.recording import read_reference, write_reference
from edgeprofiler.measurement.simulator import simulate

WORK = ("nothing", "read", "window", "known", "fitted")


def work(folder: Path, what: str) -> None:
    """Do one method and print wall seconds, processor seconds and peak memory in MiB."""
    began = time.perf_counter()
    if what != "nothing":
        recording = read_reference(folder)
        if what != "read":
            from edgeprofiler.measurement.attribution import Timing, attribute

            if what == "window":
                attribute(recording, "window")
            else:
                known = Timing(1.1e-3, 0.382e-3, 5e-6) if what == "known" else None
                attribute(recording, timing=known)
    wall = time.perf_counter() - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def loop(folder: Path, runs: int) -> float:
    """Return seconds that a plain loop takes for the window rule, scaled from its first runs."""
    recording = read_reference(folder)
    timeline, trace = recording.timeline, recording.trace
    assert timeline.stamp_s is not None
    polls, power = trace.time_s, trace.total_w
    part = min(runs, 200)
    began = time.process_time()
    for layer in range(len(timeline.layer_names)):
        for run in range(part):
            stop = timeline.stamp_s[run, layer]
            inside = (polls >= stop - timeline.duration_s[run, layer]) & (polls <= stop)
            _ = power[inside].mean() if inside.any() else None
    return (time.process_time() - began) * runs / part


def measure(folder: Path, what: str) -> tuple[float, float, float]:
    """Return wall seconds, processor seconds and peak MiB of a process that does one method."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--work", str(folder), what],
        check=True, capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    whole = time.perf_counter() - began
    _, processor, memory = map(float, done.stdout.split())
    return whole, processor, memory


def main() -> None:
    """Write recordings, then time each method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30_000)
    parser.add_argument("--also", default="7500,15000,60000", help="other numbers of runs")
    parser.add_argument("--work", nargs=2, metavar=("FOLDER", "WHAT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(Path(options.work[0]), options.work[1])
        return
    from edgeprofiler.reading.read import read

    network = read("zoo:resnet18")
    others = [int(runs) for runs in options.also.split(",") if runs]
    processor: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / str(options.runs)
        folder.mkdir()
        recording, _ = simulate(network, runs=options.runs, seed=1)
        write_reference(recording, folder)
        layers = len(network)
        print(
            f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
            f"Python {platform.python_version()}; {layers} layers x {options.runs:,} runs, "
            f"{len(recording.trace):,} polls"
        )
        print(f"{'method':10} {'whole process':>14} {'processor':>10} {'peak memory':>12}")
        own = processor.setdefault(options.runs, {})
        for what in WORK:
            whole, own[what], memory = measure(folder, what)
            print(f"{what:10} {whole:12.2f} s {own[what]:8.2f} s {memory:8.0f} MiB", flush=True)
        plain = loop(folder, options.runs)
        print(
            f"plain loop {plain:12.1f} s, processor; reading and the window rule together take "
            f"{plain / own['window']:.0f} times less"
        )
        for runs in others:
            folder = Path(name) / str(runs)
            folder.mkdir()
            write_reference(simulate(network, runs=runs, seed=1)[0], folder)
            found = processor.setdefault(runs, {})
            for what in WORK[1:]:
                _, found[what], _ = measure(folder, what)
    print("processor seconds by number of runs")
    print(f"{'runs':>10} " + " ".join(f"{what:>8}" for what in WORK[1:]))
    for runs in sorted(processor):
        row = " ".join(f"{processor[runs][what]:8.2f}" for what in WORK[1:])
        print(f"{runs:10,} {row}")


if __name__ == "__main__":
    main()
