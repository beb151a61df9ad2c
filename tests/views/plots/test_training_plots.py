"""Pictures of data sets and evaluations hold what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from learning_data import BOARD, dataset

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import CannotWrite, InsufficientData
from edgeprofiler.learning.training.evaluation import Evaluation, evaluate
from edgeprofiler.learning.training.options import TrainingOptions

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")
from edgeprofiler.views.plots import training as plots

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    options = TrainingOptions(options={"trees": 5}, test_networks=("lenet", "mobilenet_v2"))
    return evaluate(dataset(), load_device(BOARD), options, baselines=("mean", "analytic"))


def test_coverage_counts_every_layer() -> None:
    figure = plots.draw_coverage(dataset())
    left, right = figure.axes
    drawn = sum(len(points.get_offsets()) for points in left.collections)
    assert drawn == len(dataset())
    assert sum(bar.get_width() for bar in right.patches) == len(dataset())


def test_scatter_shows_runtime_and_power(evaluation: Evaluation) -> None:
    figure = plots.draw_scatter(evaluation)
    assert [axes.get_xlabel() for axes in figure.axes] == ["measured (µs)", "measured (W)"]


def test_bars_of_a_network_are_measured_and_predicted(evaluation: Evaluation) -> None:
    figure = plots.draw_layers(evaluation, "lenet")
    bars = figure.axes[0].patches
    assert len(bars) % 2 == 0
    own = dataset().text("network") == "lenet"
    measured = 1e6 * dataset().number("runtime_s")[own]
    heights = [bar.get_height() for bar in bars[: len(bars) // 2]]
    assert all(np.isclose(measured, height).any() for height in heights)


def test_a_network_that_was_not_tested_has_no_bars(evaluation: Evaluation) -> None:
    with pytest.raises(InsufficientData):
        plots.draw_layers(evaluation, "vgg11")


def test_residuals_and_comparison_have_a_panel_for_each_quantity(evaluation: Evaluation) -> None:
    assert len(plots.draw_residuals(evaluation).axes) == 2
    assert len(plots.draw_comparison(evaluation).axes) == 2


def test_there_is_no_learning_curve_unless_asked_for(evaluation: Evaluation) -> None:
    with pytest.raises(InsufficientData):
        plots.draw_curve(evaluation)


def test_pictures_are_written_the_same_twice(evaluation: Evaluation, tmp_path: Path) -> None:
    first = plots.save_evaluation(evaluation, tmp_path / "a", ("lenet",))
    again = plots.save_evaluation(evaluation, tmp_path / "b", ("lenet",))
    assert [p.name for p in first] == [p.name for p in again]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, again, strict=True))


def test_pictures_of_an_evaluation_need_a_folder(evaluation: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot be made"):
        plots.save_evaluation(evaluation, tmp_path / "file", ())
