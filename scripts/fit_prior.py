"""Fit the cost model on the published measurements and write what ships with the package.

    python scripts/fit_prior.py --shared ../shared

Writes `predictors/data/prior.toml` (numbers shared by all boards) and the calibrations at the end
of `devices/*.toml`. Takes a few seconds; figures of accuracy are `scripts/accuracy.py`'s.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from measured_totals import DEFAULT, rows_of

from edgeprofiler.calibration import recipe
from edgeprofiler.calibration.measured import Measured, read_measured, write_rows
from edgeprofiler.calibration.power import fit_power
from edgeprofiler.calibration.write import calibration_text, toml_table
from edgeprofiler.device import Calibration
from edgeprofiler.files import write_text
from edgeprofiler.predictors.parameters import Parameters
from edgeprofiler.validate.networks import samples_of

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "edgeprofiler"
MARK = "# calibrations: written by scripts/fit_prior.py; everything below is replaced\n"
ASSUMED = {"trtexec": {"host_gap_s": 20e-6}}


def measured_rows(shared: Path) -> list[Measured]:
    """Return all published rows of totals."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measured.csv"
        write_text(path, write_rows(rows_of(shared)))
        return read_measured(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path,
                        default=Path(os.environ.get("EDGEPROFILER_SHARED", DEFAULT)))  # fmt: skip
    options = parser.parse_args()
    kept = [row for row in measured_rows(options.shared) if not row.set_aside]
    samples = samples_of(kept)
    timed = [s for s in samples if np.isfinite(s.row.runtime_s)]
    problem, ordered = recipe.assemble(timed)
    solution = problem.fit()
    shared = recipe.shared_values(problem, solution.values)
    error = np.exp(solution.residuals) - 1
    print(f"{len(ordered)} rows, {len(problem.unknowns)} unknowns, {solution.iterations} steps; "
          f"mean error of the fit {100 * np.abs(error).mean():.1f} %")  # fmt: skip
    powered = [s for s in samples if np.isfinite(s.row.power_above_idle_w)]
    board = next(i for i, g in enumerate(problem.groups)
                 if g.name.startswith("jetson-orin-nano@15w/trtexec"))  # fmt: skip
    power = fit_power(powered, problem.parameters(solution.values, board))
    hosts = {
        runtime: {**ASSUMED.get(runtime, {}), **recipe.host_gap(problem, solution.values, runtime)}
        for runtime in recipe.HOSTS
    }
    hosts["torch-tensorrt"] = power.latency_gap
    hosts["power-experiment"] = power.power_gap
    write_prior(shared, power.rates, hosts)
    write_calibrations(problem, ordered, solution.values, error, power.rates)


def write_prior(
    shared: Parameters, rates: dict[str, float], hosts: dict[str, dict[str, float]]
) -> None:
    values = {n: v for n, v in vars(shared).items() if not n.startswith("host_gap")} | rates
    text = 'schema = "edgeprofiler.prior/1"\nprovenance = "fitted by scripts/fit_prior.py"\n'
    text += toml_table("shared", values)
    for name, gap in hosts.items():
        text += toml_table(f"hosts.{name}", gap)
    write_text(PACKAGE / "predictors" / "data" / "prior.toml", text)


def write_calibrations(problem, ordered, values, error, rates) -> None:  # type: ignore[no-untyped-def]
    by_board: dict[str, list[Calibration]] = {}
    for index, rows in enumerate(problem.slices):
        members = ordered[rows]
        first = members[0]
        parameters = recipe.deviations(problem, values, index)
        if (first.device.name, first.row.runtime) == ("jetson-orin-nano", "trtexec"):
            parameters |= rates
        by_board.setdefault(first.device.name, []).append(
            Calibration(
                mode=first.device.mode.name,
                runtime=first.row.runtime,
                software=first.row.software,
                parameters=parameters,
                provenance=f"{len(members)} published rows; see docs/accuracy.md",
                rows=len(members),
                networks=tuple(dict.fromkeys(m.row.canonical for m in members)),
                errors={"fit_mape": float(np.abs(error[rows]).mean())},
            )
        )
    for board, found in by_board.items():
        path = PACKAGE / "devices" / f"{board}.toml"
        text = path.read_text(encoding="utf-8").split(MARK)[0].rstrip("\n") + "\n\n" + MARK
        order = ("trtexec", "cpp", "torch-tensorrt", "torch2trt")
        found.sort(key=lambda c: order.index(c.runtime))
        write_text(path, text + "".join(calibration_text(c) for c in found))


if __name__ == "__main__":
    main()
