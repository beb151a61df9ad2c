"""The published measurements: what the shipped numbers and their folds must reach.

Figures of all kinds are in docs/accuracy.md; here stand those that a change must not lose. Nested
intervals, which take a minute, are left to the script that makes the page.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from paths import SCRIPTS

from edgeprofiler.core.network import BoolArray
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.folds import KEYS, Cells, Folds
from edgeprofiler.prediction.calibration.power_folds import PowerFolds
from edgeprofiler.prediction.calibration.problem import Problem
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.validate.validation import validate

sys.path.insert(0, str(SCRIPTS))
from accuracy_tables import layer_quantiles, of
from published import layer_samples, published_rows, published_samples

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def samples(shared: Path) -> tuple[list[Sample], list[Sample]]:
    return published_samples(published_rows(shared))


@pytest.fixture(scope="module")
def problem(samples: tuple[list[Sample], list[Sample]]) -> Problem:
    return recipe.assemble(samples[0])


@pytest.fixture(scope="module")
def folds(samples: tuple[list[Sample], list[Sample]], problem: Problem) -> dict[str, Folds]:
    timed, powered = samples
    full = problem.fit().values
    return {
        kind: Folds.of(problem, timed, kind, full, extra=[KEYS[kind](s) for s in powered])
        for kind in ("source", "network", "family", "board")
    }


def mape(folds: Folds, rows: BoolArray | None = None) -> float:
    chosen = np.ones(len(folds.labels), bool) if rows is None else rows
    return of(folds.residuals(), chosen).mape


def rows_where(folds: Folds, kind: str) -> BoolArray:
    first = ("netspresso-trainer", "torch2trt")
    return np.array(
        [
            s.row.source in first
            if kind == "classifiers"
            else s.row.source == "trtutils" and s.row.canonical.startswith("yolov8")
            for s in folds.samples
        ]
    )


def test_the_rows_that_count_are_those_of_the_contract(shared: Path) -> None:
    """72 of 88 latencies and 48 of detectors in the first round, 141 in the second."""
    kept = [row for row in published_rows(shared) if not row.set_aside]
    assert sum(row.runtime_s > 0 for row in kept) == 72 + 48 + 141
    assert {row.set_aside for row in published_rows(shared)} != {""}


def test_a_source_left_out_is_met_within_12_percent(folds: dict[str, Folds]) -> None:
    found = folds["source"]
    every = np.ones(len(found.labels), bool)
    assert mape(found) <= 0.12
    assert of(found.residuals(), every).median <= 0.09


@pytest.mark.parametrize(("precision", "goal"), [("fp16", 0.11), ("fp32", 0.14), ("int8", 0.11)])
def test_every_precision_of_a_source_left_out_is_met(
    folds: dict[str, Folds], precision: str, goal: float
) -> None:
    found = folds["source"]
    assert mape(found, np.array([s.row.precision == precision for s in found.samples])) <= goal


@pytest.mark.parametrize(
    ("left_out", "rows", "goal"),
    [
        ("network", "classifiers", 0.06),
        ("network", "detectors", 0.10),
        ("family", "classifiers", 0.10),
        ("board", "classifiers", 0.18),
    ],
)
def test_the_first_rounds_goals_stay_met(
    folds: dict[str, Folds], left_out: str, rows: str, goal: float
) -> None:
    found = folds[left_out]
    assert mape(found, rows_where(found, rows)) <= goal


def test_intervals_of_a_source_and_family_left_out_hold_and_are_no_wider_than_30_percent(
    samples: tuple[list[Sample], list[Sample]], problem: Problem
) -> None:
    """Not nested: the multiplier comes from all cells; the nested figures are on the page."""
    timed, _ = samples
    full = problem.fit().values
    cells = Cells.of(problem, timed, full, recipe.source_spread(timed), nested=False)
    widths = cells.multiplier(0.9) * cells.deviations
    inside = np.abs(cells.residuals) <= widths
    assert 0.85 <= inside.mean() <= 0.95
    assert np.exp(np.median(widths)) - 1 <= 0.30
    for kind in ("board", "source"):
        labels = [KEYS[kind](sample) for sample in timed]
        worst = min(inside[np.array(labels) == name].mean()
                    for name, count in Counter(labels).items() if count >= 20)  # fmt: skip
        assert worst >= 0.75, kind


@pytest.mark.parametrize(("kind", "mean"), [("network", 0.07), ("source", 0.10)])
def test_power_left_out_is_met(
    folds: dict[str, Folds], samples: tuple[list[Sample], list[Sample]], kind: str, mean: float
) -> None:
    found = PowerFolds.of(folds[kind], samples[1], 0.9)
    assert np.abs(np.exp(found.residuals) - 1).mean() <= mean


def test_quantiles_of_layer_times_are_those_published(shared: Path) -> None:
    """Over 21 networks, none of them fitted: predicted up to 50 % too slow, where 20 % is the goal:
    not reached, and held here from getting worse."""
    assert len(layer_samples(shared)) > 80
    for layers, label, truth, guess in layer_quantiles(shared, published_rows(shared)):
        assert guess == pytest.approx(truth, rel=0.55), (layers, label)


def test_the_shipped_numbers_are_those_of_the_fit(shared: Path) -> None:
    """If this fails, run scripts/fit_prior.py and scripts/fit_intervals.py."""
    found = validate([row for row in published_rows(shared) if not row.set_aside])
    assert found.figures("runtime").mape <= 0.10
    assert found.coverage("runtime").inside >= 0.88 * found.figures("runtime").rows
