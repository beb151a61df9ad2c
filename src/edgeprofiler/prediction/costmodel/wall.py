"""Wall time of an inference: the GPU's time, the host's enqueueing beside it, and a fixed part.

Launches are asynchronous: the host enqueues kernels while the GPU works on earlier ones, and
whichever is slower sets the pace. Small kernels let the GPU run dry in places also where it is
the slower one on the whole, so that the two add as powers::

    wall = (gpu^3 + (kernels * enqueue)^3)^(1/3) + fixed + copies of inputs and outputs
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.costmodel.hardware import Values
from edgeprofiler.prediction.costmodel.parameters import Parameters

SHARPNESS = 3.0
"""Of the change from one to the other; 2 to 6 explain the published times alike, and power of 20
networks best near 3."""

REFERENCE_CPU = 2e9
"""Clocks of a Cortex-A78AE a second that the host's numbers are stated at."""


@dataclass(frozen=True)
class Host:
    """What calls the engine, as plain numbers."""

    cpu_speed: Values
    """Clocks of a Cortex-A78AE a second."""
    bandwidth_bytes_per_s: Values
    old: bool | BoolArray
    """Whether the board is from before tensor cores."""
    graph: bool | BoolArray
    """Whether it replays a CUDA graph."""

    @staticmethod
    def of(device: Device) -> Host:
        """Return the numbers of a device."""
        old = not device.datasheet.tensor_cores
        return Host(device.cpu_speed, device.bandwidth_bytes_per_s, old, device.cuda_graph)


@dataclass(frozen=True)
class Wall:
    """Wall times of inferences and their parts, one number an inference."""

    gpu_s: FloatArray
    enqueue_s: FloatArray
    """Time of the host for all kernels; 0 with a CUDA graph."""
    host_fixed_s: FloatArray
    """What the host adds to the slower of the two, copies among it."""
    copy_s: FloatArray
    """Copies of inputs and outputs alone."""

    @property
    def paced_s(self) -> FloatArray:
        """What the slower of GPU and enqueueing sets."""
        together = self.gpu_s**SHARPNESS + self.enqueue_s**SHARPNESS
        return np.asarray(together ** (1.0 / SHARPNESS))

    @property
    def end_to_end_s(self) -> FloatArray:
        """Wall time of an inference in a loop."""
        return self.paced_s + self.host_fixed_s

    @property
    def host_gap_s(self) -> FloatArray:
        """What is left of it beside the GPU's time."""
        return self.end_to_end_s - self.gpu_s

    @property
    def gpu_slope(self) -> FloatArray:
        """By how much the wall time grows with the GPU's."""
        return np.asarray((self.gpu_s / self.paced_s) ** (SHARPNESS - 1.0))

    @property
    def enqueue_slope(self) -> FloatArray:
        """By how much it grows with the enqueueing."""
        return np.asarray((self.enqueue_s / self.paced_s) ** (SHARPNESS - 1.0))


def wall_times(
    gpu_s: FloatArray,
    kernels: FloatArray,
    io_bytes: FloatArray,
    host: Host,
    parameters: Parameters,
) -> Wall:
    """Return the wall times of inferences.

    Args:
        gpu_s: time of the GPU for each, its fixed part included.
        kernels: how many kernels each is.
        io_bytes: of inputs and outputs.
        host: numbers of the board that calls.
        parameters: fitted numbers.
    """
    p = parameters
    pace = REFERENCE_CPU / host.cpu_speed
    each = p.enqueue_s * pace * np.where(host.old, p.enqueue_old, 1.0)
    enqueue = np.where(host.graph, 0.0, kernels * each)
    copies = np.asarray(p.host_copy, dtype=np.float64)
    rate = np.maximum(copies, 1e-12) * host.bandwidth_bytes_per_s
    copy = np.where(copies > 0, io_bytes / rate, 0.0)
    fixed = p.host_fixed_s * pace + copy
    ones = np.ones_like(gpu_s)
    return Wall(gpu_s, enqueue * ones, fixed * ones, copy * ones)


def wall_slopes(
    wall: Wall, fixed_s: FloatArray | float, old: bool | BoolArray, layers: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    """Return what wall times change by for a relative change of each parameter, in s.

    Args:
        wall: of inferences.
        fixed_s: the GPU's part of no layer.
        old: whether boards are from before tensor cores.
        layers: the same of the sums over layers, see `model.slopes`.
    """
    enqueue = wall.enqueue_slope * wall.enqueue_s
    found = {name: wall.gpu_slope * values for name, values in layers.items()}
    return found | {
        "fixed_s": wall.gpu_slope * fixed_s,
        "enqueue_s": enqueue,
        "enqueue_old": enqueue * old,
        "host_fixed_s": wall.host_fixed_s - wall.copy_s,
        "host_copy": -wall.copy_s,
    }
