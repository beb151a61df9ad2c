"""The numbers of the cost model: which calibration applies, and what a bad one is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from edgeprofiler.core.device import Calibration, device_names, load_device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.prediction.costmodel.parameters import (
    calibration_of,
    parameters_of,
    power_measured,
    shared_parameters,
)


def calibration(**values: float) -> Calibration:
    return Calibration(load_device("jetson-orin-nano@15w").mode, "trtexec", "test", values, "test")


@pytest.mark.parametrize("name", device_names())
def test_every_shipped_device_has_usable_numbers(name: str) -> None:
    numbers = parameters_of(load_device(name))
    assert 0 < numbers.efficiency_memory < 1.5
    assert 0 < numbers.busy_power_w < 100


def test_a_board_without_calibration_uses_the_shared_numbers() -> None:
    board = replace(load_device(), calibrations=())
    assert parameters_of(board).launch_s == shared_parameters().launch_s


def test_a_deviation_is_a_factor_on_the_shared_number() -> None:
    board = replace(load_device(), calibrations=(calibration(launch_s=2.0),))
    assert parameters_of(board).launch_s == pytest.approx(2 * shared_parameters().launch_s)


def test_a_calibration_of_the_same_host_is_preferred() -> None:
    for runtime in ("trtexec", "cpp", "torch-tensorrt"):
        found = calibration_of(load_device("jetson-orin-nano", runtime))
        assert found is not None
        assert found.runtime == runtime


def test_in_another_mode_the_numbers_of_the_same_host_are_scaled() -> None:
    """Else a mode with faster clocks could be predicted slower, by another host's numbers."""
    for runtime in ("trtexec", "cpp", "torch-tensorrt"):
        found = calibration_of(load_device("jetson-orin-nano@25w", runtime))
        assert found is not None
        assert (found.mode.name, found.runtime) == ("15w", runtime)


def test_a_factor_of_nothing_is_refused() -> None:
    board = replace(load_device(), calibrations=(calibration(launch_s=0.0),))
    with pytest.raises(InvalidInput, match="launch_s = 0"):
        parameters_of(board)


def test_another_hosts_gap_is_not_borrowed() -> None:
    own = calibration(host_gap_s=5e-3)
    board = replace(load_device(), calibrations=(own,))
    assert parameters_of(board).host_gap_s == 5e-3
    assert parameters_of(board.with_runtime("cpp")).host_gap_s < 1e-3


def test_an_unknown_parameter_is_named() -> None:
    board = replace(load_device(), calibrations=(calibration(warp_factor=9.0),))
    with pytest.raises(InvalidInput, match="warp_factor"):
        parameters_of(board)


def test_measured_power_is_taken_as_it_is() -> None:
    board = replace(load_device(), calibrations=(calibration(busy_power_w=5.0),))
    assert power_measured(board.calibrations[0])
    assert parameters_of(board).busy_power_w == 5.0


def test_guessed_power_stays_within_the_modes_budget() -> None:
    for name in device_names():
        for mode in load_device(name).modes:
            if math.isnan(mode.power_budget_w):
                continue
            board = replace(load_device(f"{name}@{mode.name}"), calibrations=())
            numbers = parameters_of(board)
            total = board.idle_power_w + numbers.base_power_w + numbers.busy_power_w
            assert total <= mode.power_budget_w * 1.2


@pytest.mark.parametrize("busy", [2.0, 8.0, 30.0])
def test_power_of_ones_own_stays_within_another_modes_budget(busy: float) -> None:
    """What was measured in one mode is scaled to another from itself, not from the shared rate."""
    own = calibration(base_power_w=1.0, busy_power_w=busy)
    for mode in ("7w", "15w", "25w"):
        board = replace(load_device(f"jetson-orin-nano@{mode}"), calibrations=(own,))
        numbers = parameters_of(board)
        total = board.idle_power_w + numbers.base_power_w + numbers.busy_power_w
        if mode != "15w":
            assert total <= board.mode.power_budget_w * 1.001
            if busy < 10 and mode == "25w":
                assert numbers.busy_power_w == pytest.approx(busy * (918 / 624.75) ** 1.3)


def test_a_board_without_calibration_borrows_from_one_of_the_same_chip() -> None:
    """AGX Orin comes with 32 and 64 GB; only the larger was measured."""
    small, large = load_device("jetson-agx-orin-32gb"), load_device("jetson-agx-orin")
    assert small.calibrations == ()
    for name in ("launch_s", "efficiency_memory", "efficiency_depthwise"):
        assert getattr(parameters_of(small), name) == getattr(parameters_of(large), name)
    assert parameters_of(small).busy_power_w < parameters_of(large).busy_power_w


def test_what_is_borrowed_gives_way_to_a_calibration_of_the_boards_own() -> None:
    own = Calibration(
        load_device("jetson-agx-orin-32gb@maxn").mode, "trtexec", "mine", {"launch_s": 2.0}, "mine"
    )
    board = replace(load_device("jetson-agx-orin-32gb"), calibrations=(own,))
    found, shared = parameters_of(board), shared_parameters("trtexec")
    assert found.launch_s == pytest.approx(2 * shared.launch_s)
    assert found.efficiency_memory == shared.efficiency_memory
