"""How sure a time is: the doubt of each number, weighed by what hangs on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgeprofiler
from edgeprofiler.core.choices import RUNTIMES
from edgeprofiler.core.device import Device, device_names, load_device
from edgeprofiler.core.network import Columns
from edgeprofiler.prediction.predictors.roofline import NetworkCosts
from edgeprofiler.prediction.uncertainty.doubt import Doubt
from edgeprofiler.reading.read import read

ORIN = load_device()


def deviations(name: str, device: Device = ORIN) -> tuple[float, float]:
    network = read(f"zoo:{name}")
    found = NetworkCosts.of(network.columns, np.array([0, len(network)]), [0.0], device)
    gpu, wall = found.deviations
    return float(gpu[0]), float(wall[0])


@pytest.mark.parametrize("name", device_names())
def test_every_board_has_a_doubt_for_every_host(name: str) -> None:
    for runtime in RUNTIMES:
        doubt = Doubt.of(load_device(name, runtime))
        assert np.linalg.eigvalsh(doubt.covariance).min() > -1e-9
        assert doubt.spread > 0


def test_what_rests_on_nothing_has_the_spread_of_sources_alone() -> None:
    doubt = Doubt.of(ORIN)
    nothing = {name: np.zeros(1) for name in doubt.names}
    assert doubt.deviation(nothing)[0] == pytest.approx(doubt.spread)


def test_a_network_of_rare_kernels_is_less_sure_than_one_of_common_ones() -> None:
    assert deviations("mobilenet_v2")[0] > deviations("resnet50")[0]


def test_a_host_that_sources_disagree_on_makes_wall_times_less_sure() -> None:
    gpu, wall = deviations("lenet", load_device(runtime="torch2trt"))
    assert wall > 1.5 * gpu


def test_a_board_never_measured_is_less_sure_than_its_sister() -> None:
    small, large = load_device("jetson-agx-orin-32gb"), load_device("jetson-agx-orin")
    for name in ("mobilenet_v2", "resnet50"):
        assert deviations(name, small)[0] > deviations(name, large)[0]


def test_a_device_built_on_a_board_is_as_sure_as_the_board() -> None:
    own = replace(ORIN, name="mine", base=ORIN.name)
    assert deviations("resnet50", own) == deviations("resnet50")


def test_older_boards_sources_say_less() -> None:
    assert deviations("resnet50", load_device("jetson-agx-xavier"))[0] > deviations("resnet50")[0]


def test_networks_together_are_as_sure_as_each_alone() -> None:
    networks = [read(f"zoo:{name}") for name in ("resnet18", "lenet", "mobilenet_v2")]
    columns = Columns.concatenate([network.columns for network in networks])
    offsets = np.cumsum([0, *map(len, networks)])
    together, _ = NetworkCosts.of(columns, offsets, [0.0] * 3, ORIN).deviations
    alone = [deviations(network.name)[0] for network in networks]
    assert together.tolist() == pytest.approx(alone)


@pytest.mark.shared
def test_a_gpu_that_is_no_jetson_is_told_with_room_for_how_far_off_it_is(
    shared: Path, tmp_path: Path
) -> None:
    """Public engines of two other GPUs: their layers' times lie inside, of one in ten not."""
    inside: list[bool] = []
    for name, flops, clock, sms, bandwidth, l2_mib in (
        ("rtx3060m", 43.8e12, 1.425e9, 30, 336e9, 3),
        ("a100", 312e12, 1.41e9, 108, 1555e9, 40),
    ):
        board = tmp_path / f"{name}.toml"
        board.write_text(
            f"""name = "{name}"
idle_power_w = 15
[datasheet]
sms = {sms}
gpu_clock_hz = {clock}
memory_bytes = 8000000000
bandwidth_bytes_per_s = {bandwidth}
l2_bytes = {l2_mib << 20}
tensor_cores = true
compute_capability = 8.6
[datasheet.peak_flops]
fp16 = {flops}
tf32 = {flops / 2}
fp32 = {flops / 4}
int8 = {flops * 2}
[[modes]]
name = "maxn"
gpu_clock_hz = {clock}
"""
        )
        for profile in sorted((shared / "inputs/profile").glob(f"{name}_*trtexec.json")):
            layers = json.loads(profile.read_text())
            measured = sum(layer.get("averageMs", 0) for layer in layers) / 1e3
            told = edgeprofiler.predict(shared / "inputs/engine_info" / profile.name, board).totals
            low, high = told.runtime_s.low, told.runtime_s.high
            assert low is not None
            assert high is not None
            inside.append(low < measured < high)
    assert len(inside) >= 4
    assert sum(inside) >= len(inside) - 1
