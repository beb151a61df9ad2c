"""Wall time: whichever of GPU and host is slower sets the pace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.device import load_device
from edgeprofiler.prediction.costmodel.parameters import shared_parameters
from edgeprofiler.prediction.costmodel.wall import Host, Wall, wall_slopes, wall_times

NUMBERS = shared_parameters("cpp")
ORIN = load_device("jetson-orin-nano", "cpp")


def wall(gpu_s: float, kernels: float, device=ORIN, numbers=NUMBERS) -> Wall:  # type: ignore[no-untyped-def]
    return wall_times(
        np.array([gpu_s]), np.array([kernels]), np.array([1e6]), Host.of(device), numbers
    )


def test_a_busy_gpu_hides_the_host() -> None:
    found = wall(0.1, 100)
    assert found.paced_s[0] == pytest.approx(0.1, rel=1e-4)
    assert found.host_gap_s[0] == pytest.approx(found.host_fixed_s[0], rel=0.01)


def test_many_small_kernels_wait_for_the_host() -> None:
    found = wall(1e-4, 1000)
    assert found.enqueue_s[0] > found.gpu_s[0]
    assert found.paced_s[0] == pytest.approx(found.enqueue_s[0], rel=1e-2)


def test_a_cuda_graph_enqueues_once() -> None:
    graph = replace(ORIN, cuda_graph=True)
    found = wall(1e-4, 1000, graph)
    assert found.enqueue_s[0] == 0
    assert found.paced_s[0] == pytest.approx(1e-4)


def test_a_slower_processor_makes_all_of_the_host_slower() -> None:
    slow = ORIN.with_mode(f"cpu={ORIN.mode.clocks.cpu_hz / 2}Hz")
    one, half = wall(1e-4, 1000), wall(1e-4, 1000, slow)
    assert half.enqueue_s[0] == pytest.approx(2 * one.enqueue_s[0])
    fixed = one.host_fixed_s - one.copy_s, half.host_fixed_s - half.copy_s
    assert fixed[1] == pytest.approx(2 * fixed[0])
    assert half.copy_s[0] == one.copy_s[0]


def test_boards_before_tensor_cores_enqueue_more_slowly() -> None:
    nano = load_device("jetson-nano", "cpp")
    ratio = ORIN.cpu_speed / nano.cpu_speed
    assert wall(1e-4, 100, nano).enqueue_s[0] > 1.5 * ratio * wall(1e-4, 100).enqueue_s[0]


@given(gpu_s=st.floats(1e-5, 1.0), kernels=st.integers(1, 2000))
def test_neither_part_is_ever_shorter_than_alone(gpu_s: float, kernels: int) -> None:
    found = wall(gpu_s, float(kernels))
    assert found.paced_s[0] >= max(found.gpu_s[0], found.enqueue_s[0]) * (1 - 1e-12)
    assert found.paced_s[0] <= (found.gpu_s[0] + found.enqueue_s[0]) * (1 + 1e-12)


def test_slopes_are_what_a_small_change_changes() -> None:
    base = wall(8e-4, 120)
    found = wall_slopes(base, 0.0, False, {"launch_s": np.array([2e-4])})
    for name in ("enqueue_s", "host_fixed_s", "host_copy"):
        changed = replace(NUMBERS, **{name: getattr(NUMBERS, name) * np.exp(1e-5)})
        there = wall(8e-4, 120, numbers=changed)
        assert found[name] == pytest.approx(
            (there.end_to_end_s - base.end_to_end_s) / 1e-5, rel=1e-3
        )
    longer = wall(8e-4 + 2e-4 * 1e-5, 120)
    assert found["launch_s"] == pytest.approx(
        (longer.end_to_end_s - base.end_to_end_s) / 1e-5, rel=1e-3
    )
