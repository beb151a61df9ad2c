"""The default predictor: the cost model with the shipped prior and a device's calibration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import Columns, FloatArray, IntArray, Network
from edgeprofiler.core.profile import Profile
from edgeprofiler.prediction.costmodel.hardware import Hardware
from edgeprofiler.prediction.costmodel.model import (
    BOUNDS,
    LayerTimes,
    bound_codes,
    layer_times,
    slopes,
)
from edgeprofiler.prediction.costmodel.parameters import (
    Parameters,
    parameters_of,
    shared_parameters,
)
from edgeprofiler.prediction.costmodel.power import layer_power, meets_budget, waiting_power
from edgeprofiler.prediction.costmodel.wall import Host, Wall, wall_slopes, wall_times
from edgeprofiler.prediction.costmodel.work import Work, network_sums
from edgeprofiler.prediction.predictors.profiles import Belief, LayerCosts, PredictedProfiles
from edgeprofiler.prediction.predictors.totals import NetworkTotals, Outside, TotalWidths
from edgeprofiler.prediction.uncertainty.distance import power_width, warnings_for, widths_for
from edgeprofiler.prediction.uncertainty.doubt import Doubt

NAME = "roofline"

WORTH_SAYING = 1.03
"""By how much an engine of a wider type must be sooner done for a warning to say so: less is what
reformats of inputs and outputs cost."""


@dataclass(frozen=True)
class ColumnCosts(LayerCosts):
    """Costs of layers as the cost model sees them."""

    work: Work
    hardware: Hardware
    times: LayerTimes


def costs(
    columns: Columns | Work, device: Device, parameters: Parameters | None = None
) -> ColumnCosts:
    """Return runtime, power and energy of every layer in `columns`, without intervals.

    This is the path for sweeps: no object is made for a layer. What an inference needs beside its
    layers is not in it; `NetworkCosts` adds that.

    Args:
        columns: of any number of layers (`Columns.concatenate` joins networks), or their `Work`.
        device: the board, mode and host.
        parameters: numbers to use in place of the device's own.
    """
    numbers = parameters_of(device) if parameters is None else parameters
    work = columns if isinstance(columns, Work) else Work.of(columns)
    hardware = Hardware.seen_by(work, device)
    times = layer_times(work, hardware, numbers)
    power = layer_power(work, times, device, numbers)
    return ColumnCosts(times.runtime_s, power, work, hardware, times)


@dataclass(frozen=True)
class NetworkCosts:
    """Costs of networks that lie one after another, and how sure their times are."""

    layers: ColumnCosts
    offsets: IntArray
    """Where each network starts, and the end: one number more than networks."""
    device: Device
    parameters: Parameters
    kernels: FloatArray
    """How often the host enqueues a kernel for each network."""
    wall: Wall

    @staticmethod
    def of(
        columns: Columns | Work,
        offsets: IntArray,
        io_bytes: npt.ArrayLike,
        device: Device,
        parameters: Parameters | None = None,
    ) -> NetworkCosts:
        """Return the costs of networks.

        Args:
            columns: layers of all networks.
            offsets: where each network starts, and the end.
            io_bytes: of each network's inputs and outputs.
            device: the board, mode and host.
            parameters: numbers to use in place of the device's own.
        """
        numbers = parameters_of(device) if parameters is None else parameters
        layers = costs(columns, device, numbers)
        gpu = numbers.fixed_s + network_sums(np.nan_to_num(layers.runtime_s), offsets)
        kernels = network_sums(layers.work.runs * layers.work.covered, offsets)
        copied = np.asarray(io_bytes, dtype=np.float64)
        wall = wall_times(gpu, kernels, copied, Host.of(device), numbers)
        return NetworkCosts(layers, offsets, device, numbers, kernels, wall)

    @cached_property
    def outside(self) -> Outside:
        """Time outside the layers, and the board's power in it."""
        waiting = waiting_power(self.device, self.parameters)
        fixed = float(self.parameters.fixed_s)
        return Outside(fixed, waiting, self.wall.host_gap_s, waiting, self.wall.host_fixed_s)

    @cached_property
    def totals(self) -> NetworkTotals:
        """Sums over the layers of each network, and what is outside them."""
        return NetworkTotals.of(
            self.layers.runtime_s, self.layers.energy_j, self.offsets, self.outside,
            self.device.idle_power_w,
        )  # fmt: skip

    @cached_property
    def deviations(self) -> tuple[FloatArray, FloatArray]:
        """Standard deviations of the logarithms of GPU and wall times, for a source never seen."""
        work, times, covered = self.layers.work, self.layers.times, self.layers.work.covered
        hardware = self.layers.hardware
        gpu = {
            name: network_sums(np.where(covered, values, 0.0), self.offsets)
            for name, values in slopes(work, hardware, self.parameters, times).items()
        }
        old = not self.device.datasheet.tensor_cores
        wall = wall_slopes(self.wall, float(self.parameters.fixed_s), old, gpu)
        nothing = np.zeros(len(self.offsets) - 1)
        gpu["fixed_s"] = nothing + float(self.parameters.fixed_s)
        doubt = Doubt.of(self.device)
        found = []
        for changes, seconds in ((gpu, self.wall.gpu_s), (wall, self.wall.end_to_end_s)):
            relative = {name: changes.get(name, nothing) / seconds for name in doubt.names}
            found.append(doubt.deviation(relative))
        return found[0], found[1]

    def bound(self, index: int) -> str:
        """Return what takes most of a network's time, one of `BOUNDS`."""
        if self.wall.enqueue_s[index] > self.wall.gpu_s[index]:
            return "host"
        part = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        times = self.layers.times
        sums = [
            float(np.nansum(np.where(times.runtime_s[part] > 0, values[part], 0.0)))
            for values in (times.compute_s, times.memory_s, times.launch_s)
        ]
        return BOUNDS[int(np.argmax(sums))] if any(sums) else ""


