"""Measured totals as arrays: the layers of all rows, what runs them, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import BoolArray, FloatArray, IntArray, Network
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.costmodel.hardware import Hardware
from edgeprofiler.prediction.costmodel.model import layer_times, slopes
from edgeprofiler.prediction.costmodel.parameters import Parameters
from edgeprofiler.prediction.costmodel.wall import Host, wall_slopes, wall_times
from edgeprofiler.prediction.costmodel.work import Work


@dataclass(frozen=True)
class Sample:
    """A measured row with its board and its layers."""

    row: Measured
    device: Device
    work: Work
    """Its distinct layers."""
    count: FloatArray
    """How often each is there."""
    io_bytes: float = 0.0
    single_layer: bool = False
    """Whether the time is one layer's, without an inference's fixed part and host."""
    costed: bool = True
    """Whether all that runs can have a cost; else what was measured is not what is summed."""

    @staticmethod
    def of(row: Measured, device: Device, network: Network) -> Sample:
        """Return a row with the layers of its network."""
        work, count = Work.of(network.columns).distinct()
        io_bytes = float(network.io_bytes or 0)
        return Sample(row, device, work, count, io_bytes, costed=network.whole)

    @property
    def stack(self) -> tuple[str, str, str]:
        """Who measured it, on which board in which mode: one error is theirs in common."""
        return self.row.source, self.device.name, self.device.mode.name

    @property
    def kernels(self) -> float:
        """How many kernels it is."""
        return float((self.count * self.work.runs).sum())


@dataclass(frozen=True)
class Rows:
    """Many measured rows at once."""

    work: Work
    count: FloatArray
    owner: IntArray
    """Which row each layer belongs to."""
    hardware: Hardware
    host: Host
    kernels: FloatArray
    io_bytes: FloatArray
    whole: BoolArray
    """Which rows are inferences; the others are single layers."""
    observed: FloatArray
    """Logarithm of the measured seconds."""

    @staticmethod
    def of(samples: Sequence[Sample]) -> Rows:
        """Return the rows of samples that have a time."""
        works = [sample.work for sample in samples]
        sizes = [len(work) for work in works]
        seen = [Hardware.seen_by(s.work, s.device) for s in samples]
        hosts = [Host.of(sample.device) for sample in samples]
        host: dict[str, Any] = {
            f.name: np.array([getattr(h, f.name) for h in hosts]) for f in fields(Host)
        }
        return Rows(
            work=Work.concatenate(works),
            count=np.concatenate([sample.count for sample in samples]),
            owner=np.repeat(np.arange(len(samples)), sizes),
            hardware=Hardware.concatenate(seen, sizes),
            host=Host(**host),
            kernels=np.array([sample.kernels for sample in samples]),
            io_bytes=np.array([sample.io_bytes for sample in samples]),
            whole=np.array([not sample.single_layer for sample in samples]),
            observed=np.log([sample.row.runtime_s for sample in samples]),
        )

    def __len__(self) -> int:
        return len(self.observed)

    def total(self, values: FloatArray) -> FloatArray:
        """Return the sum of each row's layers."""
        counted = np.where(self.work.covered, values, 0.0) * self.count
        return np.asarray(np.bincount(self.owner, counted, len(self)), dtype=np.float64)

    def log_seconds(self, parameters: Parameters) -> FloatArray:
        """Return the logarithm of the predicted time of each row."""
        return self._walls(parameters, slopes_too=False)[0]

    def slopes(self, parameters: Parameters) -> tuple[FloatArray, Mapping[str, FloatArray]]:
        """Return log seconds, and their derivatives by the logarithm of each parameter."""
        return self._walls(parameters, slopes_too=True)

    def _walls(
        self, parameters: Parameters, *, slopes_too: bool
    ) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Return log seconds and slopes.

        Args:
            parameters: numbers, or arrays with one entry a row.
            slopes_too: whether derivatives are wanted.
        """
        layers = _each(parameters, self.owner)
        times = layer_times(self.work, self.hardware, layers)
        layer_s = self.total(np.nan_to_num(times.runtime_s))
        fixed = np.where(self.whole, parameters.fixed_s, 0.0)
        wall = wall_times(layer_s + fixed, self.kernels, self.io_bytes, self.host, parameters)
        seconds = np.where(self.whole, wall.end_to_end_s, layer_s)
        if not slopes_too:
            return np.log(seconds), {}
        layered = {
            name: self.total(values)
            for name, values in slopes(self.work, self.hardware, layers, times).items()
        }
        of_walls = wall_slopes(wall, fixed, self.host.old, layered)
        nothing = np.zeros(len(self))
        found = {
            name: np.where(self.whole, values, layered.get(name, nothing)) / seconds
            for name, values in of_walls.items()
        }
        return np.log(seconds), found


def _each(parameters: Parameters, owner: IntArray) -> Parameters:
    """Return parameters of rows as those of their layers."""
    arrays = {name: value[owner] for name, value in vars(parameters).items() if np.ndim(value)}
    return replace(parameters, **arrays)


def merged(parameters: Sequence[Parameters]) -> Parameters:
    """Return the parameters of many rows as arrays; a number where all have the same."""
    found: dict[str, Any] = {}
    for field in fields(Parameters):
        values = np.array([getattr(p, field.name) for p in parameters], dtype=np.float64)
        found[field.name] = float(values[0]) if np.ptp(values) == 0 else values
    return Parameters(**found)
