"""Print how well attribution finds the simulated truth, and keep it in docs/measurement.md.

    python scripts/attribution_table.py [--seeds 3] [--runs 30000] [--cases board,fast,...]

Each row is one network on one kind of recording, over seeds that draw board, sensor and lag. Three
numbers judge the layers: the root of the energy-weighted mean square of relative errors of power
above idle, the mean of absolute relative errors, and the share of layers inside their 90 %
interval. Recordings for which layers are refused are counted apart, and not in these.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from edgeprofiler.core.files import read_text, write_text
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.parallel import Workers, mapped
from edgeprofiler.measurement.attribution import attribute_with_report
from edgeprofiler.measurement.recording import Recording
from edgeprofiler.measurement.simulator import SensorModel, Structure, Truth, simulate
from edgeprofiler.reading.read import read

DOC = Path(__file__).parents[1] / "docs" / "measurement.md"
BEGIN, END = "<!-- attribution:begin -->", "<!-- attribution:end -->"
NETWORKS = ("resnet18", "mobilenet_v2", "vgg11")


@dataclass(frozen=True)
class Case:
    """A kind of recording."""

    title: str
    sensor: SensorModel = SensorModel()  # noqa: RUF009  # frozen, and so shared safely
    structure: Structure = Structure()  # noqa: RUF009
    share: float = 1.0
    """Runs, as a share of those asked for."""
    stamps_s: float = 0.0
    """Steps of the profiler's clock."""


CASES = {
    "board": Case("default board"),
    "short": Case("a tenth of the runs", share=0.1),
    "fast": Case("fast chip: 0.588 of 1.176 ms", SensorModel().fast(), share=0.3),
    "slow": Case("fast chip polled 200 times a second", replace(SensorModel().fast(), poll_hz=200)),
    "sequence": Case("stamps as layers end", structure=Structure(stamps="sequence")),
    "dense": Case("runs back to back", structure=Structure(schedule="back-to-back")),
    "rail": Case("rail smoothed by 1 ms", SensorModel(rail_time_constant_s=1e-3)),
    "waits": Case("kernel waits for a conversion", SensorModel(waits=True)),
    "product": Case("only power recorded", SensorModel(registers=False)),
    "averaged": Case("mean of four, 26 ms held", SensorModel(averaging=4)),
    "governor": Case("clocks not pinned", structure=Structure(governor_steps=3)),
    "rough": Case(
        "power +-3 % a run, odd polls 1 %", SensorModel(odd_polls=0.01),
        Structure(power_jitter=0.03),
    ),
    "easy": Case("nothing but noise and jitter", structure=Structure.easy()),
    "millisecond": Case("stamps in milliseconds", stamps_s=1e-3, share=0.3),
    "locked": Case(
        "runs locked to the sensor", SensorModel(clock_ppm=0.0),
        Structure(schedule="locked", duration_jitter=0.0, stamp_jitter_s=0.0), share=0.3,
    ),
}  # fmt: skip
"""Twelve kinds, then the easy one, and two that hold nothing of layers."""


@dataclass(frozen=True, eq=False)
class Score:
    """How one recording was attributed."""

    level: str
    error: float
    mean_error: float
    inside: int
    layers: int
    expected: float
    window: float
    energy: float
    seconds: float


def one(name: str, case: Case, runs: int, seed: int) -> Score:
    """Simulate and attribute one recording."""
    rng = np.random.default_rng([seed, 99])
    sensor = replace(case.sensor, lag_s=case.sensor.lag_s + float(rng.uniform(0, 1e-3)))
    structure = replace(case.structure, gap_s=float(rng.uniform(2e-6, 8e-6)))
    network = read(f"zoo:{name}")
    recording, truth = simulate(
        network, runs=int(runs * case.share), seed=seed, sensor=sensor, structure=structure
    )
    recording = _coarse(recording, case.stamps_s)
    began = time.process_time()
    found = attribute_with_report(recording)
    seconds = time.process_time() - began
    ran = truth.runtime_s > 0
    true = truth.power_w[ran]
    costs = found.profile.costs
    error, mean_error = _errors(costs.power_w[ran], truth)
    inside = 0
    if found.report.level == "layers":
        assert costs.power_w_low is not None
        assert costs.power_w_high is not None
        inside = int(((costs.power_w_low[ran] <= true) & (true <= costs.power_w_high[ran])).sum())
    window, _ = _errors(
        attribute_with_report(recording, "window").profile.costs.power_w[ran], truth
    )
    energy = found.profile.totals.energy_j.value / truth.network_energy_j - 1
    return Score(
        found.report.level, error, mean_error, inside, int(ran.sum()),
        found.report.expected_error, window, energy, seconds,
    )  # fmt: skip


