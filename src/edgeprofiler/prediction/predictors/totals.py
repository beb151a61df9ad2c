"""Totals of networks as sums of their parts, and the arithmetic of intervals around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.prediction.costmodel.work import network_sums

Ends = tuple[FloatArray, FloatArray]
"""Low and high."""


@dataclass(frozen=True)
class Outside:
    """Time outside all layers, and the board's power in it."""

    fixed_s: float
    fixed_w: float
    host_gap_s: FloatArray
    """One number a network."""
    host_gap_w: float
    host_fixed_s: FloatArray | None = None
    """The part of each gap that no work of the GPU hides; `None` where unknown."""


@dataclass(frozen=True)
class NetworkTotals:
    """Totals of many networks: arrays with one number a network."""

    runtime_s: FloatArray
    """GPU time: fixed part and covered layers."""
    host_gap_s: FloatArray
    end_to_end_s: FloatArray
    energy_j: FloatArray
    """Over the wall time, idle included."""
    power_w: FloatArray
    power_above_idle_w: FloatArray

    @staticmethod
    def of(
        runtime_s: FloatArray,
        energy_j: FloatArray,
        offsets: IntArray,
        outside: Outside,
        idle_power_w: float,
    ) -> NetworkTotals:
        """Return the sums over layers that lie network after network, and what is outside them.

        Args:
            runtime_s: of every layer; NaN, where unknown, counts nothing.
            energy_j: of every layer, idle included.
            offsets: where each network starts, and the end: one number more than networks.
            outside: fixed part and host gap.
            idle_power_w: the board's power when nothing runs.
        """
        runtime = outside.fixed_s + network_sums(np.nan_to_num(runtime_s), offsets)
        gap = outside.host_gap_s
        energy = network_sums(np.nan_to_num(energy_j), offsets)
        energy = energy + outside.fixed_w * outside.fixed_s + outside.host_gap_w * gap
        wall = runtime + gap
        return NetworkTotals(
            runtime, gap, wall, energy, energy / wall, energy / wall - idle_power_w
        )


@dataclass(frozen=True)
class TotalWidths:
    """Half widths in log space of the totals of networks."""

    runtime: FloatArray | float
    wall: FloatArray | float
    """Of the time with the host's gap."""
    power: float
    """Of power above idle."""
    energy: float | None = None
    """Of energy, idle included; from those of time and power where `None`."""


def around(value: FloatArray, width: FloatArray | float) -> Ends:
    """Return low and high of a half width in log space."""
    spread = np.exp(width)
    return value / spread, value * spread


def around_power(
    idle_w: float, above_w: FloatArray, time_s: FloatArray, time: FloatArray | float,
    power: FloatArray | float,
) -> tuple[Ends, Ends]:  # fmt: skip
    """Return low and high of board power and of energy.

    The half width `power` is that of power above idle: idle is known. Errors of time and power
    have different causes, so they add in squares.
    """
    low, high = around(above_w, power)
    ends = idle_w + low, idle_w + high
    board = idle_w + above_w
    with np.errstate(divide="ignore", invalid="ignore"):
        down, up = (np.hypot(time, np.log(board / end)) for end in ends)
    energy = board * time_s
    return ends, (energy * np.exp(-down), energy * np.exp(up))


def total_intervals(
    totals: NetworkTotals, widths: TotalWidths, idle_power_w: float
) -> dict[str, Ends]:
    """Return low and high of every field of `profile.Totals`, one number a network each."""
    wall, above = totals.end_to_end_s, np.maximum(totals.power_above_idle_w, 0.0)
    power, energy = around_power(idle_power_w, above, wall, widths.wall, widths.power)
    if widths.energy is not None:
        energy = _between(energy, around(totals.energy_j, widths.energy), power, wall, widths)
    above_low, above_high = around(above * wall, np.hypot(widths.wall, widths.power))
    return {
        "runtime_s": around(totals.runtime_s, widths.runtime),
        "end_to_end_s": around(wall, widths.wall),
        "energy_j": energy,
        "energy_above_idle_j": (np.minimum(above_low, energy[0]), above_high),
        "power_w": power,
        "power_above_idle_w": around(above, widths.power),
    }


def open_upward(
    intervals: Mapping[str, Ends], least_s: FloatArray | float, idle_power_w: float
) -> dict[str, Ends]:
    """Return the intervals of totals that lack some layers: nobody knows how far up they go.

    A total is of what is known; where the other layers need more than all of that, its low end
    lies above it.

    Args:
        intervals: of what is known, by field of `profile.Totals`.
        least_s: time that the other layers of each network need at least.
        idle_power_w: of the board, which it draws meanwhile.
    """
    least = {"runtime_s": least_s, "end_to_end_s": least_s, "energy_j": least_s * idle_power_w}
    floors = {"power_w": idle_power_w, "power_above_idle_w": 0.0}
    return {
        name: (
            np.full_like(low, floors[name])
            if name in floors
            else np.maximum(low, least.get(name, 0.0)),
            np.full_like(low, np.nan),
        )
        for name, (low, _) in intervals.items()
    }


def _between(
    energy: Ends, wanted: Ends, power: Ends, wall: FloatArray, widths: TotalWidths
) -> Ends:
    """Return ends of energy as they were found, as far as those of time and power allow.

    An end of energy is never nearer than errors of time and power that have nothing in common
    bring it, so that energy above idle stays below energy, and never farther than both at their
    ends: power times time.
    """
    times = around(wall, widths.wall)
    low = np.maximum(np.minimum(energy[0], wanted[0]), power[0] * times[0])
    return low, np.minimum(np.maximum(energy[1], wanted[1]), power[1] * times[1])