@dataclass(frozen=True, eq=False, repr=False)
class RooflineProfiles(PredictedProfiles):
    """Profiles by the cost model."""

    layers: ColumnCosts
    costs: NetworkCosts

    def again(self, networks: Sequence[Network]) -> RooflineProfiles:
        """Return the profiles of other networks by the same numbers."""
        predictor = RooflinePredictor(self.device, self.confidence, self.costs.parameters)
        return predictor.predict_many(networks)

    @cached_property
    def bound_codes(self) -> IntArray:
        """Index into `BOUNDS` of each layer."""
        return bound_codes(self.layers.times)

    def belief(self, index: int) -> Belief:
        """Return widths by the distance from the calibration, and what bounds each layer."""
        network, part = self.networks[index], self.part(index)
        gpu, wall = self.costs.deviations
        widths = widths_for(
            network, self.device, float(gpu[index]), float(wall[index]), self.confidence
        )
        columns = network.columns
        multiplies = np.nan_to_num(columns.macs) > 0
        runs = columns.covered & (self.runtime_s[part] > 0)
        names = np.where(runs, np.array(BOUNDS, dtype=object)[self.bound_codes[part]], "")
        known = np.where(columns.covered, np.where(runs, "model", "noop"), "")
        return Belief(
            by=NAME,
            kind=widths.kind,
            narrowed_by=widths.narrowed_by,
            provenance=widths.provenance,
            runtime=np.where(multiplies, widths.layer_runtime, widths.simple_runtime),
            power=widths.layer_power,
            totals=TotalWidths(widths.runtime, widths.wall, widths.power),
            bound=tuple(names.tolist()),
            network_bound=self.costs.bound(index),
            known_by=tuple(known.tolist()),
            warnings=(*widths.warnings, *self._notes(index)),
        )

    def warnings(self, index: int) -> tuple[str, ...]:
        """Return what is said of network `index`, without its widths and bounds."""
        found = warnings_for(self.networks[index], self.device, self.confidence)
        return (*found, *self._notes(index))

    def _notes(self, index: int) -> list[str]:
        return [*self.host_notes(index), *self._budget_notes(index)]

    def host_notes(self, index: int) -> list[str]:
        """Return what to know of the time that the host adds to network `index`."""
        notes = []
        if self.device.runtime == "torch-tensorrt":
            notes.append(self._disagreement(index))
        if self.device.runtime == "cpp" and self.networks[index].io_bytes is None:
            notes.append("copies of inputs and outputs are not known and left out")
        return notes

    def power_notes(self, index: int) -> list[str]:
        """Return what to know of the power of network `index`."""
        _, note = power_width(self.device, self.confidence)
        return [*([note] if note else []), *self._budget_notes(index)]

    def _budget_notes(self, index: int) -> list[str]:
        if not meets_budget(self.power_w[self.part(index)], self.device):
            return []
        budget = self.device.mode.power_budget_w
        note = (
            f"layers would need more than the mode's {budget:g} W: the board lowers its "
            "clocks, and takes longer than is predicted"
        )
        return [note]

    def _disagreement(self, index: int) -> str:
        """Return a warning that the host that explains power is not that of latency."""
        other = shared_parameters("power-experiment")
        one, wall = slice(index, index + 1), self.costs.wall
        by_power = wall_times(
            wall.gpu_s[one], self.costs.kernels[one], np.zeros(1), Host.of(self.device), other
        )
        return (
            f"two host gaps: latency says {wall.host_gap_s[index] * 1e3:.2f} ms (used here); "
            "measured power, taken under a profiler, is explained by "
            f"{by_power.host_gap_s[0] * 1e3:.2f} ms"
        )


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

    def built(self, networks: Sequence[Network]) -> list[Network]:
        """Return the networks as a builder that times kernels would have them (`Network.wider`).

        One that is faster in a wider type stays in that, and says so.
        """
        chains = [list(_with_wider(network)) for network in networks]
        several = [chain for chain in chains if len(chain) > 1]
        if not several:
            return list(networks)
        flat = [network for chain in several for network in chain]
        offsets = np.cumsum([0, *map(len, flat)], dtype=np.int64)
        columns = Columns.concatenate([network.columns for network in flat])
        wall = NetworkCosts.of(
            columns, offsets, np.zeros(len(flat)), self.device, self.parameters
        ).wall
        times = iter(zip(wall.gpu_s.tolist(), wall.end_to_end_s.tolist(), strict=True))
        return [
            chain[0] if len(chain) == 1 else _fastest(chain, [next(times) for _ in chain])
            for chain in chains
        ]

    def predict_many(self, networks: Sequence[Network]) -> RooflineProfiles:
        """Return the profiles of many networks, computed in one pass over all layers."""
        networks = self.built(networks)
        offsets = np.cumsum([0, *(len(network) for network in networks)], dtype=np.int64)
        columns = Columns.concatenate([network.columns for network in networks])
        copied = [float(network.io_bytes or 0) for network in networks]
        found = NetworkCosts.of(columns, offsets, copied, self.device, self.parameters)
        return RooflineProfiles(
            tuple(networks), self.device, self.confidence, offsets, found.layers, found.outside,
            found,
        )  # fmt: skip