def _coarse(recording: Recording, step_s: float) -> Recording:
    timeline = recording.timeline
    if not step_s or timeline.stamp_s is None:
        return recording
    stamps = np.round(timeline.stamp_s / step_s) * step_s
    ends = np.round(timeline.run_end_s / step_s) * step_s
    return replace(
        recording,
        timeline=replace(timeline, stamp_s=stamps, run_end_s=ends, run_start_s=None),
    )


def _errors(power: FloatArray, truth: Truth) -> tuple[float, float]:
    """Return the energy-weighted RMS and the mean of relative errors above idle."""
    ran = truth.runtime_s > 0
    above, seconds = truth.above_idle_w[ran], truth.runtime_s[ran]
    found = np.where(np.isfinite(power), power, truth.idle_power_w)
    relative = (found - truth.power_w[ran]) / above
    weight = seconds * above
    return (
        float(np.sqrt((weight * relative**2).sum() / weight.sum())),
        float(np.abs(relative).mean()),
    )


def row(name: str, case: Case, scores: Sequence[Score]) -> str:
    """Return a table row of one network and case."""
    given = [score for score in scores if score.level == "layers"]
    told = f"{len(given)} of {len(scores)}"
    energy = max((abs(score.energy) for score in scores), default=np.nan)
    energies = f"{energy:.2%}" if np.isfinite(energy) else "-"
    window = f"{np.median([score.window for score in scores]):.0%}"
    seconds = f"{np.mean([score.seconds for score in scores]):.1f}"
    if not given:
        nothing = "- | - | - | -"
        return f"| {case.title} | {name} | {told} | {nothing} | {window} | {energies} | {seconds} |"
    error = np.mean([score.error for score in given])
    mean_error = np.mean([score.mean_error for score in given])
    expected = np.mean([score.expected for score in given])
    inside, layers = sum(s.inside for s in given), sum(s.layers for s in given)
    return (
        f"| {case.title} | {name} | {told} | {error:.1%} | {mean_error:.1%} | {expected:.1%} | "
        f"{inside} of {layers} ({inside / layers:.0%}) | {window} | {energies} | {seconds} |"
    )


HEAD = (
    "| recording | network | given | eRMS | MAPE | expected | inside 90 % | window | energy | s |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def main() -> None:
    """Run the cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=30_000)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="keep rows of cases that are not run")
    options = parser.parse_args()
    rows = _old_rows() if options.keep else {}
    jobs = [
        (case, name, seed)
        for case in options.cases.split(",")
        for name in options.networks.split(",")
        for seed in range(options.seeds)
    ]
    found: dict[tuple[str, str], list[Score]] = {}
    outcomes = mapped(
        partial(one_of, options.runs), jobs, Workers(options.jobs), stage="recordings", ordered=True
    )
    for (case, name, seed), outcome in zip(jobs, outcomes, strict=True):
        found.setdefault((case, name), []).append(outcome.get())
        if seed == options.seeds - 1:
            line = row(name, CASES[case], found[case, name])
            rows[CASES[case].title, name] = line
            print(line, flush=True)
            _write("\n".join([*HEAD, *_ordered(rows)]))


def one_of(runs: int, job: tuple[str, str, int]) -> Score:
    """Return how one recording of a case, network and seed comes out."""
    case, name, seed = job
    return one(name, CASES[case], runs, seed)


def _ordered(rows: dict[tuple[str, str], str]) -> list[str]:
    keys = [(case.title, name) for case in CASES.values() for name in NETWORKS]
    return [rows[key] for key in keys if key in rows]


def _old_rows() -> dict[tuple[str, str], str]:
    inside = read_text(DOC).partition(BEGIN)[2].partition(END)[0]
    cells = [[cell.strip() for cell in line.split("|")] for line in inside.splitlines()]
    lines = dict(zip(map(tuple, cells), inside.splitlines(), strict=True))
    return {
        (found[1], found[2]): line
        for found, line in lines.items()
        if len(found) > 2 and found[2] in NETWORKS
    }


def _write(table: str) -> None:
    text = read_text(DOC)
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    write_text(DOC, f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main()
