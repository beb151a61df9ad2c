"""A measurement that never happened, with its truth: `simulate(network, runs=..., seed=...)`."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.measurement.recording import (
    DeviceState,
    PowerTrace,
    Recording,
    SamplerReport,
    network_to_json,
)
from edgeprofiler.measurement.simulator.device import SimulatedDevice, true_costs
from edgeprofiler.measurement.simulator.ina3221 import Chip, Steps
from edgeprofiler.measurement.simulator.model import SensorModel, Structure
from edgeprofiler.measurement.simulator.world import LEAD_S, World, make_world

EPOCH_S = 1000.0
"""The monotonic clock at the first idle poll; any number, as on a machine that has been up."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What an attribution should find. Arrays have shape (layers,); means over all runs."""

    runtime_s: FloatArray
    power_w: FloatArray
    """Board power while the layer runs, idle included; NaN for layers that take no time."""
    idle_power_w: float
    """Mean idle over the session: what a layer's own power stands on, drift included."""
    gap_s: float
    gap_power_w: float
    host_s: float
    """From the call to the first layer, and from the last layer to the call's return."""
    host_power_w: float
    window_s: float
    update_s: float
    lag_s: float
    """From the end of a conversion to its poll, less the host's delay in stamping a run's end."""
    rail_time_constant_s: float

    @property
    def energy_j(self) -> FloatArray:
        """Energy of each layer, idle included; 0 for a layer that takes no time."""
        return np.where(self.runtime_s > 0, self.runtime_s * self.power_w, 0.0)

    @property
    def above_idle_w(self) -> FloatArray:
        """Power of each layer above idle."""
        return np.asarray(self.power_w - self.idle_power_w)

    @property
    def network_energy_j(self) -> float:
        """Board energy of one inference: layers, gaps and the host's part of the call."""
        gaps = int((self.runtime_s > 0).sum()) * self.gap_s * self.gap_power_w
        return float(self.energy_j.sum()) + gaps + self.host_s * self.host_power_w


def simulate(
    network: Network,
    *,
    runs: int = 30_000,
    seed: int = 0,
    sensor: SensorModel | None = None,
    structure: Structure | None = None,
    device: SimulatedDevice | None = None,
) -> tuple[Recording, Truth]:
    """Measure `network` on a simulated board, and say what the truth was.

    Args:
        network: layers whose shapes decide the true costs.
        runs: how often the network runs.
        seed: decides everything that is drawn; equal seeds give equal recordings.
        sensor: the simulated INA3221; its defaults if `None`.
        structure: what the world does beside the layers; what a real board does if `None`.
        device: the simulated board; drawn by the seed if `None`.
    """
    if runs < 1:
        raise UsageError(f"a simulation needs at least one run, not {runs}")
    sensor, structure = sensor or SensorModel(), structure or Structure()
    device = device or SimulatedDevice.draw(seed)
    world = make_world(true_costs(network, device), structure, runs, seed)
    recording = _record(network, world, sensor, device, seed)
    return recording, _truth(world, sensor)


def _record(
    network: Network, world: World, sensor: SensorModel, device: SimulatedDevice, seed: int
) -> Recording:
    structure, idle_w = world.structure, world.costs.idle_power_w
    origin = EPOCH_S + structure.idle_s
    length = float(world.end_s[-1]) + LEAD_S
    chip = Chip.draw(sensor, seed)

    def during(_start_s: float, _stop_s: float) -> Steps:
        return ((edges + origin, power) for edges, power in world.steps())

    trace = chip.trace(during, origin + sensor.window_s * 2, origin + length)
    warm_w = float(world.drift_w[-1])
    before = _idle(idle_w, structure.idle_s, chip, EPOCH_S)
    after = _idle(idle_w + warm_w, structure.idle_s, chip, origin + length)
    names = tuple(layer.name for layer in network.layers)
    timeline = world.timeline(names, origin, np.random.default_rng([seed, 51]))
    return Recording(
        name=network.name,
        trace=trace,
        timeline=timeline,
        idle_before=before,
        idle_after=after,
        sampler=SamplerReport(1 / sensor.poll_hz, len(trace), 0, 0.02, 0.0),
        state_before=_state(EPOCH_S, 45.0, device),
        state_after=_state(origin + length, 45.0 + 60 * structure.thermal_drift_w, device),
        device={
            "board": device.board,
            "mode": "simulated",
            "runtime": "simulated",
            "sensor": "sim",
            "runner": "sim",
            "seed": str(seed),
        },
        sensor_settings={
            "samples": sensor.averaging,
            "update_interval": sensor.update_s * 1e3,
            "simulated": asdict(sensor),
        },
        network=network_to_json(network),
        complete=True,
        warnings=("simulated: no device was measured",),
        simulated=True,
    )


def _idle(idle_w: float, length_s: float, chip: Chip, origin: float) -> PowerTrace:
    def quiet(start_s: float, stop_s: float) -> Steps:
        return [(np.array([start_s - 1.0, stop_s + 1.0]), np.array([idle_w]))]

    return chip.trace(quiet, origin, origin + length_s)


def _state(time_s: float, temperature_c: float, device: SimulatedDevice) -> DeviceState:
    return DeviceState(
        time_s=time_s,
        temperatures_c={"gpu": temperature_c},
        clocks_hz={"gpu": device.clock_hz},
        clocks_pinned=True,
        throttled=False,
    )


def _truth(world: World, sensor: SensorModel) -> Truth:
    structure, costs = world.structure, world.costs
    time = world.duration_s.sum(axis=0)
    floor = (costs.idle_power_w + world.drift_w) * world.factor
    energy = (world.duration_s * floor[:, None]).sum(axis=0)
    moved = world.duration_s * (world.scale * world.factor)[:, None]
    energy += costs.above_idle_w * moved.sum(axis=0)
    runs = len(world.start_s)
    idle = float(floor.mean())
    scale = float(world.scale.mean())
    return Truth(
        runtime_s=np.asarray(time / runs),
        power_w=np.divide(energy, time, out=np.full(time.shape, np.nan), where=time > 0),
        idle_power_w=idle,
        gap_s=float(world.gap_s.mean()),
        gap_power_w=idle + world.gap_power_w * scale,
        host_s=structure.launch_s + structure.sync_s,
        host_power_w=idle + structure.between_power_w * scale,
        window_s=sensor.window_s,
        update_s=sensor.update_s,
        lag_s=sensor.lag_s,
        rail_time_constant_s=sensor.rail_time_constant_s,
    )
