"""Show that more information does not make attribution worse.

    python scripts/attribution_information.py [--seeds 3] [--runs 10000] [--network resnet18]

Simulated recordings of the default board are attributed as they are, and again with something
taken away: idle samples, starts of runs, both, or half and three quarters of the runs. Each row
says the mean over seeds of the layers' error (energy-weighted root mean square, relative to power
above idle) with less and with all. More may cost a tenth of the error at most; the exit code is 1
where it costs more.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from edgeprofiler.measurement.attribution import attribute_with_report
from edgeprofiler.measurement.recording import Recording
from edgeprofiler.measurement.simulator import SensorModel, Truth, simulate
from edgeprofiler.reading.read import read

WORSE = 1.1
"""Factor by which errors may be larger with more information."""


def without_idle(recording: Recording) -> Recording:
    """Return a recording whose board was never seen at rest."""
    return replace(recording, idle_before=None, idle_after=None)


def without_starts(recording: Recording) -> Recording:
    """Return a recording that does not know when runs began."""
    return replace(recording, timeline=replace(recording.timeline, run_start_s=None))


def without_both(recording: Recording) -> Recording:
    """Return a recording that lacks both."""
    return without_starts(without_idle(recording))


LESS: dict[str, tuple[float, Callable[[Recording], Recording]]] = {
    "no idle samples": (1.0, without_idle),
    "no starts of runs": (1.0, without_starts),
    "neither": (1.0, without_both),
    "half of the runs": (0.5, lambda recording: recording),
    "a quarter of the runs": (0.25, lambda recording: recording),
}
"""What is left out: a share of the runs, and what is taken from the recording."""


def error(recording: Recording, truth: Truth) -> float:
    """Return the energy-weighted root mean square of layers' errors; NaN where refused."""
    found = attribute_with_report(recording)
    if found.report.level != "layers":
        return float("nan")
    ran = truth.runtime_s > 0
    above = truth.above_idle_w[ran]
    relative = (found.profile.costs.power_w[ran] - truth.power_w[ran]) / above
    return float(np.sqrt(np.average(relative**2, weights=truth.runtime_s[ran] * above)))


def errors(network: str, runs: int, seed: int, sensor: SensorModel | None = None) -> list[float]:
    """Return the error of a seed's recording, and of that with less; NaN where refused."""
    layers = read(f"zoo:{network}")
    whole, truth = simulate(layers, runs=runs, seed=seed, sensor=sensor)
    result = [error(whole, truth)]
    for share, taken in LESS.values():
        some = (whole, truth)
        if share < 1:
            some = simulate(layers, runs=int(runs * share), seed=seed, sensor=sensor)
        result.append(error(taken(some[0]), some[1]))
    return result


def main() -> int:
    """Print a row for each thing left out, and return whether all are as they should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    table = []
    for seed in range(options.seeds):
        table.append(errors(options.network, options.runs, seed))
        print(f"seed {seed}: " + ", ".join(f"{value:.1%}" for value in table[-1]), flush=True)
    found = np.array(table)
    print("| less | error | with all | |\n|---|---|---|---|")
    worse = False
    for place, name in enumerate(LESS, start=1):
        both = np.isfinite(found[:, place]) & np.isfinite(found[:, 0])
        less, more = found[both, place].mean(), found[both, 0].mean()
        held = bool(more <= WORSE * less)
        worse |= not held
        print(f"| {name} | {less:.1%} | {more:.1%} | {'' if held else 'worse with more'} |")
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
