"""A small data set of simulated layers, for every test that learns."""

from __future__ import annotations

from functools import cache

import numpy as np

from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile
from edgeprofiler.learning.dataset import Dataset, rows_of
from edgeprofiler.measurement.simulator import SimulatedDevice, true_costs
from edgeprofiler.reading.read import read

NETWORKS = ("lenet", "alexnet", "vgg11", "resnet18", "mobilenet_v2", "squeezenet1_0")
BOARD = "jetson-orin-nano"


@cache
def measured(name: str, *, power: bool = True) -> Profile:
    """A profile of a zoo network as if it had been measured without error."""
    network = read(f"zoo:{name}")
    truth = true_costs(network, SimulatedDevice.draw(0, BOARD, layer_spread=0.05))
    costs = Costs(
        runtime_s=truth.runtime_s,
        power_w=truth.power_w if power else np.full(len(network), np.nan),
        covered=np.ones(len(network), dtype=np.bool_),
        bound=("",) * len(network),
        known_by=("samples",) * len(network),
        standard_error_w=np.full(len(network), 0.05),
        samples=np.full(len(network), 60.0),
    )
    return Profile(
        network=network,
        device=DeviceLabel(BOARD, "simulated", "simulated"),
        origin=Origin("measured", "test", "1"),
        idle_power_w=truth.idle_power_w,
        costs=costs,
        fixed=Part(5e-5, truth.idle_power_w + 0.5),
        host_gap=Part(1e-4, truth.idle_power_w + 0.4),
        simulated=True,
    )


@cache
def dataset() -> Dataset:
    """Rows of all networks above."""
    return Dataset.concatenate([rows_of(measured(name), name) for name in NETWORKS])