def _with_wider(network: Network) -> Iterator[Network]:
    found: Network | None = network
    while found is not None:
        yield found
        found = found.wider


def _fastest(chain: Sequence[Network], times: Sequence[tuple[float, float]]) -> Network:
    """Return the fastest of a network in ever wider types; it says why it is not the first.

    Args:
        chain: the network in ever wider types.
        times: seconds of each on the GPU, by which builders choose, and with the host.
    """
    gpu, wall = zip(*times, strict=True)
    best = int(np.argmin(gpu))  # the narrowest of equals
    asked, kept = chain[0].precision.upper(), chain[best]
    reasons = []
    if best > 0:
        reasons.append(
            f"in {asked} it would take {gpu[0] / gpu[best]:.2f} times as long, since "
            f"conversions cost more than {asked} saves: the engine keeps {kept.precision.upper()}"
        )
    sooner = int(np.argmin(wall))
    if sooner > best and wall[best] > WORTH_SAYING * wall[sooner]:
        wide = chain[sooner].precision.upper()
        reasons.append(
            f"the host sets the pace, and in {wide} has fewer kernels to enqueue: an inference "
            f"takes {wall[best] / wall[sooner]:.2f} times as long as an engine of {wide} would"
        )
    return kept.with_wider(None, *reasons)
