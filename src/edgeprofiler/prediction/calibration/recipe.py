"""Which numbers are fitted, how far each may move, and what measured rows say of them.

The shared numbers belong to all boards; a board differs in a few, by little; a software stack
on one board in the same few, by less; a host adds its gap. All of it is one maximum a posteriori
fit in log space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.problem import Group, Problem, Unknown
from edgeprofiler.prediction.costmodel.model import Hardware, Work
from edgeprofiler.prediction.costmodel.parameters import Parameters

START: Mapping[str, float] = {
    "launch_s": 9e-6, "launch_clock_exponent": 1.0, "launch_without_tensor_cores": 2.1,
    "launch_simple": 0.6, "launch_move": 0.6, "fixed_s": 98e-6, "efficiency_gemm": 0.49,
    "efficiency_convolution": 0.68, "first_layer": 0.27, "efficiency_without_tensor_cores": 1.7,
    "efficiency_depthwise": 0.09, "depthwise_large_kernel": 0.2, "efficiency_memory": 0.68,
    "overlap": 0.5, "tail": 0.2, "width_half": 10.0,
    "base_power_w": 1.0, "busy_power_w": 8.0, "depthwise_busy": 0.3,
}  # fmt: skip
"""Where the fit starts: the middle of each belief. A launch costs a number of cycles (exponent
1); the rest are figures of a rough fit of the same kind of model."""

SHARED: Mapping[str, float] = {
    "launch_s": 0.5, "launch_clock_exponent": 0.1, "launch_without_tensor_cores": 0.25,
    "launch_simple": 0.3, "launch_move": 0.5, "fixed_s": 0.5, "efficiency_gemm": 0.4,
    "efficiency_convolution": 0.4, "first_layer": 0.7, "efficiency_without_tensor_cores": 0.4,
    "efficiency_depthwise": 0.3, "depthwise_large_kernel": 0.3, "efficiency_memory": 0.3,
    "tail": 1.0, "width_half": 1.0,
}  # fmt: skip
"""How sure the starts are: standard deviation of the logarithm of a factor on each."""

BOARD: Mapping[str, float] = {
    "launch_s": 0.25, "efficiency_memory": 0.2, "efficiency_depthwise": 0.15,
}  # fmt: skip
"""How far boards differ."""

STACK: Mapping[str, float] = {
    "launch_s": 0.15, "efficiency_memory": 0.15, "efficiency_depthwise": 0.1,
}  # fmt: skip
"""How far two software stacks on one board differ."""

HOSTS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "trtexec": {},
    "cpp": {"host_gap_s": (150e-6, 0.7)},
    "torch2trt": {"host_gap_s": (330e-6, 0.7), "host_gap_per_launch": (0.6, 0.7)},
}
"""What a host adds to the GPU's time: start and deviation. `trtexec` reports GPU time alone."""

NOISE = 0.06
"""Standard deviation of the logarithm of a measured time that the model cannot explain."""

LAYER_NOISE = 0.2
"""The same for a single layer's time."""

SEPARATE = ("JetPack 4", "JetPack 5.0", "TensorRT 5", "TensorRT 6", "TensorRT 7", "Torch-TensorRT")
"""Software that leaves activations such as SiLU and HardSwish as kernels of their own."""


@dataclass(frozen=True)
class Sample:
    """A measured row with its board and its layers."""

    row: Measured
    device: Device
    work: Work
    single_layer: bool = False
    """Whether the time is one layer's, without an inference's fixed part and gap."""

    @property
    def stack(self) -> tuple[str, str, str]:
        """Board, power mode and host; layers timed alone are a stack of their own."""
        runtime = f"{self.row.runtime} layers" if self.single_layer else self.row.runtime
        return self.device.name, self.device.mode.name, runtime


def separate_activations(software: str) -> float:
    """Return 1 for software that does not fuse SiLU and its like into convolutions, else 0."""
    return float(any(name in software for name in SEPARATE))


def start_parameters(runtime: str, software: str) -> Parameters:
    """Return the numbers before any data, for a host and the software that built the engine."""
    gap = {name: start for name, (start, _) in HOSTS.get(runtime, {}).items()}
    return Parameters(**START, **gap, separate_activations=separate_activations(software))


def assemble(samples: Sequence[Sample]) -> tuple[Problem, list[Sample]]:
    """Return the fit of all samples, and the samples in the order of its rows."""
    stacks: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        stacks.setdefault(sample.stack, []).append(sample)
    groups, ordered = [], []
    for (board, mode, runtime), members in stacks.items():
        groups.append(
            Group.of(
                f"{board}@{mode}/{runtime}",
                Hardware.of(members[0].device),
                _start_of(members[0]),
                [m.work for m in members],
                [m.row.runtime_s for m in members],
            )
        )
        ordered += members
    unknowns = _unknowns(list(stacks), [group.name for group in groups])
    noise = np.array([LAYER_NOISE if s.single_layer else NOISE for s in ordered])
    return Problem(tuple(groups), unknowns, noise), ordered


def _start_of(sample: Sample) -> Parameters:
    start = start_parameters(sample.row.runtime, sample.row.software)
    return replace(start, fixed_s=0.0) if sample.single_layer else start


def _unknowns(stacks: list[tuple[str, str, str]], names: list[str]) -> tuple[Unknown, ...]:
    found = [Unknown(name, deviation) for name, deviation in SHARED.items()]
    for runtime, gaps in HOSTS.items():
        members = tuple(i for i, stack in enumerate(stacks) if stack[2] == runtime)
        if members:
            found += [Unknown(n, d, members, runtime) for n, (_, d) in gaps.items()]
    for board in dict.fromkeys(stack[0] for stack in stacks):
        members = tuple(i for i, stack in enumerate(stacks) if stack[0] == board)
        found += [Unknown(n, d, members, board) for n, d in BOARD.items()]
        if len(members) > 1:
            found += [Unknown(n, d, (i,), names[i]) for i in members for n, d in STACK.items()]
    return tuple(found)


def shared_values(problem: Problem, values: FloatArray) -> Parameters:
    """Return the shared numbers of a solution, without a host's gap."""
    fitted = {
        unknown.name: START[unknown.name] * float(np.exp(value))
        for unknown, value in zip(problem.unknowns, values, strict=True)
        if not unknown.groups
    }
    return Parameters(**{**START, **fitted})


def deviations(problem: Problem, values: FloatArray, group: int) -> dict[str, float]:
    """Return the factors by which one group's board and stack differ from the shared numbers."""
    factors = dict.fromkeys(BOARD, 0.0)
    for unknown, value in zip(problem.unknowns, values, strict=True):
        if unknown.name in factors and group in unknown.groups:
            factors[unknown.name] += float(value)
    return {name: float(np.exp(value)) for name, value in factors.items()}


def host_gap(problem: Problem, values: FloatArray, runtime: str) -> dict[str, float]:
    """Return the gap of a host in seconds and shares."""
    gaps = HOSTS.get(runtime, {})
    return {
        unknown.name: gaps[unknown.name][0] * float(np.exp(value))
        for unknown, value in zip(problem.unknowns, values, strict=True)
        if unknown.label == runtime and unknown.name in gaps
    }
