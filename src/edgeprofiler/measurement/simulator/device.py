"""The simulated board's own truth: how long each layer takes and what power the board draws.

This model knows nothing of the predictors. It has structure that they lack: thread blocks are
tiled and run in waves, so that time and power move in steps; its constants are drawn by seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import FloatArray, Layer, Network

BOARDS: dict[str, tuple[int, float, float, float]] = {
    "jetson-nano": (1, 0.92e9, 25.6e9, 2.2),
    "jetson-tx2": (2, 1.3e9, 59.7e9, 3.1),
    "jetson-xavier-nx": (6, 1.1e9, 59.7e9, 4.0),
    "jetson-agx-xavier": (8, 1.38e9, 136.5e9, 7.5),
    "jetson-orin-nano": (8, 0.625e9, 68e9, 4.4),
    "jetson-orin-nx": (8, 0.918e9, 102.4e9, 5.2),
    "jetson-agx-orin": (16, 1.3e9, 204.8e9, 9.5),
    "jetson-agx-orin-32gb": (14, 0.93e9, 204.8e9, 9.0),
}
"""Multiprocessors, clock in Hz, memory bandwidth in bytes/s and idle power in W, rounded."""

TILES = ((128, 128), (128, 64), (64, 64), (64, 32), (32, 32))
"""Output tile of a thread block, in positions and channels; each layer gets one by its size."""

_RATE: dict[str, float] = {"fp16": 1024.0, "bf16": 1024.0, "int8": 2048.0, "tf32": 512.0}


@dataclass(frozen=True)
class SimulatedDevice:
    """One board drawn by seed: two seeds give boards that differ as real kernels do."""

    board: str
    seed: int
    multiprocessors: int
    clock_hz: float
    bandwidth_bytes_s: float
    idle_power_w: float
    tile_efficiency: float
    memory_efficiency: float
    kernel_overhead_s: float
    active_power_w: float
    """Added as soon as any kernel runs."""
    compute_power_w: float
    memory_power_w: float
    layer_spread: float
    """Standard deviation of the logarithm of each layer's own deviation in time and power."""

    @staticmethod
    def draw(
        seed: int, board: str = "jetson-orin-nano", layer_spread: float = 0.18
    ) -> SimulatedDevice:
        """Return the board of a seed.

        Raises:
            UsageError: there is no simulated board of that name.
        """
        if board not in BOARDS:
            raise UsageError(f"no simulated board {board!r}; choose one of: {', '.join(BOARDS)}")
        units, clock, bandwidth, idle = BOARDS[board]
        rng = np.random.default_rng([seed, 11])
        size = math.sqrt(units / 8)
        return SimulatedDevice(
            board=board,
            seed=seed,
            multiprocessors=units,
            clock_hz=clock,
            bandwidth_bytes_s=bandwidth,
            idle_power_w=idle * float(rng.uniform(0.9, 1.1)),
            tile_efficiency=float(rng.uniform(0.45, 0.65)),
            memory_efficiency=float(rng.uniform(0.6, 0.8)),
            kernel_overhead_s=float(rng.uniform(3e-6, 6e-6)),
            active_power_w=size * float(rng.uniform(0.6, 1.2)),
            compute_power_w=size * float(rng.uniform(4.0, 7.0)),
            memory_power_w=size * float(rng.uniform(1.5, 3.0)),
            layer_spread=layer_spread,
        )


@dataclass(frozen=True, eq=False)
class TrueCosts:
    """What each layer of a network truly costs; arrays of shape (layers,).

    `above_idle_w` is the mean over the layer. A layer runs through three phases with powers
    `above_idle_w * phase_factor` for `phase_share` of its time; the factors' weighted mean is 1.
    """

    runtime_s: FloatArray
    above_idle_w: FloatArray
    phase_share: FloatArray
    """Shape (layers, 3): prologue that fills the caches, full waves, last partial wave."""
    phase_factor: FloatArray
    """Shape (layers, 3)."""
    idle_power_w: float

    @property
    def power_w(self) -> FloatArray:
        """Board power while each layer runs, idle included; shape (layers,)."""
        return np.asarray(self.idle_power_w + self.above_idle_w)

    @property
    def energy_j(self) -> FloatArray:
        """Board energy of each layer, idle included; shape (layers,)."""
        return np.asarray(self.power_w * self.runtime_s)


def true_costs(network: Network, device: SimulatedDevice) -> TrueCosts:
    """Return the true time and power of every layer; a `noop` takes no time.

    Deterministic in the device's seed and the layer's place and shape.
    """
    rows = [_layer_costs(layer, index, device) for index, layer in enumerate(network.layers)]
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    share, factor = table[:, 2:4], table[:, 4:7]
    shares = np.column_stack([share[:, 0], 1 - share.sum(axis=1), share[:, 1]])
    mean = (shares * factor).sum(axis=1, keepdims=True)
    return TrueCosts(table[:, 0], table[:, 1], shares, factor / mean, device.idle_power_w)


def _layer_costs(layer: Layer, index: int, device: SimulatedDevice) -> tuple[float, ...]:
    rng = np.random.default_rng([device.seed, 12, index])
    own_time, own_power = np.exp(rng.normal(0.0, device.layer_spread, 2))
    prologue, dip = rng.uniform(0.05, 0.2), rng.uniform(0.5, 0.9)
    if layer.op == "noop":
        return (0.0, 0.0, 0.1, 0.1, 1.0, 1.0, 1.0)
    macs, moved = float(layer.macs or 0), float(layer.bytes_moved or 4096)
    compute_s, occupancy, waves = _waves(layer, macs, device)
    memory_s = moved / (device.bandwidth_bytes_s * device.memory_efficiency)
    busy_s = max(compute_s, memory_s) + 0.25 * min(compute_s, memory_s)
    runtime = device.kernel_overhead_s + busy_s * own_time
    above = own_power * (
        device.active_power_w
        + device.compute_power_w * occupancy * compute_s / runtime
        + device.memory_power_w * memory_s / runtime
    )
    tail = min(1.0 / waves, 0.5) if waves else 0.05
    tail_factor = 0.35 + 0.65 * occupancy
    return (runtime, above, prologue, tail * (1 - prologue), dip, 1.0, tail_factor)


def _waves(layer: Layer, macs: float, device: SimulatedDevice) -> tuple[float, float, int]:
    """Return time in arithmetic, share of busy multiprocessors, and number of waves."""
    if not macs or not layer.output_shapes:
        return 0.0, 1.0, 0
    shape = layer.output_shapes[0]
    channels = max(shape[1] if len(shape) > 1 else shape[0], 1)
    positions = max(layer.output_elements // channels, 1)
    wanted = 2 * device.multiprocessors
    for rows, columns in TILES:
        tiles = math.ceil(positions / rows) * math.ceil(channels / columns)
        if tiles >= wanted:
            break
    slots = device.multiprocessors * 2
    waves = math.ceil(tiles / slots)
    depth = macs / (positions * channels)
    rate = _RATE.get(layer.dtype, 128.0) * device.clock_hz / 2  # two blocks share one unit
    if layer.depthwise:
        rate /= 12
    seconds = waves * rows * columns * depth / (rate * device.tile_efficiency)
    return seconds, tiles / (waves * slots), waves
