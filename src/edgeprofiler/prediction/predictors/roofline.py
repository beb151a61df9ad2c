"""The default predictor: the cost model with the shipped prior and a device's calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import Columns, FloatArray, IntArray, Network
from edgeprofiler.core.profile import Profile
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
    network_sums,
)
from edgeprofiler.prediction.costmodel.parameters import (
    Parameters,
    parameters_of,
    shared_parameters,
)
from edgeprofiler.prediction.predictors.profiles import Belief, LayerCosts, PredictedProfiles
from edgeprofiler.prediction.predictors.totals import NetworkTotals, Outside, TotalWidths
from edgeprofiler.prediction.uncertainty.distance import Widths, widths_for

NAME = "roofline"


@dataclass(frozen=True)
class ColumnCosts(LayerCosts):
    """Costs of layers as the cost model sees them."""

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
    return ColumnCosts(times.runtime_s, power, host_gaps(work, times, numbers), times)


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
    outside = _outside(layers, offsets, device, numbers)
    return NetworkTotals.of(
        layers.runtime_s, layers.energy_j, offsets, outside, device.idle_power_w
    )


def _outside(
    layers: ColumnCosts, offsets: IntArray, device: Device, numbers: Parameters
) -> Outside:
    gap = numbers.host_gap_s + network_sums(np.nan_to_num(layers.host_gap_s), offsets)
    waiting = device.idle_power_w + numbers.base_power_w
    return Outside(numbers.fixed_s, waiting, gap, waiting)


def total_widths(totals: NetworkTotals, widths: Widths) -> TotalWidths:
    """Return half widths of the totals of networks to which the same `widths` apply."""
    # Errors of the GPU's time and of the host's gap have different causes: they add in squares.
    gpu, gap = widths.runtime * totals.runtime_s, widths.host_gap * totals.host_gap_s
    return TotalWidths(widths.runtime, np.hypot(gpu, gap) / totals.end_to_end_s, widths.power)


@dataclass(frozen=True, eq=False, repr=False)
class RooflineProfiles(PredictedProfiles):
    """Profiles by the cost model."""

    layers: ColumnCosts
    parameters: Parameters

    def again(self, networks: Sequence[Network]) -> RooflineProfiles:
        """Return the profiles of other networks by the same numbers."""
        predictor = RooflinePredictor(self.device, self.confidence, self.parameters)
        return predictor.predict_many(networks)

    @cached_property
    def bound_codes(self) -> IntArray:
        """Index into `BOUNDS` of each layer."""
        return bound_codes(self.layers.times)

    def belief(self, index: int) -> Belief:
        """Return widths by the distance from the calibration, and what bounds each layer."""
        network, part = self.networks[index], self.part(index)
        widths = widths_for(network, self.device, self.confidence)
        columns = network.columns
        multiplies = np.nan_to_num(columns.macs) > 0
        runs = columns.covered & (self.runtime_s[part] > 0)
        names = np.where(runs, np.array(BOUNDS, dtype=object)[self.bound_codes[part]], "")
        known = np.where(columns.covered, np.where(runs, "model", "noop"), "")
        return Belief(
            by=NAME,
            kind=widths.kind,
            provenance=widths.provenance,
            runtime=np.where(multiplies, widths.layer_runtime, widths.simple_runtime),
            power=widths.layer_power,
            totals=total_widths(self.total(index), widths),
            bound=tuple(names.tolist()),
            known_by=tuple(known.tolist()),
            warnings=(*widths.warnings, *self._disagreement(index)),
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
        by_latency = float(self.outside.host_gap_s[index])
        warning = (
            f"two host gaps: latency says {by_latency * 1e3:.2f} ms (used here); measured power, "
            f"taken under a profiler, is explained by {by_power * 1e3:.2f} ms"
        )
        return (warning,)


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

    def predict_many(self, networks: Sequence[Network]) -> RooflineProfiles:
        """Return the profiles of many networks, computed in one pass over all layers."""
        offsets = np.cumsum([0, *(len(network) for network in networks)], dtype=np.int64)
        columns = Columns.concatenate([network.columns for network in networks])
        layers = costs(columns, self.device, self.parameters)
        outside = _outside(layers, offsets, self.device, self.parameters)
        return RooflineProfiles(
            tuple(networks), self.device, self.confidence, offsets, layers, outside, self.parameters
        )

    def costs(self, columns: Columns | Work) -> ColumnCosts:
        """Return the costs of layers alone, for sweeps."""
        return costs(columns, self.device, self.parameters)
