"""What recipes promise beyond their fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from learning_data import BOARD, dataset

from edgeprofiler.core import plugins
from edgeprofiler.core.device import load_device
from edgeprofiler.learning.training.select import TrainingTable, table_of
from edgeprofiler.prediction.features import FEATURES, GROWS_WITH_SIZE, Ratings

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def table() -> TrainingTable:
    return table_of(dataset(), Ratings.of(load_device(BOARD)))


def fitted(table: TrainingTable, recipe: str, quantity: str, **options: Any) -> Any:
    rows = table.rows("convolutional", quantity, 0)
    estimator = plugins.load("recipes", recipe)("convolutional", quantity, FEATURES, 0, **options)
    return estimator.fit(table.features[rows], table.data.number(quantity)[rows])


def larger(table: TrainingTable, factor: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Features as of layers with `factor` times the work, all else as in training."""
    rows = table.rows("convolutional", "runtime_s", 0)
    values = table.features[rows].copy()
    for index, name in enumerate(FEATURES):
        if name in GROWS_WITH_SIZE:
            values[:, index] += np.log(factor)
        elif name.endswith("_s"):
            values[:, index] *= factor
    return values


@pytest.mark.parametrize("quantity", ["runtime_s", "power_above_idle_w"])
def test_hybrid_is_never_negative_however_far_it_is_asked(
    table: TrainingTable, quantity: str
) -> None:
    model = fitted(table, "hybrid", quantity, trees=20)
    for factor in (1e-6, 0.5, 2.0, 1e3, 1e6):
        assert (model.predict(larger(table, factor)) > 0).all()


def test_far_beyond_the_training_hybrid_grows_in_proportion_to_the_work(
    table: TrainingTable,
) -> None:
    """Only the physics grows there; a bare tree would stay where it is."""
    model = fitted(table, "hybrid", "runtime_s", trees=20)
    ratio = model.predict(larger(table, 2e5)) / model.predict(larger(table, 1e5))
    assert np.allclose(ratio, 2.0, rtol=0.05)


def test_hybrid_without_trees_is_still_a_model(table: TrainingTable) -> None:
    model = fitted(table, "hybrid", "runtime_s", trees=0)
    rows = table.rows("convolutional", "runtime_s", 0)
    truth = table.data.number("runtime_s")[rows]
    assert np.sqrt(np.mean((model.predict(table.features[rows]) / truth - 1) ** 2)) < 0.3


@pytest.mark.parametrize("recipe", ["hybrid", "neuralpower"])
def test_recipes_can_be_cloned_and_searched_as_estimators_can(
    table: TrainingTable, recipe: str
) -> None:
    from sklearn.base import clone

    own = plugins.load("recipes", recipe)("dense", "runtime_s", FEATURES, 3)
    assert clone(own).get_params(deep=False).keys() == own.get_params(deep=False).keys()


def test_the_published_terms_count_output_channels_and_groups(table: TrainingTable) -> None:
    """The published term for operations left both out; `macs` holds them."""
    from edgeprofiler.learning.recipes.neuralpower import SIZES, SPECIAL

    assert "macs" in SPECIAL
    assert {"out_channels", "groups"} <= set(SIZES["convolutional"])
