"""A difference has a verdict only where its interval has one sign."""

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.profile import Origin, Profile
from edgeprofiler.decision.compare import difference
from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.read import read


@pytest.fixture(scope="module")
def resnet() -> Profile:
    return predict("zoo:resnet18", "jetson-orin-nano")


def test_a_network_does_not_differ_from_itself(resnet: Profile) -> None:
    comparison = difference(resnet, resnet)
    assert comparison.energy_j.value == 0
    assert comparison.energy.verdict == comparison.runtime.verdict == "same"
    assert comparison.largest() == ()


def test_differences_of_layers_sum_to_the_difference_of_totals(resnet: Profile) -> None:
    other = predict("zoo:resnet34", "jetson-orin-nano")
    comparison = difference(resnet, other)
    parts = sum(change.energy_j for change in comparison.changes)
    parts += other.host_gap.energy_j - resnet.host_gap.energy_j
    parts += other.fixed.energy_j - resnet.fixed.energy_j
    assert parts == pytest.approx(comparison.energy_j.value, rel=1e-9)
    assert comparison.energy.verdict == "more"


def test_only_what_changed_contributes_doubt(resnet: Profile) -> None:
    """One renamed layer changes nothing, so the difference is exactly none."""
    layers = list(resnet.network.layers)
    layers[3] = replace(layers[3], name="renamed")
    other = replace(resnet, network=replace(resnet.network, layers=tuple(layers)))
    assert difference(resnet, other).energy.verdict == "same"


def test_across_devices_the_intervals_of_totals_decide(resnet: Profile) -> None:
    network = read("zoo:resnet18")
    nano = predict(network, "jetson-nano")
    comparison = difference(resnet, nano)
    assert not comparison.paired
    assert comparison.runtime.verdict == "more"
    close = predict(network, "jetson-orin-nano", runtime="cpp")
    assert difference(resnet, close).energy.verdict == "undecided"


def test_intervals_of_different_coverage_say_nothing_of_each_other(resnet: Profile) -> None:
    wider = predict("zoo:resnet18", "jetson-orin-nano", confidence=0.95)
    with pytest.raises(UsageError, match=r"cover 0\.9 and those of resnet18 0\.95"):
        difference(resnet, wider)


def test_without_intervals_there_is_no_verdict(resnet: Profile) -> None:
    measured = replace(
        resnet,
        origin=Origin("measured", "test", "1"),
        total_intervals={},
        costs=replace(resnet.costs, runtime_s=np.asarray(resnet.costs.runtime_s) * 3),
    )
    assert difference(resnet, measured).runtime.verdict == "undecided"


def test_a_precision_that_was_never_measured_shares_no_errors(resnet: Profile) -> None:
    """How far fp16 is off says nothing of int8, so the intervals of both totals decide."""
    other = predict("zoo:resnet18", "jetson-orin-nano", precision="int8")
    comparison = difference(resnet, other)
    assert not comparison.paired
    gap = other.totals.energy_j.high - resnet.totals.energy_j.low
    assert comparison.energy_j.high == pytest.approx(gap)
