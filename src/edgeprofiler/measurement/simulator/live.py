"""A simulated board that lives: it runs when asked to, and remembers its power."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.measurement.recording import DeviceState, PowerTrace, Timeline
from edgeprofiler.measurement.simulator.device import SimulatedDevice, TrueCosts, true_costs
from edgeprofiler.measurement.simulator.ina3221 import Chip
from edgeprofiler.measurement.simulator.model import SensorModel, Structure
from edgeprofiler.measurement.simulator.world import World, make_world

START_S = 1000.0
"""The clock when a board is made."""

WARMING_S = 60.0
"""Time constant with which the board warms."""


class VirtualClock:
    """Time that passes only when the simulation says so."""

    virtual = True

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        """Return the present time."""
        return self._now_s

    def sleep(self, duration_s: float) -> None:
        """Let `duration_s` pass at once."""
        self._now_s += max(duration_s, 0.0)


@dataclass(frozen=True, eq=False)
class _Block:
    start_s: float
    stop_s: float
    world: World


class SimulatedBoard:
    """A board with one network on it.

    Args:
        structure: what happens beside the layers; its schedule is the caller's.
    """

    def __init__(self, network: Network, device: SimulatedDevice, structure: Structure) -> None:
        self.device = device
        self.clock = VirtualClock(START_S)
        self.costs: TrueCosts = true_costs(network, device)
        self._names = tuple(layer.name for layer in network.layers)
        # the wander of the clock is drawn over a whole session, which a living board cannot know
        self._structure = replace(structure, clock_drift=0.0, thermal_drift_w=0.0, governor_steps=0)
        self._thermal_w = structure.thermal_drift_w
        self._blocks: list[_Block] = []
        self._busy_s = 0.0

    def run(self, runs: int, pauses_s: FloatArray | None) -> Timeline:
        """Run, let the time pass, and return what a profiler would have seen."""
        pauses = np.zeros(runs) if pauses_s is None else np.asarray(pauses_s, dtype=np.float64)
        number = len(self._blocks) + 1
        world = make_world(
            self.costs, self._structure, runs, self.device.seed, block=number, pauses_s=pauses
        )
        busy = self._busy_s + np.cumsum(world.duration_s.sum(axis=1))
        self._busy_s = float(busy[-1])
        world = replace(world, drift_w=self._warm_w(busy))
        origin = self.clock.now_s()
        length = float(world.end_s[-1]) + world.tail_s
        self._blocks.append(_Block(origin, origin + length, world))
        self.clock.sleep(length)
        return self._seen(world, origin, number)

    def _warm_w(self, busy_s: FloatArray) -> FloatArray:
        return np.asarray(self._thermal_w * (1 - np.exp(-busy_s / WARMING_S)))

    def _seen(self, world: World, origin: float, number: int) -> Timeline:
        rng = np.random.default_rng([self.device.seed, 51, number])
        return world.timeline(self._names, origin, rng)

    def state(self) -> DeviceState:
        """Return temperature and clocks now."""
        warm = float(self._warm_w(np.array([self._busy_s]))[0])
        return DeviceState(
            time_s=self.clock.now_s(),
            temperatures_c={"gpu": 45.0 + 60 * warm},
            clocks_hz={"gpu": self.device.clock_hz},
            clocks_pinned=True,
            throttled=False,
        )

    def steps(self, start_s: float, stop_s: float) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield power steps that cover a stretch of time; quiet where nothing ran."""
        quiet_w, now = self.costs.idle_power_w, start_s
        for block in self._blocks:
            if block.stop_s <= start_s or block.start_s >= stop_s:
                if block.stop_s <= start_s:
                    quiet_w = self.costs.idle_power_w + float(block.world.drift_w[-1])
                continue
            if block.start_s > now:
                yield np.array([now, block.start_s]), np.array([quiet_w])
                now = block.start_s
            for edges, power in block.world.steps():
                times = edges + block.start_s
                if times[-1] <= now:
                    continue
                first = max(int(np.searchsorted(times, now, side="right")) - 1, 0)
                times = times[first:].copy()
                times[0] = max(times[0], now)
                yield times, power[first:]
                now = float(times[-1])
            quiet_w = self.costs.idle_power_w + float(block.world.drift_w[-1])
        if now < stop_s:
            yield np.array([now, stop_s]), np.array([quiet_w])


class BoardSensor:
    """An INA3221 on a simulated board; any stretch of the past may be asked for."""

    def __init__(self, board: SimulatedBoard, sensor: SensorModel, seed: int) -> None:
        self._board = board
        self._chip = Chip.draw(sensor, seed)

    def trace(self, start_s: float, end_s: float) -> PowerTrace:
        """Return all polls from `start_s` to `end_s`."""
        return self._chip.trace(self._board.steps, start_s, end_s)
