"""Print how well attribution finds the simulated truth, and keep it in docs/measurement.md.

    python scripts/attribution_table.py [--seeds 10] [--runs 30000] [--cases easy,full,...]

Each row is one case over seeds that draw board, sensor phase, lag and gap. Errors are energy
weighted: sum of time times |found - true| over sum of time times true power above idle, every
layer with the value reported for it. The window method and one power for all layers stand beside.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from edgeprofiler.core.files import read_text, write_text
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.measurement.attribution import attribute_with_report
from edgeprofiler.measurement.attribution.attribute import Attribution
from edgeprofiler.measurement.simulator import SensorModel, Structure, Truth, simulate
from edgeprofiler.reading.read import read

DOC = Path(__file__).parents[1] / "docs" / "measurement.md"
BEGIN, END = "<!-- attribution:begin -->", "<!-- attribution:end -->"

FULL = Structure.full()
CASES: dict[str, tuple[str, SensorModel, Structure]] = {
    "easy": ("constant power within layers", SensorModel(), Structure.easy()),
    "full": ("drift, clocks, jitter, variation within layers", SensorModel(), FULL),
    "lag": ("lag of 3 ms more", SensorModel(lag_s=3e-3), Structure.easy()),
    "dense": (
        "runs back to back, all structure", SensorModel(), replace(FULL, schedule="back-to-back"),
    ),
    "rail": ("rail smoothed by 1 ms", SensorModel(rail_time_constant_s=1e-3), Structure.easy()),
    "jitter20": ("stamps off by 20 µs", SensorModel(), Structure(stamp_jitter_s=20e-6)),
    "jitter100": ("stamps off by 100 µs", SensorModel(), Structure(stamp_jitter_s=100e-6)),
    "averaged": ("mean of four, 26 ms held", SensorModel(averaging=4), Structure.easy()),
    "unsaid": ("the same, settings not recorded", SensorModel(averaging=4), Structure.easy()),
    "locked": (
        "runs locked to the sensor", SensorModel(clock_ppm=0.0),
        Structure(schedule="locked", duration_jitter=0.0),
    ),
    "nearly": ("runs nearly locked", SensorModel(), Structure(schedule="locked")),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Score:
    """How one recording was attributed."""

    level: str
    error: float
    network_error: float
    scores: FloatArray
    """(reported - true) / standard error of everything that was reported."""
    reported: int
    layers: int


def score(found: Attribution, truth: Truth) -> Score:
    """Compare a profile with the truth."""
    profile, level = found.profile, found.report.level
    ran = truth.runtime_s > 0
    if level == "runtimes":
        return Score(level, np.nan, np.nan, np.empty(0), 0, int(ran.sum()))
    costs, seconds = profile.costs, truth.runtime_s
    power = np.where(np.isfinite(costs.power_w), costs.power_w, profile.idle_power_w)
    above = np.nansum(seconds * truth.above_idle_w)
    error = float((seconds[ran] * np.abs(power - truth.power_w)[ran]).sum() / above)
    total = profile.totals.energy_j
    network = total.value / truth.network_energy_j - 1
    half = (total.high - total.low) / 2 / 1.6449
    if level == "network":
        scores = [(total.value - truth.network_energy_j) / half]
    elif costs.standard_error_w is None:
        scores = []
    else:
        known = np.array(costs.known_by)
        scores = []
        for label in dict.fromkeys(
            name if name.startswith("group") else f"{name} {k}" for k, name in enumerate(known)
        ):
            members = (
                known == label if label.startswith("group")
                else np.arange(known.size) == int(label.split()[-1])
            ) & ran  # fmt: skip
            if not members.any():
                continue
            true = float((seconds[members] * truth.power_w[members]).sum() / seconds[members].sum())
            first = int(np.flatnonzero(members)[0])
            scores.append((costs.power_w[first] - true) / costs.standard_error_w[first])
    return Score(level, error, network, np.array(scores), found.report.groups, int(ran.sum()))


def row(network: Network, case: str, seeds: int, runs: int) -> str:
    """Return a table row of one network and case."""
    title, sensor, structure = CASES[case]
    layered, levels, window, constant, energy, honest = [], [], [], [], [], []
    powers = []
    began = time.perf_counter()
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 99])
        lag = sensor.lag_s + float(rng.uniform(0, 1e-3))
        gap = float(rng.uniform(2e-6, 8e-6))
        recording, truth = simulate(
            network, runs=runs, seed=seed,
            sensor=replace(sensor, lag_s=lag), structure=replace(structure, gap_s=gap),
        )  # fmt: skip
        if case == "unsaid":
            recording = replace(recording, sensor_settings={})
        found = score(attribute_with_report(recording), truth)
        levels.append(found.level)
        layered.append(found.error)
        energy.append(abs(found.network_error))
        honest.append(found.scores)
        powers.append(f"{found.reported}/{found.layers}")
        window.append(score(attribute_with_report(recording, "window"), truth).error)
        constant.append(_constant(truth))
        print(
            f"{network.name} {case} seed {seed}: {found.level}, error {found.error:.2%}, "
            f"energy {found.network_error:+.3%}, {powers[-1]}", flush=True,
        )  # fmt: skip
    every = np.concatenate(honest)
    within = f"{int((np.abs(every) <= 2).sum())} of {every.size}" if every.size else "-"
    outcome = ", ".join(f"{levels.count(level)} {level}" for level in dict.fromkeys(levels))
    errors = np.array(layered)
    middle = "-" if np.isnan(errors).all() else f"{np.nanmedian(errors):.1%}"
    if set(levels) == {"network"}:
        middle = f"({middle})"
    energies = "-" if np.isnan(energy).all() else f"{np.nanmax(energy):.2%}"
    print(f"  {time.perf_counter() - began:.0f} s")
    return (
        f"| {network.name}: {title} | {seeds} | {np.median(window):.0%} | "
        f"{np.median(constant):.0%} | {middle} | {energies} | {within} | {outcome} |"
    )


def _constant(truth: Truth) -> float:
    """Return the error of one value, the true mean, for all layers."""
    ran = truth.runtime_s > 0
    seconds, above = truth.runtime_s[ran], truth.above_idle_w[ran]
    mean = (seconds * above).sum() / seconds.sum()
    return float((seconds * np.abs(above - mean)).sum() / (seconds * above).sum())


def main() -> None:
    """Run the cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--hard-seeds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=30_000)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--networks", default="resnet18,vgg16")
    parser.add_argument("--keep", action="store_true", help="keep rows of cases that are not run")
    options = parser.parse_args()
    text = (
        f"Simulated INA3221 (1.1 ms of every 6.6 ms held), {options.runs:,} runs, callbacks in a "
        "burst, lag and gap drawn by seed and fitted. Errors of layer power above idle, energy "
        "weighted, median over seeds; in brackets where only the network's power was given. "
        "Energy: largest error of an inference. Within 2: reported values that lie within two "
        "standard errors of the truth."
    )
    head = [
        text,
        "",
        "| case | seeds | window | one value | least squares | energy | within 2 | given |",
        "|---|---|---|---|---|---|---|---|",
    ]
    old = _old_rows() if options.keep else {}
    rows: dict[str, str] = dict(old)
    networks = {name: read(f"zoo:{name}") for name in ("resnet18", "vgg16")}
    for case in options.cases.split(","):
        both = case in ("easy", "full", "dense")
        seeds = options.seeds if both else options.hard_seeds
        for name in options.networks.split(",") if both else ("resnet18",):
            line = row(networks[name], case, seeds, options.runs)
            rows[f"{name}: {CASES[case][0]}"] = line
            _write("\n".join([*head, *_ordered(rows)]))
    print("\n".join([*head, *_ordered(rows)]))


def _ordered(rows: dict[str, str]) -> list[str]:
    keys = [f"{name}: {title}" for title, _, _ in CASES.values() for name in ("resnet18", "vgg16")]
    return [rows[key] for key in keys if key in rows]


def _old_rows() -> dict[str, str]:
    inside = read_text(DOC).partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in inside.splitlines() if line.startswith(("| resnet18:", "| vgg16:"))]
    return {line.split("|")[1].strip(): line for line in lines}


def _write(table: str) -> None:
    text = read_text(DOC)
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    write_text(DOC, f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main()
