"""What recipes promise beyond their fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from learning_data import BOARD, dataset

from edgeprofiler.core import plugins
from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import Columns, Layer
from edgeprofiler.core.values import Value
from edgeprofiler.learning.training.export import ArrayWriter
from edgeprofiler.learning.training.select import TrainingTable, table_of
from edgeprofiler.prediction.features import FEATURES, Ratings, features
from edgeprofiler.prediction.predictors.arrays import parse_model

pytest.importorskip("sklearn")

AMOUNTS = {
    "log_macs", "log_input_bytes", "log_output_bytes", "log_weight_bytes", "log_bytes",
    "log_roofline_s", "log_compute_s", "log_memory_s",
}  # fmt: skip
"""Logarithms of amounts of work, or of what it would take."""


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
        if name in AMOUNTS:
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


def convolution(size: int, channels: int, filters: int, window: int) -> Layer:
    macs = float(size * size * channels * filters * window * window)
    bytes_moved = 4.0 * (size * size * (channels + filters) + channels * filters * window**2)
    return Layer(
        name="c", kind="convolutional", op="convolution", dtype="fp32",
        input_dtypes=("fp32",), output_dtypes=("fp32",),
        input_shapes=((1, channels, size, size),), output_shapes=((1, filters, size, size),),
        kernel=(window, window), stride=(1, 1), padding_before=(window // 2,) * 2,
        padding_after=(window // 2,) * 2, dilation=(1, 1), groups=1, fused_ops=(),
        macs=macs, flops=2 * macs, weight_bytes=4.0 * channels * filters * window**2,
        bytes_moved=bytes_moved,
    )  # fmt: skip


@pytest.fixture(scope="module")
def isolated() -> tuple[Any, Any, Any]:
    """Features, channels and powers of 0.1 to 3 W of 900 convolutions, 3 % noise: a power law of
    sizes that saturates, which is none of the recipe's own.
    """
    draw = np.random.default_rng(5)
    sizes = [
        (int(draw.choice([7, 14, 28, 56, 112])), int(2 ** draw.uniform(3, 9)),
         int(2 ** draw.uniform(3, 9)), int(draw.choice([1, 3, 5])))
        for _ in range(900)
    ]  # fmt: skip
    layers = [convolution(*each) for each in sizes]
    work = np.array([layer.macs for layer in layers]) / 1e8
    channels = np.array([each[1] for each in sizes])
    load = work**0.4 * (channels / 64) ** 0.2
    power = (0.1 + 3.0 * load / (1 + load)) * np.exp(0.03 * draw.standard_normal(900))
    board = Ratings.of(load_device("jetson-tx2"))
    return features(Columns.of(layers), board), channels, power


def test_low_powers_of_many_rows_are_learnt_also_for_more_channels_than_were_seen(
    isolated: tuple[Any, Any, Any],
) -> None:
    table, channels, power = isolated
    for left_out in (np.arange(900) % 5 == 0, channels >= 256):
        model = plugins.load("recipes", "hybrid")("convolutional", "power_above_idle_w", FEATURES)
        model.fit(table[~left_out], power[~left_out])
        off = model.predict(table[left_out]) / power[left_out] - 1
        assert np.sqrt(np.mean(off**2)) < 0.07
        low = power[left_out] < 0.5
        assert not low.any() or abs(np.mean(off[low])) < 0.07


def test_a_ridge_of_squares_is_plain_arrays_too_and_never_leaves_what_was_measured(
    isolated: tuple[Any, Any, Any],
) -> None:
    table, _, power = isolated
    model = plugins.load("recipes", "hybrid")("convolutional", "power_above_idle_w", FEATURES)
    model.fit(table, power)
    writer = ArrayWriter("p")
    plain = parse_model(Value(model.array_form(writer), "p"), writer.arrays, len(FEATURES))
    assert np.allclose(plain.predict(table), model.predict(table), rtol=1e-9)
    far = model.predict(table * 3)
    assert (far > 0).all()
    assert (far < 100).all()


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
