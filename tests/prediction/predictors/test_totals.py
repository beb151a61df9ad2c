"""Totals of networks by hand, and intervals around them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.prediction.predictors.totals import (
    NetworkTotals,
    Outside,
    TotalWidths,
    total_intervals,
)

IDLE_W = 5.0


def two_networks() -> NetworkTotals:
    """One of two layers, one of which is unknown, and one of none."""
    outside = Outside(1.0, 6.0, np.array([0.5, 2.0]), 7.0)
    runtime, energy = np.array([2.0, math.nan]), np.array([16.0, math.nan])
    return NetworkTotals.of(runtime, energy, np.array([0, 2, 2]), outside, IDLE_W)


def test_totals_are_the_sums_of_their_parts() -> None:
    found = two_networks()
    assert found.runtime_s.tolist() == [3.0, 1.0]
    assert found.end_to_end_s.tolist() == [3.5, 3.0]
    assert found.energy_j.tolist() == [16 + 6 + 3.5, 6 + 14]
    assert found.power_w == pytest.approx([25.5 / 3.5, 20 / 3])
    assert found.power_above_idle_w == pytest.approx(found.power_w - IDLE_W)


def test_idle_power_is_known_and_widens_nothing() -> None:
    found = total_intervals(two_networks(), TotalWidths(0.0, 0.0, math.log(2)), IDLE_W)
    low, high = found["power_w"]
    above = two_networks().power_above_idle_w
    assert low == pytest.approx(IDLE_W + above / 2)
    assert high == pytest.approx(IDLE_W + 2 * above)
    assert found["energy_j"][1] == pytest.approx(high * two_networks().end_to_end_s)
    assert found["end_to_end_s"][0].tolist() == [3.5, 3.0]


@given(st.floats(0, 2), st.floats(0, 2), st.floats(0, 2), st.none() | st.floats(0, 2))
def test_every_interval_holds_its_value(
    runtime: float, wall: float, power: float, energy: float | None
) -> None:
    totals = two_networks()
    values = {**vars(totals)}
    values["energy_above_idle_j"] = totals.power_above_idle_w * totals.end_to_end_s
    found = total_intervals(totals, TotalWidths(runtime, wall, power, energy), IDLE_W)
    for name, (low, high) in found.items():
        assert (low <= values[name] * (1 + 1e-12)).all(), name
        assert (values[name] <= high * (1 + 1e-12)).all(), name


@given(
    time=st.floats(0.01, 1.5),
    power=st.floats(0.01, 1.5),
    energy=st.one_of(st.none(), st.floats(0.001, 3.0)),
    above=st.floats(0.01, 100.0),
    idle=st.floats(0.0, 20.0),
)
def test_ends_of_totals_are_one_coherent_set(time, power, energy, above, idle):
    """Energy above idle is part of energy, and energy lies within what power and time allow."""
    one = np.ones(1)
    board = one * (idle + above)
    totals = NetworkTotals(one, 0 * one, one, board, board, one * above)
    ends = total_intervals(totals, TotalWidths(time, time, power, energy), idle)
    for place in (0, 1):
        low_high = {name: float(end[place][0]) for name, end in ends.items()}
        assert low_high["energy_above_idle_j"] <= low_high["energy_j"] * (1 + 1e-12)
        assert low_high["power_w"] == pytest.approx(idle + low_high["power_above_idle_w"])
        product = low_high["power_w"] * low_high["end_to_end_s"]
        inside = low_high["energy_j"] - product
        assert (inside if place == 0 else -inside) >= -1e-9 * product
    for low, high in ends.values():
        assert low[0] <= high[0]
