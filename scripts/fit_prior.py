"""Fit the cost model on the published measurements and write what ships with the package.

    python scripts/fit_prior.py --shared ../shared

Writes `costmodel/data/prior.toml`: numbers shared by all boards, those of hosts, and what each
board differs by; and in each board's file how many rows that rests on. Takes a few seconds;
figures of accuracy are `scripts/accuracy.py`'s.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

import numpy as np
from published import published_rows, published_samples, shared_option

from edgeprofiler.core.device import load_device
from edgeprofiler.core.files import write_text
from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.calibration import power, recipe
from edgeprofiler.prediction.calibration.power_folds import power_rows
from edgeprofiler.prediction.calibration.problem import Problem
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.calibration.write import toml_table
from edgeprofiler.prediction.costmodel.wall import REFERENCE_CPU

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "edgeprofiler"
TARGET = PACKAGE / "prediction" / "costmodel" / "data" / "prior.toml"
BOARDS = PACKAGE / "core" / "device" / "boards"
END_TO_END_S, LAYERS_S, KERNELS = 4.3e-3, 2.11e-3, 90
"""MobileNetV2 through Torch-TensorRT in Python: the one latency known of that host."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared_option(parser)
    shared = parser.parse_args().shared
    timed, powered = published_samples(published_rows(shared))
    problem = recipe.assemble(timed)
    solution = problem.fit()
    error = np.abs(np.exp(solution.residuals) - 1)
    print(f"{len(timed)} rows, {len(problem.unknowns)} unknowns, {solution.iterations} steps; "
          f"mean error of the fit {100 * error.mean():.1f} %")  # fmt: skip
    rates, experiment = power_of(problem, solution.values, powered)
    write_prior(problem, solution.values, timed, rates, experiment)
    count_rows(timed + powered)


def power_of(
    problem: Problem, values: FloatArray, samples: list[Sample]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the numbers of power, and of the host of the experiment that measured it."""
    fitted, found = power.solve_power(power_rows(problem, values, samples), samples)
    named = dict(zip(power.START, fitted.tolist(), strict=True))
    print(f"power: {len(samples)} rows, {found.iterations} steps")
    pace = load_device(samples[0].device.spec).cpu_speed / REFERENCE_CPU
    host = {name: named[name] * pace for name in ("host_fixed_s", "enqueue_s")}
    return power.rates(fitted), host


def hosts_of(
    problem: Problem, values: FloatArray, experiment: dict[str, float]
) -> dict[str, dict[str, float]]:
    """Return the numbers of each host; that of the power experiment is one of its own."""
    hosts = {name: recipe.host_values(problem, values, name) for name in recipe.HOSTS}
    by_power = experiment["host_fixed_s"] + experiment["enqueue_s"] * KERNELS
    share = (END_TO_END_S - LAYERS_S) / by_power
    hosts["torch-tensorrt"] = {name: value * share for name, value in experiment.items()}
    hosts["power-experiment"] = experiment
    return hosts


def write_prior(
    problem: Problem,
    values: FloatArray,
    samples: list[Sample],
    rates: dict[str, float],
    experiment: dict[str, float],
) -> None:
    numbers = vars(recipe.shared_values(problem, values)) | rates
    shared = {n: v for n, v in numbers.items() if not n.startswith("host_") and n != "speed"}
    text = (
        "# Written by scripts/fit_prior.py: the numbers of the cost model. What each means is in\n"
        "# prediction/costmodel/parameters.py, how they were fitted in docs/cost-model.md.\n"
        'schema = "edgeprofiler.prior/2"\n'
    )
    text += toml_table("shared", shared)
    for name, host in hosts_of(problem, values, experiment).items():
        text += toml_table(f"hosts.{name}", host)
    for board in dict.fromkeys(sample.device.name for sample in samples):
        text += toml_table(f"boards.{board}", recipe.labelled(problem, values, board))
    write_text(TARGET, text)


def count_rows(samples: list[Sample]) -> None:
    """Write into the boards' files how many rows of each there are."""
    counts = Counter(sample.device.name for sample in samples)
    for path in BOARDS.glob("*.toml"):
        text = re.sub(
            r"^fitted_rows = .*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        if path.stem in counts:
            line = f"fitted_rows = {counts[path.stem]}\n\n[datasheet]"
            text = re.sub(r"\n\[datasheet\]", line, text)
        write_text(path, text)


if __name__ == "__main__":
    main()
