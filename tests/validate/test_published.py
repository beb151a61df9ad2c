"""The published measurements: what the shipped numbers and their folds must reach."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.calibration import recipe
from edgeprofiler.calibration.folds import KEYS, Folds, PowerFolds
from edgeprofiler.calibration.recipe import Sample
from edgeprofiler.validate.networks import samples_of
from edgeprofiler.validate.validation import validate

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from measured_totals import layer_samples, measured_rows, rows_of

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def samples(shared: Path) -> list[Sample]:
    return samples_of([row for row in measured_rows(shared) if not row.set_aside])


@pytest.fixture(scope="module")
def folds(shared: Path, samples: list[Sample]) -> Folds:
    timed = [s for s in samples if np.isfinite(s.row.runtime_s)]
    powered = [s for s in samples if np.isfinite(s.row.power_above_idle_w)]
    problem, ordered = recipe.assemble(timed + layer_samples(shared))
    full = problem.fit().values
    extra = [KEYS["network"](s) for s in powered]
    return Folds.of(problem, ordered, "network", full, extra=extra, nested=False)


def mape(folds: Folds, *, detectors: bool) -> float:
    chosen = np.array(
        [not s.single_layer and (s.row.runtime == "cpp") == detectors for s in folds.samples]
    )
    return float(np.abs(np.exp(folds.residuals()[chosen]) - 1).mean())


def test_the_evaluations_rows_are_those_of_the_contract(shared: Path) -> None:
    """72 of 88 latency rows, 48 detector rows and 20 of 21 power rows are kept."""
    kept = [str(row["file"]) for row in rows_of(shared) if not row["set_aside"]]
    names = ("jetson_network_latency.csv", "jetson_detector_latency.csv",
             "orin-nano_power_per_network.csv")  # fmt: skip
    assert [kept.count(name) for name in names] == [72, 48, 20]


def test_a_network_left_out_is_met_within_6_percent(folds: Folds) -> None:
    assert mape(folds, detectors=False) <= 0.06


def test_a_detector_left_out_is_met_within_10_percent(folds: Folds) -> None:
    assert mape(folds, detectors=True) <= 0.10


def test_mobilenets_layers_are_met_by_the_same_numbers(folds: Folds) -> None:
    layers = np.array([s.single_layer for s in folds.samples])
    assert layers.sum() == 52
    problem = folds.problem
    error = np.exp(problem.predict(problem.fit().values) - problem.observed)[layers] - 1
    assert np.sqrt((error**2).mean()) <= 0.18


def test_power_of_a_network_left_out_is_met(folds: Folds, samples: list[Sample]) -> None:
    powered = [s for s in samples if np.isfinite(s.row.power_above_idle_w)]
    found = PowerFolds.of(folds, powered, "network", 0.9, nested=False)
    error = np.exp(found.residuals) - 1
    assert np.abs(error).mean() <= 0.065
    assert np.sqrt((error**2).mean()) <= 0.09


def test_the_shipped_numbers_are_those_of_the_fit(shared: Path, folds: Folds) -> None:
    """If this fails, run scripts/fit_prior.py and scripts/fit_intervals.py."""
    rows = [row for row in measured_rows(shared) if not row.set_aside]
    found = validate(rows)
    assert found.figures("runtime").mape <= 0.045
    assert found.figures("power").mape <= 0.05
    assert found.coverage("runtime").inside >= 108


def test_leaving_families_out_for_real(shared: Path) -> None:
    """Nested coverage of families left out: the widths never saw the family."""
    rows = [r for r in measured_rows(shared) if not r.set_aside and np.isfinite(r.runtime_s)]
    timed = samples_of(rows)
    problem, ordered = recipe.assemble(timed)
    found = Folds.of(problem, ordered, "family", problem.fit().values)
    coverage = found.coverage(np.ones(len(ordered), dtype=bool), 0.9)
    assert coverage.count == 120
    assert coverage.inside >= 96
