"""Rows at once, what they have in common, and what is found when some are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.parallel import Workers
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.folds import KEYS, Cells, Folds, quantile
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.problem import Problem, common_errors
from edgeprofiler.prediction.calibration.rows import Rows, Sample, merged
from edgeprofiler.prediction.costmodel.parameters import parameters_of
from edgeprofiler.prediction.predictors.roofline import NetworkCosts
from edgeprofiler.reading.read import read

NETWORKS = ("resnet18", "vgg16", "mobilenet_v2", "squeezenet1_1", "densenet121", "mnasnet1_0")
PLACES = (("jetson-orin-nano", "trtexec", "a"), ("jetson-agx-orin", "cpp", "b"),
          ("jetson-nano", "torch2trt", "c"), ("jetson-agx-xavier", "trtexec", "a"))  # fmt: skip
READ = {name: read(f"zoo:{name}") for name in NETWORKS}


def sample(name: str, board: str, runtime: str, source: str, seconds: float = 1e-3) -> Sample:
    row = Measured(
        board, "maxn", "", runtime, name, f"zoo:{name}", 1, (1, 3, 224, 224), "fp16", seconds,
        float("nan"), name, name[:4], "", source=source, lab=source,
    )  # fmt: skip
    return Sample.of(row, load_device(board, runtime), READ[name])


ASKED = [sample(name, *place) for place in PLACES for name in NETWORKS]


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """Rows as the start of the fit would have them, source b slower by a fifth."""
    problem = recipe.assemble(ASKED)
    logs = problem.predict(np.zeros(len(problem.unknowns)))
    noise = np.random.default_rng(7).normal(0, 0.02, len(logs))
    slow = np.array([0.2 * (s.row.source == "b") for s in ASKED])
    found = np.exp(logs + noise + slow).tolist()
    return [
        replace(s, row=replace(s.row, runtime_s=seconds))
        for s, seconds in zip(ASKED, found, strict=True)
    ]


@pytest.fixture(scope="module")
def problem(samples: list[Sample]) -> Problem:
    return recipe.assemble(samples)


def test_rows_at_once_take_what_the_predictor_says() -> None:
    """The fit and the answer are one model."""
    numbers = [parameters_of(s.device) for s in ASKED]
    found = np.exp(Rows.of(ASKED).log_seconds(merged(numbers)))
    for one, s in zip(found.tolist(), ASKED, strict=True):
        network = READ[s.row.network]
        offsets = np.array([0, len(network)])
        costs = NetworkCosts.of(network.columns, offsets, [s.io_bytes], s.device)
        assert one == pytest.approx(float(costs.totals.end_to_end_s[0]), rel=1e-9)


def test_slopes_of_the_fit_are_what_a_small_change_changes(problem: Problem) -> None:
    values = np.random.default_rng(3).normal(0, 0.1, len(problem.unknowns))
    exact, step = problem.slopes(values), 1e-6
    for index in range(len(values)):
        moved = values.copy()
        moved[index] += step
        by_difference = (problem.predict(moved) - problem.predict(values)) / step
        assert exact[:, index] == pytest.approx(by_difference, abs=2e-4)


def test_errors_in_common_are_known_from_siblings() -> None:
    """A row of a slow source is expected to be slow too, one of another source is not."""
    covariance = common_errors(3, [(["a", "a", "b"], 0.2)]) + np.diag([0.01] * 3)
    assert covariance[0, 1] == pytest.approx(0.04)
    assert covariance[0, 2] == 0


def test_what_siblings_tell_is_taken_from_a_left_out_network(
    problem: Problem, samples: list[Sample]
) -> None:
    full = problem.fit().values
    folds = Folds.of(problem, samples, "network", full)
    slow = np.array([s.row.source == "b" for s in samples])
    assert np.abs(folds.residuals()[slow]).mean() < 0.08


def test_refits_by_two_processes_are_those_of_one(problem: Problem, samples: list[Sample]) -> None:
    full = problem.fit().values
    alone = Folds.of(problem, samples, "source", full)
    shared = Folds.of(problem, samples, "source", full, workers=Workers(2))
    assert list(shared.solutions) == list(alone.solutions)
    assert np.array_equal(shared.residuals(), alone.residuals())
    for name, solution in alone.solutions.items():
        assert np.array_equal(shared.solutions[name].values, solution.values)


def test_a_source_left_out_is_predicted_from_the_others_alone(
    problem: Problem, samples: list[Sample]
) -> None:
    folds = Folds.of(problem, samples, "source", problem.fit().values)
    assert set(folds.solutions) == {"a", "b", "c"}
    mine = np.array([s.row.source == "b" for s in samples])
    assert folds.residuals()[mine].mean() < -0.1


def test_rows_that_take_no_part_change_nothing(problem: Problem, samples: list[Sample]) -> None:
    taking_part = np.array([s.row.source != "c" for s in samples])
    wrong = np.where(taking_part, problem.observed, problem.observed + 3.0)
    other = replace(problem, rows=replace(problem.rows, observed=wrong))
    assert other.fit(taking_part).values == pytest.approx(problem.fit(taking_part).values)


def test_cells_leave_out_source_and_family_together(
    problem: Problem, samples: list[Sample]
) -> None:
    cells = Cells.of(problem, samples, problem.fit().values, recipe.source_spread(samples))
    assert np.isfinite(cells.residuals).all()
    assert (cells.deviations > recipe.row_error()).all()
    for name, scores in cells.scores.items():
        assert np.isnan(scores[cells.labels == name]).all()
        assert np.isfinite(scores[cells.labels != name]).all()
    widths = cells.half_widths(0.9)
    assert np.isfinite(widths).all()
    narrow: FloatArray = cells.half_widths(0.5)
    assert (narrow <= widths).all()


def test_a_deviation_grows_with_what_was_left_out(problem: Problem, samples: list[Sample]) -> None:
    """Without Xavier its own factors are unknown."""
    from edgeprofiler.prediction.calibration.folds import deviation

    spread = recipe.source_spread(samples)
    there = np.array([s.device.name == "jetson-agx-xavier" for s in samples])
    known = deviation(problem, problem.fit(), spread)[there]
    without = deviation(problem, problem.fit(~there), spread)[there]
    assert (without > known).all()


def test_a_quantile_of_scores_is_their_split_conformal_rank() -> None:
    scores = np.array([-3.0, 1.0, 2.0, -0.5, 0.1, 0.2, 0.3, 0.4, 0.6])
    assert quantile(scores, 0.9) == 3.0
    assert quantile(scores, 0.5) == 0.5


def test_every_key_names_a_group() -> None:
    assert set(KEYS) == {"network", "family", "board", "source"}
    assert [KEYS[kind](ASKED[0]) for kind in KEYS] == [
        "resnet18", "resn", "jetson-orin-nano", "a",
    ]  # fmt: skip
