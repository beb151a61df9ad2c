"""The fit of power: known truth is found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.device import load_device
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.power import (
    START,
    PowerRows,
    power_above_idle,
    rates,
    solve_power,
)
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.costmodel.parameters import parameters_of
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.reading.read import read

NAMES = ("resnet18", "resnet50", "vgg16", "mobilenet_v2", "squeezenet1_1", "lenet")


def sample(name: str, runtime: str = "torch-tensorrt", power: float = 5.0) -> Sample:
    board = load_device("jetson-orin-nano", runtime)
    row = Measured(
        board.name, "15w", "", runtime, name, f"zoo:{name}", 1, (), "fp16", float("nan"), power,
        name, name, "", source="s", lab="s",
    )  # fmt: skip
    return Sample.of(row, board, read(f"zoo:{name}"))


def test_power_of_known_truth_is_found() -> None:
    """But for what a source's rows have in common, which says nothing of the board."""
    samples = [sample(name) for name in NAMES]
    rows = PowerRows.of(samples, [parameters_of(s.device) for s in samples])
    start = np.array([value for value, _ in START.values()])
    truth = start * [1.0, 1.4, 0.9, 1.5, 0.7, 1.3]
    watts = rows.power(truth).tolist()
    known = [
        replace(s, row=replace(s.row, power_above_idle_w=w))
        for s, w in zip(samples, watts, strict=True)
    ]
    values, _ = solve_power(rows, known)
    before, after = (np.abs(rows.power(v) / watts - 1).mean() for v in (start, values))
    assert after < min(0.04, before / 3)
    assert set(rates(values)) == {
        "base_power_w", "active_power_w", "flop_energy_j", "byte_energy_j",
    }  # fmt: skip


def test_the_fit_and_the_predictor_agree_on_power() -> None:
    one = sample("resnet50", "cpp")
    numbers = parameters_of(one.device)
    rows = PowerRows.of([one], [numbers])
    values = [getattr(numbers, name) for name in list(START)[:4]]
    found = rows.power(np.array([*values, 0.0, 0.0]))[0]
    profile = RooflinePredictor(one.device).predict(read("zoo:resnet50"))
    assert profile.totals.power_above_idle_w.value == pytest.approx(found, rel=0.01)


def test_idle_is_taken_off_the_power_of_a_whole_board() -> None:
    row = replace(sample("lenet").row, power_above_idle_w=float("nan"), power_w=9.0)
    one = replace(sample("lenet"), row=row)
    assert power_above_idle(one) == 9.0 - one.device.idle_power_w
    assert power_above_idle(sample("lenet")) == 5.0
