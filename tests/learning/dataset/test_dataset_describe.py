"""What `dataset describe` finds."""

from __future__ import annotations

import numpy as np
from learning_data import NETWORKS, dataset

from edgeprofiler.core.device import load_device
from edgeprofiler.core.files import dump_json
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.dataset.describe import describe
from edgeprofiler.prediction.features import FEATURES, Ratings, features
from edgeprofiler.reading.read import read


def test_counts_by_network_and_kind_add_up_to_all_rows() -> None:
    found = describe(dataset())
    assert set(found.counts) == set(NETWORKS)
    assert sum(n for counts in found.counts.values() for n in counts.values()) == len(dataset())
    assert found.simulated == len(dataset())
    dump_json(found.document())


def test_power_that_is_constant_within_a_network_is_named() -> None:
    data = dataset()
    own = data.text("network") == "resnet18"
    power = np.where(own, 5.0, data.number("power_above_idle_w"))
    assert describe(data.with_columns(power_above_idle_w=power)).constant_power == ("resnet18",)
    assert describe(data).constant_power == ()


def test_rows_with_few_samples_are_counted() -> None:
    samples = np.full(len(dataset()), 60.0)
    samples[:3] = 4
    assert describe(dataset().with_columns(samples=samples), 10).few_samples == 3


def test_a_layer_that_another_network_has_too_is_a_twin() -> None:
    """vgg11 twice under two names: every row has a twin, and none repeats within its network
    more than before."""
    own = dataset().take(dataset().text("network") == "vgg11")
    again = own.with_columns(network=np.full(len(own), "copy"))
    found = describe(Dataset.concatenate([own, again]))
    assert found.twins == 2 * len(own)


def test_features_have_one_column_each_and_are_finite() -> None:
    table = features(read("zoo:mobilenet_v2").columns, Ratings.of(load_device("jetson-orin-nano")))
    assert table.shape == (len(read("zoo:mobilenet_v2")), len(FEATURES))
    assert np.isfinite(table).all()
    assert len(set(FEATURES)) == len(FEATURES)
