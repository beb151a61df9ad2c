"""What to measure next is what narrows a board's intervals most, and no row that is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.device import load_device
from edgeprofiler.prediction.calibration.board import BoardFit, calibrate
from edgeprofiler.prediction.calibration.rows import Rows, Sample
from edgeprofiler.prediction.costmodel.parameters import parameters_of
from edgeprofiler.prediction.validate.suggesting import NETWORKS, _offered, _sample, suggest

FIRST = (("resnet18", 224), ("resnet50", 224), ("vgg16", 224), ("squeezenet1_1", 224))


def fitted(*sizes: tuple[str, int, str]) -> BoardFit:
    """A board calibrated on what the shipped numbers say of networks."""
    device = load_device("jetson-orin-nano")
    row = _row_like()
    like = Sample(row, device, *_layers())
    samples = [_sample(like, *size)[0] for size in sizes]
    seconds = np.exp(Rows.of(samples).log_seconds(parameters_of(device)))
    timed = [
        replace(s, row=replace(s.row, runtime_s=float(t)))
        for s, t in zip(samples, seconds, strict=True)
    ]
    return calibrate(device, timed)


def _row_like():
    from edgeprofiler.prediction.calibration.measured import Measured

    return Measured(
        "jetson-orin-nano", "", "", "trtexec", "", "", 1, (), "fp16", 1.0, 1.0, "", "", ""
    )


def _layers():
    from edgeprofiler.prediction.costmodel.work import Work
    from edgeprofiler.reading.lowering import lower
    from edgeprofiler.reading.read import read_model

    return Work.of(lower(read_model("zoo:lenet"), "fp16").columns).distinct()


@pytest.fixture(scope="module")
def fit() -> BoardFit:
    return fitted(*((*size, "fp16") for size in FIRST))


def test_each_measurement_leaves_less_open_than_the_one_before(fit: BoardFit) -> None:
    design = suggest(fit, 6)
    still = [design.open_now, *(s.open_after for s in design.chosen)]
    assert still == sorted(still, reverse=True)
    assert len({(s.network, s.size, s.precision) for s in design.chosen}) == 6


def test_the_first_choice_is_no_worse_than_any_other(fit: BoardFit) -> None:
    """Measured with the others, one by one: the fit itself says what is open then."""
    best = suggest(fit, 1).chosen[0]
    rows = [(*size, "fp16") for size in FIRST]
    after = {
        other: suggest(fitted(*rows, other), 0).open_now
        for other in [
            (best.network, best.size, best.precision),
            ("resnet18", 448, "fp16"), ("lenet", 32, "fp16"), ("mobilenet_v2", 224, "fp32"),
        ]
    }  # fmt: skip
    chosen = after.pop((best.network, best.size, best.precision))
    assert chosen == pytest.approx(best.open_after, rel=0.05)
    assert chosen <= min(after.values()) * 1.02


def test_what_was_measured_is_not_asked_for_again(fit: BoardFit) -> None:
    every = suggest(fit, 1000)
    assert len(every.chosen) == len(_offered(fit)) - len(FIRST)
    measured = {(*size, "fp16") for size in FIRST}
    assert not measured & {(s.network, s.size, s.precision) for s in every.chosen}
    assert set(NETWORKS) == {s.network for s in every.chosen}
