"""Power of layers: what works, multiplies and moves draws, and the mode's budget bounds it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cost_layers import NUMBERS, ORIN, convolution, other, times, work

from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.network import FloatArray, Layer
from edgeprofiler.prediction.costmodel.power import (
    VOLTAGE_KNEE_HZ,
    active_gigahertz,
    base_power,
    layer_power,
    meets_budget,
    voltage_factor,
    waiting_power,
)


def watts(*layers: Layer, on: Device = ORIN) -> FloatArray:
    return layer_power(work(*layers), times(*layers, on=on), on, NUMBERS)


def at(gpu_hz: float, board: Device = ORIN) -> Device:
    clocks = replace(board.mode.clocks, gpu_hz=gpu_hz)
    mode = replace(board.mode, clocks=clocks, power_budget_w=float("nan"))
    return replace(board, mode=mode)


def test_whatever_runs_draws_more_than_the_waiting_board() -> None:
    found = watts(convolution(512, 512), other("pointwise"), convolution(groups=64))
    assert (found > waiting_power(ORIN, NUMBERS)).all()
    assert waiting_power(ORIN, NUMBERS) == ORIN.idle_power_w + base_power(ORIN, NUMBERS)


def test_a_noop_leaves_the_board_idle_and_an_unknown_layer_is_unknown() -> None:
    found = watts(other("noop"), other("unknown"))
    assert found[0] == ORIN.idle_power_w
    assert np.isnan(found[1])


def test_dense_products_draw_more_than_depthwise_ones_and_moves_draw_too() -> None:
    dense, depthwise, moves = watts(
        convolution(256, 256), convolution(groups=64, size=112), other("copy")
    )
    assert dense > depthwise
    assert dense > moves > waiting_power(ORIN, NUMBERS)


def test_energy_of_a_piece_of_work_falls_with_its_bits() -> None:
    energies = [
        float(watts(layer)[0] - waiting_power(ORIN, NUMBERS)) * float(times(layer).runtime_s[0])
        for layer in (convolution(256, 256, dtype=t) for t in ("int8", "fp16", "fp32"))
    ]
    assert energies == sorted(energies)


def test_the_gpu_part_grows_with_the_clock_and_beyond_the_knee_with_the_voltage() -> None:
    assert voltage_factor(0.3e9) == voltage_factor(VOLTAGE_KNEE_HZ) == 1
    slow, fast = at(0.5 * VOLTAGE_KNEE_HZ), at(VOLTAGE_KNEE_HZ)
    assert active_gigahertz(fast) == pytest.approx(2 * active_gigahertz(slow))
    beyond = at(1.2 * VOLTAGE_KNEE_HZ)
    assert active_gigahertz(beyond) == pytest.approx(1.2**3 * active_gigahertz(fast))


def test_moving_bytes_costs_the_same_energy_at_any_gpu_clock() -> None:
    copy = other("copy")
    per_byte = [
        float((watts(copy, on=b)[0] - waiting_power(b, NUMBERS)) * times(copy, on=b).runtime_s[0])
        - NUMBERS.active_power_w
        * active_gigahertz(b)
        * float((times(copy, on=b).runtime_s - times(copy, on=b).launch_s)[0])
        for b in (at(0.4e9), at(0.9e9))
    ]
    assert per_byte[0] == pytest.approx(per_byte[1])
    assert per_byte[0] == pytest.approx(NUMBERS.byte_energy_j * work(copy).bytes_moved[0])


def test_no_layer_draws_more_than_the_modes_budget() -> None:
    tight = load_device("jetson-orin-nano@7w")
    found = watts(convolution(512, 512), on=tight)
    assert found[0] == tight.mode.power_budget_w
    assert meets_budget(found, tight)
    assert not meets_budget(watts(other("pointwise")), ORIN)


def test_a_budget_below_idle_does_not_make_the_board_draw_less_than_idle() -> None:
    board = load_device("jetson-orin-nano@7w")
    starved = replace(board, mode=replace(board.mode, power_budget_w=0.1 * board.idle_power_w))
    found = watts(convolution(512, 512), on=starved)
    assert found[0] == waiting_power(starved, NUMBERS) == board.idle_power_w
    assert meets_budget(found, starved)


def test_older_silicon_and_its_processor_draw_more() -> None:
    nano = load_device("jetson-nano")
    assert active_gigahertz(nano) > nano.mode.clocks.sms * nano.gpu_clock_hz / 1e9
    assert base_power(nano, NUMBERS) > base_power(ORIN, NUMBERS)


def test_the_hosts_power_goes_with_the_clock_of_its_processor() -> None:
    """As stated at the 1.51 GHz of the experiment with 20 networks; a board that does not say its
    clock is taken to run at that."""
    for clock, factor in ((1.5104e9, 1.0), (0.7552e9, 0.5)):
        board = load_device(f"jetson-orin-nano@15w,cpu={clock / 1e6}MHz")
        assert base_power(board, NUMBERS) == pytest.approx(factor * NUMBERS.base_power_w)
    assert base_power(load_device("generic"), NUMBERS) == NUMBERS.base_power_w
