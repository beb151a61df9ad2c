"""What predictors have in common: profiles of many networks, made one by one when asked for."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from edgeprofiler._version import __version__
from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.device import Device
from edgeprofiler.core.network import FloatArray, IntArray, Network
from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile, energy_of
from edgeprofiler.core.profile.memory import EngineMemory
from edgeprofiler.core.profile.profiles import ProfileSequence
from edgeprofiler.core.profile.words import cautions, memory_caution
from edgeprofiler.prediction.predictors.totals import (
    NetworkTotals,
    Outside,
    TotalWidths,
    around,
    around_power,
    open_upward,
    total_intervals,
)

Intervals = Mapping[str, tuple[float, float]]
"""Low and high of totals by name; an open end is NaN."""


@dataclass(frozen=True)
class LayerCosts:
    """Costs of layers without their networks: arrays of one length, NaN where unknown."""

    runtime_s: FloatArray
    power_w: FloatArray

    @cached_property
    def energy_j(self) -> FloatArray:
        """Energy of each layer; 0 for one that takes no time."""
        return energy_of(self.runtime_s, self.power_w)


@dataclass(frozen=True)
class Belief:
    """What a predictor says of one network beside its numbers: how sure they are, and why."""

    by: str
    """What predicts, as profiles name their origin."""
    kind: str
    """How its intervals were made."""
    provenance: str
    runtime: FloatArray
    """Half width in log space of each layer's runtime."""
    power: FloatArray | float
    """The same of power above idle."""
    totals: TotalWidths
    bound: tuple[str, ...]
    known_by: tuple[str, ...]
    warnings: tuple[str, ...]
    host: str = ""
    """What calls the network, where it is another than the device's."""
    narrowed_by: str = ""
    """What would make the intervals narrower."""
    network_bound: str = ""
    """What takes most of the network's time: compute, memory, launch or host."""


@dataclass(frozen=True, eq=False, repr=False)
class PredictedProfiles(ProfileSequence):
    """Profiles of many networks on one device.

    The flat arrays hold all layers, network after network: those of network `i` are
    `offsets[i]:offsets[i + 1]`. A predictor says what it believes of one network; sums, intervals
    and profiles follow from that.
    """

    networks: tuple[Network, ...]
    device: Device
    confidence: float
    offsets: IntArray
    layers: LayerCosts
    outside: Outside

    @abstractmethod
    def belief(self, index: int) -> Belief:
        """Return what is believed of network `index`."""

    @abstractmethod
    def again(self, networks: Sequence[Network]) -> PredictedProfiles:
        """Return the profiles of other networks by the same predictor."""

    def warnings(self, index: int) -> tuple[str, ...]:
        """Return what is said of network `index` by its belief."""
        return self.belief(index).warnings

    def cautions(self, index: int) -> tuple[str, ...]:
        """Return the `cautions` of a profile, which is made only where its layers lack a cost."""
        network = self.networks[index]
        if not network.columns.covered.all():
            return cautions(self[index])
        memory = EngineMemory.of(network, self.device.datasheet.memory_bytes or math.nan)
        found = [*memory_caution(memory), *network.warnings, *self.warnings(index)]
        return tuple(dict.fromkeys(found))

    @property
    def runtime_s(self) -> FloatArray:
        """Runtime of every layer of every network."""
        return self.layers.runtime_s

    @property
    def power_w(self) -> FloatArray:
        """Board power while each layer runs."""
        return self.layers.power_w

    @property
    def energy_j(self) -> FloatArray:
        """Board energy of each layer."""
        return self.layers.energy_j

    @cached_property
    def totals(self) -> NetworkTotals:
        """Sums over the layers of each network, and what is outside them."""
        idle = self.device.idle_power_w
        return NetworkTotals.of(self.runtime_s, self.energy_j, self.offsets, self.outside, idle)

    def __len__(self) -> int:
        return len(self.networks)

    def part(self, index: int) -> slice:
        """Return where the layers of network `index` lie."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def total(self, index: int) -> NetworkTotals:
        """Return the totals of one network, as arrays of one number."""
        one = slice(index, index + 1)
        return NetworkTotals(
            **{f.name: getattr(self.totals, f.name)[one] for f in fields(NetworkTotals)}
        )

    def _profile(self, index: int) -> Profile:
        network, device, outside = self.networks[index], self.device, self.outside
        belief = self.belief(index)
        found = total_intervals(self.total(index), belief.totals, device.idle_power_w)
        hidden = network.columns.bytes_moved[~network.columns.covered]
        least = float(hidden.sum()) / device.bandwidth_bytes_per_s
        if not network.whole:
            found = open_upward(found, least, device.idle_power_w)
        intervals: Intervals = {
            n: (float(low[0]), float(high[0])) for n, (low, high) in found.items()
        }
        host = outside.host_fixed_s
        return Profile(
            network=network,
            device=DeviceLabel(
                device.name,
                device.mode.name,
                belief.host or device.runtime,
                belief.provenance,
                device.mode.clocks,
                device.tensorrt,
            ),
            origin=Origin("predicted", belief.by, __version__),
            idle_power_w=device.idle_power_w,
            costs=self._costs(index, belief),
            fixed=Part(outside.fixed_s, outside.fixed_w),
            host_gap=Part(float(outside.host_gap_s[index]), outside.host_gap_w),
            total_intervals=self._with_ends(network, intervals),
            confidence=self.confidence,
            interval_kind=belief.kind,
            narrowed_by=belief.narrowed_by,
            bound=belief.network_bound,
            host_fixed_s=math.nan if host is None else float(host[index]),
            time_lower_bound_s=least,
            warnings=(*network.warnings, *belief.warnings),
            board_memory_bytes=device.datasheet.memory_bytes or math.nan,
        )

    def _with_ends(self, network: Network, intervals: Intervals) -> Intervals:
        """Return intervals that hold what the network may need beside what is assumed of it.

        A branch or a number of runs that is known only while it runs has two ends, or one.
        """
        ends = [end for end in (network.least, network.most) if end is not None]
        for profile in self.again(ends) if ends else ():
            intervals = {
                name: _both(intervals[name], other)
                for name, other in profile.total_intervals.items()
            }
        return intervals

    def _costs(self, index: int, belief: Belief) -> Costs:
        part, idle = self.part(index), self.device.idle_power_w
        runtime, power = self.runtime_s[part], self.power_w[part]
        above = np.maximum(power - idle, 0.0)
        times = around(runtime, belief.runtime)
        powers, energies = around_power(idle, above, runtime, belief.runtime, belief.power)
        ends = {"runtime_s": times, "power_w": powers, "energy_j": energies}
        return Costs(
            runtime_s=read_only(runtime.copy()),
            power_w=read_only(power.copy()),
            covered=self.networks[index].columns.covered,
            bound=belief.bound,
            known_by=belief.known_by,
            **{f"{name}_low": read_only(low) for name, (low, _) in ends.items()},
            **{f"{name}_high": read_only(high) for name, (_, high) in ends.items()},
        )


def _both(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """Return the interval that holds two; open where one of them is."""
    high = math.nan if math.isnan(first[1] + second[1]) else max(first[1], second[1])
    return min(first[0], second[0]), high
