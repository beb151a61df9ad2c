"""How sure a time is: the doubt of each number, weighed by what hangs on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

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
