"""Fit the cost model on the published measurements and write what ships with the package.

    python scripts/fit_prior.py --shared ../shared

Writes `costmodel/data/prior.toml` (numbers shared by all boards) and the calibrations at the end
of `devices/*.toml`. Takes a few seconds; figures of accuracy are `scripts/accuracy.py`'s.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from measured_totals import DEFAULT, layer_samples, measured_rows

from edgeprofiler.core.device import Calibration
from edgeprofiler.core.files import write_text
from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.calibration import power, recipe
from edgeprofiler.prediction.calibration.problem import Problem
from edgeprofiler.prediction.calibration.recipe import Sample
from edgeprofiler.prediction.calibration.write import calibration_text, toml_table
from edgeprofiler.prediction.costmodel.parameters import Parameters
from edgeprofiler.prediction.validate.networks import samples_of

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "edgeprofiler"
MARK = "# calibrations: written by scripts/fit_prior.py; everything below is replaced\n"
ASSUMED = {"trtexec": {"host_gap_s": 20e-6}}
END_TO_END_S, LAYERS_S, KERNELS, SIMPLE = 4.3e-3, 2.11e-3, 90, 36
"""MobileNetV2 through Torch-TensorRT in Python: the one latency known of that host."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path,
                        default=Path(os.environ.get("EDGEPROFILER_SHARED", DEFAULT)))  # fmt: skip
    options = parser.parse_args()
    samples = samples_of([r for r in measured_rows(options.shared) if not r.set_aside])
    timed = [s for s in samples if np.isfinite(s.row.runtime_s)]
    problem, ordered = recipe.assemble(timed + layer_samples(options.shared))
    solution = problem.fit()
    shared = recipe.shared_values(problem, solution.values)
    error = np.exp(solution.residuals) - 1
    print(f"{len(ordered)} rows, {len(problem.unknowns)} unknowns, {solution.iterations} steps; "
          f"mean error of the fit {100 * np.abs(error).mean():.1f} %")  # fmt: skip
    rates, gap = power_of(samples, problem, solution.values)
    write_prior(shared, rates, hosts_of(problem, solution.values, gap))
    write_calibrations(problem, ordered, solution.values, error, rates)


def power_of(
    samples: list[Sample], problem: Problem, values: FloatArray
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the rates of power, and the host's gap that explains it."""
    powered = [s for s in samples if np.isfinite(s.row.power_above_idle_w)]
    layers = next(i for i, g in enumerate(problem.groups) if g.name.endswith("layers"))
    numbers = replace(problem.parameters(values, layers),
                      fixed_s=recipe.shared_values(problem, values).fixed_s)  # fmt: skip
    watts = np.array([s.row.power_above_idle_w for s in powered])
    fitted, found = power.solve_power(power.BusyShare.of(powered, numbers), watts)
    print(f"power: mean error of the fit "
          f"{100 * np.abs(np.exp(found.residuals) - 1).mean():.1f} %")  # fmt: skip
    return power.split(fitted)


def hosts_of(
    problem: Problem, values: FloatArray, gap: dict[str, float]
) -> dict[str, dict[str, float]]:
    """Return the gap of each host; that of the power experiment is a host of its own."""
    hosts = {
        runtime: {**ASSUMED.get(runtime, {}), **recipe.host_gap(problem, values, runtime)}
        for runtime in recipe.HOSTS
    }
    by_power = (gap["host_gap_s"] + gap["host_gap_per_layer_s"] * KERNELS
                + gap["host_gap_per_simple_s"] * SIMPLE)  # fmt: skip
    share = (END_TO_END_S - LAYERS_S) / by_power
    hosts["torch-tensorrt"] = {name: value * share for name, value in gap.items()}
    hosts["power-experiment"] = gap
    return hosts


def write_prior(
    shared: Parameters, rates: dict[str, float], hosts: dict[str, dict[str, float]]
) -> None:
    skip = ("host_gap", "separate")
    values = {n: v for n, v in vars(shared).items() if not n.startswith(skip)} | rates
    text = (
        "# Written by scripts/fit_prior.py: numbers that all boards share. What each means is in\n"
        "# prediction/costmodel/parameters.py, how they were fitted in docs/cost-model.md.\n"
        'schema = "edgeprofiler.prior/1"\n'
    )
    text += toml_table("shared", values)
    for name, gap in hosts.items():
        text += toml_table(f"hosts.{name}", gap)
    write_text(PACKAGE / "prediction" / "costmodel" / "data" / "prior.toml", text)


def write_calibrations(
    problem: Problem,
    ordered: list[Sample],
    values: FloatArray,
    error: FloatArray,
    rates: dict[str, float],
) -> None:
    by_board: dict[str, list[Calibration]] = {}
    for index, rows in enumerate(problem.slices):
        members = ordered[rows]
        first = members[0]
        parameters = recipe.deviations(problem, values, index)
        parameters["separate_activations"] = problem.groups[index].start.separate_activations
        if first.device.name == "jetson-orin-nano":
            parameters |= rates
        what = "layers of one network" if first.single_layer else "totals of networks"
        by_board.setdefault(first.device.name, []).append(
            Calibration(
                mode=first.device.mode,
                runtime=first.row.runtime,
                software=first.row.software,
                parameters=parameters,
                provenance=f"{len(members)} published {what}; see docs/accuracy.md",
                rows=len(members),
                networks=tuple(dict.fromkeys(m.row.canonical for m in members)),
                errors={"fit_mape": float(np.abs(error[rows]).mean())},
            )
        )
    order = ("trtexec", "cpp", "torch-tensorrt", "torch2trt")
    for board, found in by_board.items():
        path = PACKAGE / "core" / "device" / "boards" / f"{board}.toml"
        text = path.read_text(encoding="utf-8").split(MARK)[0].rstrip("\n") + "\n\n" + MARK
        found.sort(key=lambda c: order.index(c.runtime))
        write_text(path, text + "".join(calibration_text(c) for c in found))


if __name__ == "__main__":
    main()
