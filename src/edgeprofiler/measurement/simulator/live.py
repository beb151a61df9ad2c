"""A simulated board that lives: it runs when asked to, and remembers its power."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray, Network
from edgeprofiler.measurement.recording import DeviceState, PowerTrace, Timeline
from edgeprofiler.measurement.simulator.device import SimulatedDevice, TrueCosts, true_costs
from edgeprofiler.measurement.simulator.ina3221 import quantise, smoothed_energy
from edgeprofiler.measurement.simulator.model import SensorModel, Structure
from edgeprofiler.measurement.simulator.world import World, make_world

START_S = 1000.0
"""The clock when a board is made."""

WARMING_S = 60.0
"""Time constant with which the board warms."""

DRAWN = 4096
"""Random numbers drawn at once, so that any stretch of the past comes out the same again."""

SETTLED = 25
"""Rail time constants before a stretch from which smoothing must be followed."""


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
        network: what it runs.
        device: the board as drawn.
        structure: what happens beside the layers; its schedule is the caller's.
    """

    def __init__(self, network: Network, device: SimulatedDevice, structure: Structure) -> None:
        self.device = device
        self.clock = VirtualClock(START_S)
        self.costs: TrueCosts = true_costs(network, device)
        self._names = tuple(layer.name for layer in network.layers)
        # the wander of the clock is drawn over a whole session, which a living board cannot know
        self._structure = replace(structure, clock_drift=0.0, thermal_drift_w=0.0)
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
        structure, layers = self._structure, len(self._names)
        rng = np.random.default_rng([self.device.seed, 51, number])
        error = rng.normal(0.0, 1.0, len(world.end_s)) * structure.stamp_jitter_s
        end = world.end_s + origin + error
        burst = structure.callback_s * np.arange(1, layers + 1)
        return Timeline(
            layer_names=self._names,
            duration_s=world.duration_s,
            run_end_s=np.maximum.accumulate(end),
            run_start_s=np.maximum.accumulate(world.start_s + origin + error),
            stamp_s=end[:, None] + burst,
            stamp_kind="callback-burst",
        )

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
        self._sensor = sensor
        self._seed = seed
        rng = np.random.default_rng([seed, 61])
        self._phase_s = float(rng.uniform(0, sensor.period_s))
        self._period_s = sensor.period_s * (1 + sensor.clock_ppm * 1e-6)

    def trace(self, start_s: float, end_s: float) -> PowerTrace:
        """Return all polls from `start_s` to `end_s`."""
        sensor = self._sensor
        first_tick = int(np.ceil(start_s * sensor.poll_hz))
        ticks = np.arange(first_tick, int(np.floor(end_s * sensor.poll_hz)) + 1)
        late = np.abs(self._normal(71, ticks)) * sensor.poll_jitter_s
        time = np.maximum.accumulate(ticks / sensor.poll_hz + late)
        time = time[(time >= start_s) & (time <= end_s)]
        if time.size == 0:
            return PowerTrace(time, {sensor.rail: time.copy()}, (sensor.rail,))
        update_s = self._period_s * sensor.averaging
        index = np.floor((time - sensor.lag_s - self._phase_s) / update_s).astype(np.int64)
        wanted, place = np.unique(index, return_inverse=True)
        members = wanted[:, None] * sensor.averaging - np.arange(sensor.averaging)
        number = members.ravel()
        ends = self._phase_s + number * self._period_s
        begin = ends - sensor.window_s
        queries = np.concatenate([begin, ends])
        order = np.argsort(queries, kind="stable")
        reach = SETTLED * sensor.rail_time_constant_s
        steps = self._board.steps(
            float(queries[order[0]]) - reach - 1e-6, float(queries[order[-1]]) + 1e-6
        )
        energy = np.empty(queries.size)
        energy[order] = smoothed_energy(steps, queries[order], sensor.rail_time_constant_s)
        mean = (energy[ends.size :] - energy[: ends.size]) / sensor.window_s
        mean = mean + self._normal(31, number) * sensor.noise_w
        held = quantise(mean.reshape(members.shape).mean(axis=1), sensor)
        return PowerTrace(time, {sensor.rail: held[place]}, (sensor.rail,))

    def _normal(self, stream: int, number: IntArray) -> FloatArray:
        """Return the normal number that belongs to each index, whatever is asked beside it."""
        block, inside = np.divmod(np.asarray(number, dtype=np.int64), DRAWN)
        result = np.empty(block.shape)
        for value in np.unique(block).tolist():
            rng = np.random.default_rng([self._seed, stream, value])
            chosen = block == value
            result[chosen] = rng.normal(0.0, 1.0, DRAWN)[inside[chosen]]
        return result
