"""At a rate the board idles between inferences, or works back to back where it does not keep up."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.profile import Profile, from_document, to_document
from edgeprofiler.core.profile.rate import at_rate, keeping_up
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.prediction.predict import predict


@pytest.fixture(scope="module")
def lenet() -> Profile:
    return predict("zoo:lenet", "jetson-nano", batch=2)


def test_mean_power_is_idle_and_as_often_as_inferences_happen_their_energy(lenet: Profile) -> None:
    """Ten images a second in twos are five inferences."""
    there = replace(lenet, rate_hz=10.0).at_rate
    assert there is not None
    energy = lenet.totals.energy_above_idle_j
    assert there.power_w.value == pytest.approx(lenet.idle_power_w + 5 * energy.value)
    assert there.power_w.high == pytest.approx(lenet.idle_power_w + 5 * energy.high)
    assert there.busy_share.value == pytest.approx(5 * lenet.totals.end_to_end_s.value)
    assert there.keeps_up == "yes"


def test_a_board_that_does_not_keep_up_works_back_to_back(lenet: Profile) -> None:
    there = replace(lenet, rate_hz=1e6).at_rate
    assert there is not None
    assert there.power_w.value == pytest.approx(lenet.totals.power_w.value)
    assert (there.busy_share.value, there.keeps_up) == (1.0, "no")


@given(st.floats(0.01, 1e5), st.floats(1.0, 3.0), st.floats(1.0, 3.0))
def test_more_images_never_need_less_power_nor_more_than_back_to_back(
    rate: float, more: float, width: float
) -> None:
    def power(hz: float) -> Estimate:
        return at_rate(
            hz, 1, Estimate(0.01, 0.01 / width, 0.01 * width),
            Estimate(0.04, 0.04 / width, 0.04 * width), Estimate(4.0, 4 / width, 4 * width), 3.0,
        ).power_w  # fmt: skip

    low, high = power(rate), power(rate * more)
    assert 3.0 < low.low <= low.value <= low.high
    assert low.value <= high.value <= 7.0 + 1e-9


@pytest.mark.parametrize(
    ("ends", "whole", "said"),
    [
        ((0.5, 0.4, 1.0), True, "yes"), ((0.9, 0.4, 1.01), True, "undecided"),
        ((1.2, 1.0, 1.5), True, "undecided"), ((1.2, 1.01, 1.5), True, "no"),
        ((0.5, math.nan, math.nan), True, "yes"), ((1.5, math.nan, math.nan), True, "no"),
        ((0.5, math.nan, math.nan), False, "undecided"), ((0.5, 0.4, math.nan), False, "undecided"),
        ((1.5, 1.2, math.nan), False, "no"),
    ],
)  # fmt: skip
def test_keeping_up_is_sure_or_undecided(ends: tuple, whole: bool, said: str) -> None:
    assert keeping_up(Estimate(*ends), whole=whole) == said


def test_a_rate_travels_in_the_file(lenet: Profile) -> None:
    there = replace(lenet, rate_hz=30.0)
    document = to_document(there)
    assert document["totals"]["at_rate"]["keeps_up"] == "yes"
    assert from_document(document) == there
    assert "at_rate" not in to_document(lenet)["totals"]
