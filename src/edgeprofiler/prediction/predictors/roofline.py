"""The default predictor: the cost model with the shipped prior and a device's calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from edgeprofiler._version import __version__
from edgeprofiler.core.device import Device
from edgeprofiler.core.network import Columns, FloatArray, IntArray, Network
from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile
from edgeprofiler.core.profile.lazy import LazyProfiles
from edgeprofiler.prediction.costmodel.model import (
    BOUNDS,
    Hardware,
    LayerTimes,
    Work,
    bound_codes,
    host_gaps,
    kernel_counts,
    layer_power,
    layer_times,
)
from edgeprofiler.prediction.costmodel.parameters import (
    Parameters,
    parameters_of,
    shared_parameters,
)
from edgeprofiler.prediction.uncertainty.distance import Widths, widths_for

NAME = "roofline"


@dataclass(frozen=True)
class ColumnCosts:
    """Costs of layers without their networks: arrays of one length, NaN where unknown."""

    runtime_s: FloatArray
    power_w: FloatArray
    energy_j: FloatArray
    host_gap_s: FloatArray
    """What each layer adds to the host's gap, beside a fixed part."""
    times: LayerTimes


def costs(
    columns: Columns | Work, device: Device, parameters: Parameters | None = None
) -> ColumnCosts:
    """Return runtime, power and energy of every layer in `columns`, without intervals.

    This is the path for sweeps: no object is made for a layer. Host gap and fixed part of an
    inference are not in it; `network_totals` adds them.

    Args:
        columns: of any number of layers (`Columns.concatenate` joins networks), or their `Work`.
        device: the board, mode and host.
        parameters: numbers to use in place of the device's own.
    """
    numbers = parameters_of(device) if parameters is None else parameters
    work = columns if isinstance(columns, Work) else Work.of(columns)
    times = layer_times(work, Hardware.of(device), numbers)
    power = layer_power(work, times, device.idle_power_w, numbers)
    energy = np.where(times.runtime_s == 0, 0.0, times.runtime_s * power)
    return ColumnCosts(times.runtime_s, power, energy, host_gaps(work, times, numbers), times)


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

    def take(self, index: slice) -> NetworkTotals:
        """Return the totals of some of the networks."""
        return NetworkTotals(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def network_totals(
    layers: ColumnCosts, offsets: IntArray, device: Device, parameters: Parameters | None = None
) -> NetworkTotals:
    """Return totals of networks that lie one after another in `layers`.

    Args:
        layers: costs of the layers of all networks.
        offsets: where each network starts, and the end: one number more than networks.
        device: the board, mode and host.
        parameters: numbers to use in place of the device's own.
    """
    numbers = parameters_of(device) if parameters is None else parameters
    count = len(offsets) - 1
    owner = np.repeat(np.arange(count), np.diff(offsets))

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(owner, np.nan_to_num(values), count).astype(np.float64)

    runtime = numbers.fixed_s + total(layers.runtime_s)
    gap = numbers.host_gap_s + total(layers.host_gap_s)
    waiting = device.idle_power_w + numbers.base_power_w
    energy = total(layers.energy_j) + waiting * (numbers.fixed_s + gap)
    end_to_end = runtime + gap
    power = energy / end_to_end
    return NetworkTotals(runtime, gap, end_to_end, energy, power, power - device.idle_power_w)


@dataclass(frozen=True, eq=False)
class Profiles(LazyProfiles):
    """Profiles of many networks on one device, made one by one when asked for.

    The flat arrays hold all layers, network after network: those of network `i` are
    `offsets[i]:offsets[i + 1]`.
    """

    networks: tuple[Network, ...]
    device: Device
    parameters: Parameters
    confidence: float
    offsets: IntArray
    layers: ColumnCosts
    totals: NetworkTotals

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
    def bound_codes(self) -> IntArray:
        """Index into `BOUNDS` of each layer."""
        return bound_codes(self.layers.times)

    def __len__(self) -> int:
        return len(self.networks)

    def _profile(self, index: int) -> Profile:
        network = self.networks[index]
        part = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        widths = widths_for(network, self.device, self.confidence)
        waiting = self.device.idle_power_w + self.parameters.base_power_w
        columns = network.columns
        hidden = ~columns.covered
        bandwidth = self.device.bandwidth_bytes_per_s
        bound = float(columns.bytes_moved[hidden].sum()) / bandwidth if hidden.any() else 0.0
        return Profile(
            network=network,
            device=DeviceLabel(
                self.device.name, self.device.mode.name, self.device.runtime, widths.provenance
            ),
            origin=Origin("predicted", NAME, __version__),
            idle_power_w=self.device.idle_power_w,
            costs=self._costs(columns, part, widths),
            fixed=Part(self.parameters.fixed_s, waiting),
            host_gap=Part(float(self.totals.host_gap_s[index]), waiting),
            total_intervals=self._intervals(index, widths),
            confidence=self.confidence,
            interval_kind=widths.kind,
            time_lower_bound_s=bound,
            warnings=(*network.warnings, *widths.warnings, *self._disagreement(index)),
        )

    def _disagreement(self, index: int) -> tuple[str, ...]:
        """Return a warning where the gap that explains power is not the gap of latency."""
        if self.device.runtime != "torch-tensorrt":
            return ()
        other = shared_parameters("power-experiment")
        kernels, simple = kernel_counts(Work.of(self.networks[index].columns), self.parameters)
        by_power = (
            other.host_gap_s
            + other.host_gap_per_layer_s * float(kernels.sum())
            + other.host_gap_per_simple_s * float(simple.sum())
        )
        by_latency = float(self.totals.host_gap_s[index])
        warning = (
            f"two host gaps: latency says {by_latency * 1e3:.2f} ms (used here); measured power, "
            f"taken under a profiler, is explained by {by_power * 1e3:.2f} ms"
        )
        return (warning,)

    def _costs(self, columns: Columns, part: slice, widths: Widths) -> Costs:
        runtime, power = self.layers.runtime_s[part], self.layers.power_w[part]
        idle = self.device.idle_power_w
        multiplies = np.nan_to_num(columns.macs) > 0
        half = np.where(multiplies, widths.layer_runtime, widths.simple_runtime)
        spread = np.exp(half)
        power_low = idle + (power - idle) / math.exp(widths.layer_power)
        power_high = idle + (power - idle) * math.exp(widths.layer_power)
        energy = self.layers.energy_j[part]
        low = np.hypot(half, np.log(power / power_low))
        high = np.hypot(half, np.log(power_high / power))
        bound = self.bound_codes[part]
        runs = columns.covered & (runtime > 0)
        names = np.where(runs, np.array(BOUNDS, dtype=object)[bound], "")
        known = np.where(columns.covered, np.where(runs, "model", "noop"), "")
        return Costs(
            runtime_s=_read_only(runtime),
            power_w=_read_only(power),
            covered=columns.covered,
            bound=tuple(names.tolist()),
            known_by=tuple(known.tolist()),
            runtime_s_low=_read_only(runtime / spread),
            runtime_s_high=_read_only(runtime * spread),
            power_w_low=_read_only(power_low),
            power_w_high=_read_only(power_high),
            energy_j_low=_read_only(energy * np.exp(-low)),
            energy_j_high=_read_only(energy * np.exp(high)),
        )

    def _intervals(self, index: int, widths: Widths) -> dict[str, tuple[float, float]]:
        one = self.totals.take(slice(index, index + 1))
        found = total_intervals(one, widths, self.device.idle_power_w)
        return {name: (float(low[0]), float(high[0])) for name, (low, high) in found.items()}


def total_intervals(
    totals: NetworkTotals, widths: Widths, idle_power_w: float
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return low and high of every field of `profile.Totals`, one number a network each."""
    wall, above = totals.end_to_end_s, totals.power_above_idle_w
    # Errors of the GPU's time and of the host's gap have different causes: they add in squares.
    spread = np.hypot(widths.runtime * totals.runtime_s, widths.host_gap * totals.host_gap_s) / wall
    power_low = idle_power_w + above * math.exp(-widths.power)
    power_high = idle_power_w + above * math.exp(widths.power)
    power = idle_power_w + above
    low = np.hypot(spread, np.log(power / power_low))
    high = np.hypot(spread, np.log(power_high / power))
    both = np.hypot(spread, widths.power)
    return {
        "runtime_s": _around(totals.runtime_s, widths.runtime),
        "end_to_end_s": _around(wall, spread),
        "energy_j": (power * wall * np.exp(-low), power * wall * np.exp(high)),
        "energy_above_idle_j": _around(above * wall, both),
        "power_w": (power_low, power_high),
        "power_above_idle_w": _around(above, widths.power),
    }


@dataclass(frozen=True)
class RooflinePredictor:
    """Predict by the roofline cost model; nothing is fitted here.

    Args:
        device: the board, its power mode, its host runtime and its calibrations.
        confidence: share of the truth that the intervals are to hold.
    """

    device: Device
    confidence: float = 0.9
    numbers: Parameters | None = None
    """Numbers to use in place of the device's own."""

    @cached_property
    def parameters(self) -> Parameters:
        """The numbers in use: shared ones and the device's own."""
        return parameters_of(self.device) if self.numbers is None else self.numbers

    def predict(self, network: Network) -> Profile:
        """Return the profile of one network."""
        return self.predict_many([network])[0]

    def predict_many(self, networks: Sequence[Network]) -> Profiles:
        """Return the profiles of many networks, computed in one pass over all layers."""
        sizes = np.array([0, *(len(network) for network in networks)], dtype=np.int64)
        offsets = np.cumsum(sizes)
        columns = Columns.concatenate([network.columns for network in networks])
        layers = costs(columns, self.device, self.parameters)
        totals = network_totals(layers, offsets, self.device, self.parameters)
        return Profiles(
            tuple(networks), self.device, self.parameters, self.confidence, offsets, layers, totals
        )

    def costs(self, columns: Columns | Work) -> ColumnCosts:
        """Return the costs of layers alone, for sweeps."""
        return costs(columns, self.device, self.parameters)


def _around(value: FloatArray, spread: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    return value * np.exp(-spread), value * np.exp(spread)


def _read_only(values: FloatArray) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array
