"""What the sampler costs at 1 kHz on files that a second process rewrites.

    python benchmarks/sampler.py [--seconds 20]

Prints the sampler's share of one core, the ticks it missed, and as reference the share of the
plainest loop in the same run, which opens the files anew at each tick, and of waking alone, with
the ticks that waking alone missed; on a virtual machine also what its host took meanwhile.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from edgeprofiler.measurement.collect.device_state import machine_facts
from edgeprofiler.measurement.collect.sampling import SamplerProcess
from edgeprofiler.measurement.collect.ticks import make_ticker
from edgeprofiler.measurement.recording import load_recording
from edgeprofiler.measurement.recording.chunks import Phase
from edgeprofiler.measurement.recording.session import SessionClock, write_header
from edgeprofiler.measurement.sensors.ina3221 import Ina3221Sensor
from edgeprofiler.testing import write_ina3221_tree

RAILS = {"VDD_IN": (5000, 1100), "VDD_CPU_GPU_CV": (5000, 400), "VDD_SOC": (5000, 200)}
PERIOD_S = 1e-3
CONVERSION_S = 0.0066


def rewrite(folder: str) -> None:
    """Stand in for the chip: new values every 6.6 ms, in place as a driver gives them."""
    files = [os.open(f"{folder}/curr{n}_input", os.O_WRONLY) for n in (1, 2, 3)]
    value = 0
    while os.getppid() != 1:
        value = (value + 8) % 800
        for number, descriptor in enumerate(files, 1):
            os.pwrite(descriptor, b"%04d\n" % (1000 + value * number), 0)
        time.sleep(CONVERSION_S)


def plain_loop(folder: str, seconds: float) -> None:
    """The reference: open and read each file at each tick, sleep the rest of the period."""
    start, tick = time.monotonic(), 0
    values = []
    while tick * PERIOD_S < seconds:
        for number in (1, 2, 3):
            with open(f"{folder}/in{number}_input") as file:  # noqa: PTH123  the plain way
                volts = int(file.read())
            with open(f"{folder}/curr{number}_input") as file:  # noqa: PTH123
                values.append(volts * int(file.read()))
        tick += 1
        time.sleep(max(0.0, start + tick * PERIOD_S - time.monotonic()))


def waking(_folder: str, seconds: float) -> None:
    """Wake at each tick and do nothing: what the machine itself takes, and misses."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # as the sampler does
    ticker = make_ticker(PERIOD_S)
    ticks = int(seconds / PERIOD_S)
    deque(islice(ticker.waits, ticks), maxlen=0)
    due = ticker.due(time.monotonic())
    ticker.close()
    print(
        f"waking alone missed: {due - ticks:,} of {due:,} ticks ({1 - ticks / due:.2%})", flush=True
    )


def stolen_s() -> float:
    """Return the processor time that a host has taken from this machine so far; 0 if none."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        return int(fields[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def share_of(loop: Callable[[str, float], None], folder: Path, seconds: float) -> float:
    """Return the share of a core that a loop uses in a process of its own."""
    before = os.times()
    process = multiprocessing.Process(target=loop, args=(str(folder), seconds))
    process.start()
    process.join()
    after = os.times()
    used = after.children_user + after.children_system
    return (used - before.children_user - before.children_system) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as tree, tempfile.TemporaryDirectory() as disk:
        chip = write_ina3221_tree(Path(tree), RAILS)
        context = multiprocessing.get_context("fork")
        driver = context.Process(target=rewrite, args=(str(chip),), daemon=True)
        driver.start()
        plain, wake = (share_of(f, chip, min(seconds, 5.0)) for f in (plain_loop, waking))
        folder = Path(disk) / "recording"
        write_header(folder, {"name": "benchmark"})
        sensor = Ina3221Sensor(root=tree)
        sampler = SamplerProcess(sensor, folder, SessionClock.now(1), PERIOD_S)
        sampler.enter(Phase.RUN)
        stolen = -stolen_s()
        time.sleep(seconds)
        stolen += stolen_s()
        sampler.check()
        done = sampler.stop()
        driver.terminate()
        recording = load_recording(folder)
    assert done is not None
    ticks, missed, cpu_s, elapsed_s = done
    facts = machine_facts()
    print(
        f"machine: {facts.get('processor', platform.machine())}, {os.cpu_count()} cores, ", end=""
    )
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    print(f"ticks: {ticks:,} in {elapsed_s:.1f} s; missed: {missed:,} ({missed / ticks:.2%})")
    print(f"polls on disk: {len(recording.trace):,} of three rails")
    print(f"taken by the host meanwhile: {stolen / seconds:.2%} of a core")
    print(f"sampler: {cpu_s / elapsed_s:.1%} of a core")
    print(f"reference loop (opens six files each tick): {plain:.1%} of a core")
    print(f"waking a thousand times a second, nothing else: {wake:.1%} of a core")
    print(f"ratio: {plain * elapsed_s / cpu_s:.1f}")


if __name__ == "__main__":
    main()
