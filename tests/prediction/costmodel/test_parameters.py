"""The numbers of the cost model: whose apply, and what a bad calibration is."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from edgeprofiler.core.choices import RUNTIMES
from edgeprofiler.core.device import Calibration, device_names, load_device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.prediction.costmodel.parameters import (
    Parameters,
    calibration_of,
    parameters_of,
    shared_parameters,
)


def calibration(mode: str = "15w", runtime: str = "trtexec", **values: float) -> Calibration:
    return Calibration(
        load_device(f"jetson-orin-nano@{mode}").mode, runtime, "test", values, "test"
    )


@pytest.mark.parametrize("name", device_names())
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_shipped_device_has_usable_numbers(name: str, runtime: str) -> None:
    numbers = parameters_of(load_device(name, runtime))
    assert all(getattr(numbers, field.name) >= 0 for field in fields(Parameters))
    for share in (numbers.efficiency_tensor, numbers.efficiency_lanes):
        assert 0 < share < 1
    assert numbers.winograd <= 2.25


def test_a_board_that_nobody_measured_uses_the_shared_numbers() -> None:
    board = load_device("generic")
    assert parameters_of(board).launch_s == shared_parameters().launch_s


def test_a_board_that_was_measured_differs_from_them() -> None:
    assert parameters_of(load_device("jetson-nano")).launch_s != shared_parameters().launch_s


def test_a_board_of_the_same_chip_answers_for_one_that_nobody_measured() -> None:
    """AGX Orin comes with 32 and 64 GB; only the larger was measured."""
    small, large = load_device("jetson-agx-orin-32gb"), load_device("jetson-agx-orin")
    assert parameters_of(small) == parameters_of(large)


def test_a_device_built_on_a_board_keeps_its_numbers() -> None:
    board = load_device("jetson-nano")
    own = replace(board, name="the-one-in-the-lab", base="jetson-nano")
    assert parameters_of(own) == parameters_of(board)


def test_a_users_factor_multiplies_the_boards_number() -> None:
    board = load_device()
    own = replace(board, calibrations=(calibration(launch_s=2.0, speed=1.1),))
    assert parameters_of(own).launch_s == pytest.approx(2 * parameters_of(board).launch_s)
    assert parameters_of(own).speed == pytest.approx(1.1)


def test_measured_power_is_taken_as_it_is() -> None:
    board = replace(load_device(), calibrations=(calibration(active_power_w=0.5),))
    assert parameters_of(board).active_power_w == 0.5


def test_the_calibration_of_mode_and_host_is_preferred_then_that_of_the_mode() -> None:
    found = [
        calibration("maxn-super", "trtexec"), calibration("15w", "cpp"),
        calibration("15w", "trtexec"),
    ]  # fmt: skip
    board = replace(load_device(), calibrations=tuple(found))
    assert calibration_of(board) == found[2]
    assert calibration_of(board.with_runtime("torch2trt")) == found[1]
    assert calibration_of(board.with_mode("7w")) == found[0]


def test_another_hosts_time_is_not_borrowed() -> None:
    board = replace(load_device(), calibrations=(calibration(host_fixed_s=5e-3),))
    assert parameters_of(board).host_fixed_s == 5e-3
    assert float(parameters_of(board.with_runtime("cpp")).host_fixed_s) < 1e-3


def test_a_factor_of_nothing_is_refused() -> None:
    board = replace(load_device(), calibrations=(calibration(launch_s=0.0),))
    with pytest.raises(InvalidInput, match="launch_s = 0"):
        parameters_of(board)


def test_an_unknown_parameter_is_named() -> None:
    board = replace(load_device(), calibrations=(calibration(warp_factor=9.0),))
    with pytest.raises(InvalidInput, match="warp_factor"):
        parameters_of(board)
