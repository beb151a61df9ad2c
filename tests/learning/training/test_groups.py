"""Powers that stand for several neighbours, and how they are shared out."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from learning_data import BOARD, dataset

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.learning.training.groups import grouped, share_out, unjudged
from edgeprofiler.learning.training.select import TrainingTable, table_of
from edgeprofiler.prediction.features import FEATURES, Ratings

POWER = "power_above_idle_w"


@cache
def table() -> TrainingTable:
    """The rows with a power that time, arithmetic and traffic tell wholly."""
    plain = table_of(dataset(), Ratings.of(load_device(BOARD)))
    time = plain.data.number("runtime_s")
    arithmetic = seconds(plain, "pointwise_s", "windowed_s", "padding_s")
    traffic = seconds(plain, "read_s", "write_s", "weights_s")
    depthwise = seconds(plain, "depthwise_s")
    power = 1.5 + (9.0 * arithmetic + 30.0 * depthwise + 3.0 * traffic) / time
    return with_columns(plain, **{POWER: power})


def seconds(known: TrainingTable, *names: str) -> FloatArray:
    return np.asarray(known.features[:, [FEATURES.index(name) for name in names]].sum(axis=1))


def with_columns(known: TrainingTable, **columns: npt.NDArray[Any]) -> TrainingTable:
    data = known.data.with_columns(**columns)
    return TrainingTable(data, known.columns, known.features, known.usable)


def every_pooling_merged(known: TrainingTable) -> tuple[TrainingTable, BoolArray]:
    """Each pooling layer has one power with the layer before it: none is measured alone."""
    pooling = np.flatnonzero(known.data.text("kind") == "pooling")
    labels = known.data.text("known_by").astype(object)
    power, time = known.data.number(POWER).copy(), known.data.number("runtime_s")
    for number, last in enumerate(pooling.tolist()):
        both = [last - 1, last]
        labels[both] = f"group:{number}"
        power[both] = (time[both] * power[both]).sum() / time[both].sum()
    merged = with_columns(known, known_by=labels.astype(np.str_), **{POWER: power})
    return merged, np.isin(np.arange(len(power)), pooling)


def test_layers_never_measured_alone_get_what_they_draw() -> None:
    """Layers measured alone, and sums over groups, tell what the other layers cost."""
    truth = table().data.number(POWER)
    merged, pooling = every_pooling_merged(table())
    as_measured = merged.data.number(POWER)
    assert np.abs(as_measured[pooling] / truth[pooling] - 1).max() > 0.5
    np.testing.assert_allclose(share_out(merged).data.number(POWER), truth, rtol=1e-3)


def test_energy_of_every_group_stays_as_measured() -> None:
    merged, _ = every_pooling_merged(table_of(dataset(), Ratings.of(load_device(BOARD))))
    shared, time = share_out(merged).data, merged.data.number("runtime_s")
    both = grouped(merged)
    owner = np.unique(merged.data.text("known_by"), return_inverse=True)[1]
    before = np.bincount(owner[both], (time * merged.data.number(POWER))[both])
    np.testing.assert_allclose(
        np.bincount(owner[both], (time * shared.number(POWER))[both]), before, rtol=1e-12
    )
    np.testing.assert_array_equal(shared.number(POWER)[~both], merged.data.number(POWER)[~both])


def test_a_shared_power_is_doubted_the_more_the_less_it_makes_of_its_group() -> None:
    merged, _ = every_pooling_merged(table())
    shared, both = share_out(merged).data, grouped(merged)
    before, after = (d.number("standard_error_w") for d in (merged.data, shared))
    np.testing.assert_array_equal(after[~both], before[~both])
    assert (after[both] >= before[both]).all()
    energy = shared.number("runtime_s") * shared.number(POWER)
    labels = shared.text("known_by")
    for label in np.unique(labels[both]):
        pair = np.flatnonzero(labels == label)
        small, large = pair[np.argsort(energy[pair])]
        doubt = after / shared.number(POWER)
        assert doubt[small] >= doubt[large]


def test_a_group_with_a_layer_of_unknown_work_keeps_its_other_energy() -> None:
    merged, pooling = every_pooling_merged(table())
    unknown = int(np.flatnonzero(pooling)[0]) - 1
    features = merged.features.copy()
    features[unknown] = np.nan
    shared = share_out(TrainingTable(merged.data, merged.columns, features, merged.usable))
    power = shared.data.number(POWER)
    assert power[unknown] == merged.data.number(POWER)[unknown]
    assert np.isfinite(power).all()
    assert (power > 0).all()


def test_no_layer_is_given_nothing() -> None:
    """Where only arithmetic costs energy, a pooling layer would be left with none of its group."""
    known = table()
    arithmetic = seconds(known, "pointwise_s", "windowed_s", "padding_s")
    power = 1e-6 + 9.0 * arithmetic / known.data.number("runtime_s")
    merged, _ = every_pooling_merged(with_columns(known, **{POWER: power}))
    assert (share_out(merged).data.number(POWER) > 0).all()


def test_rows_without_groups_stay_the_same_object() -> None:
    assert share_out(table()) is table()


def test_powers_of_groups_and_doubtful_powers_are_no_truth() -> None:
    merged, _ = every_pooling_merged(table())
    error = np.where(np.arange(len(merged.data)) == 0, 10.0, 0.01)
    judged = ~unjudged(with_columns(merged, standard_error_w=error))
    assert not judged[0]
    assert not judged[grouped(merged)].any()
    assert judged.any()


@pytest.mark.parametrize("unknown", [POWER, "standard_error_w"])
def test_what_is_not_known_of_a_group_stays_unknown(unknown: str) -> None:
    merged, _ = every_pooling_merged(table())
    values = merged.data.number(unknown).copy()
    first = int(np.flatnonzero(grouped(merged))[0])
    values[first] = np.nan
    shared = share_out(with_columns(merged, **{unknown: values})).data
    if unknown == POWER:
        assert np.isnan(shared.number(POWER)[first])
    others = np.arange(len(values)) != first
    assert np.isfinite(shared.number(POWER)[others]).all()
