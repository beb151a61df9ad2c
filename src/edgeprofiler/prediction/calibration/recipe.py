"""Which numbers are fitted, how far each may move, and what measured rows say of them.

The shared numbers belong to all boards; a board differs in three, by little, and a source on one
board in four; a host adds its fixed time, and each source that measured through it its own. What
is left of a source on one board, and of a network, are errors that their rows have in common:
they take part in the fit as correlated errors, so that many rows of one source count little more
than a few.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.calibration.problem import Problem, Unknown, by_name, common_errors
from edgeprofiler.prediction.calibration.rows import Rows, Sample, merged
from edgeprofiler.prediction.costmodel.parameters import Parameters
from edgeprofiler.prediction.uncertainty.doubt import RECENT

SHARED: Mapping[str, tuple[float, float]] = {
    "launch_s": (8e-6, 0.4), "fixed_s": (20e-6, 0.5), "efficiency_tensor": (0.7, 0.4),
    "efficiency_tf32": (0.85, 0.1), "depth_half": (60.0, 0.7), "width_half": (30.0, 0.7),
    "tail": (0.25, 0.7), "efficiency_lanes": (0.7, 0.3), "winograd": (1.6, 0.2),
    "grouped_lanes": (0.43, 0.5), "width_half_lanes": (16.0, 0.7),
    "efficiency_depthwise": (0.09, 0.2), "depthwise_large_kernel": (0.28, 0.1),
    "efficiency_memory": (0.8, 0.03), "multiprocessor_bytes": (30.0, 0.5),
    "enqueue_s": (6e-6, 0.4), "enqueue_old": (3.5, 0.3),
}  # fmt: skip
"""Where the fit starts, and how sure that is: standard deviation of the logarithm of a factor.
The middles of depthwise work are those of a rough model that was published with the first rows; all
others, and the deviations, were chosen among the variants that docs/accuracy.md counts."""

SET: Mapping[str, float] = {
    "launch_unclocked": 0.5, "launch_simple": 0.5, "depthwise_fp32": 0.5,
    "memory_clock_exponent": 0.3, "overlap_tiles": 8.0, "base_power_w": 1.0,
    "active_power_w": 0.62, "flop_energy_j": 0.79e-12, "byte_energy_j": 90e-12,
}  # fmt: skip
"""Numbers that the rows of time do not determine: set, or fitted on power. What of a launch and of
DRAM knows no clock is set by the one network measured in two modes, so that its times, its source
left out of the fit, come within 10 %; the other rows on the whole are met better without."""

HOSTS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "trtexec": {},
    "cpp": {"host_fixed_s": (100e-6, 0.5), "host_copy": (0.12, 0.6)},
    "ultralytics": {"host_fixed_s": (300e-6, 0.5)},
    "torch2trt": {"host_fixed_s": (200e-6, 0.7)},
}
"""What a host adds: start and deviation. `trtexec` times the GPU between two events, with gaps."""

TRTEXEC_FIXED_S = 20e-6
"""What two events of CUDA add around an inference. Assumed."""

BOARD: Mapping[str, float] = {
    "launch_s": 0.3, "efficiency_memory": 0.15, "efficiency_depthwise": 0.12,
}  # fmt: skip
"""How far boards differ."""

STACK: Mapping[str, float] = {
    "launch_s": 0.15, "efficiency_depthwise": 0.1, "efficiency_tensor": 0.1,
    "efficiency_lanes": 0.1,
}  # fmt: skip
"""How far two sources on one board differ: clocks, builder and what else they do not say."""

HOST_SPREAD = 1.0
"""How far the fixed time of one host differs between sources: a factor of e either way."""

SOURCE_ERROR, FAMILY_ERROR, NETWORK_ERROR = 0.07, 0.03, 0.03
"""Standard deviations of the logarithm of a measured time that the model cannot explain, in common
to a source's rows on one board in one mode, to a family of networks, and to a network."""

SOURCE_FAMILY_ERROR, SOURCE_NETWORK_ERROR, ROW_ERROR = 0.06, 0.05, 0.06
"""The same of a source's rows of one family on one board in one mode, of a source's rows of one
network, and of each row alone."""

LAYER_ERROR = 0.2
"""The same for a single layer's time."""


def start_parameters(runtime: str) -> Parameters:
    """Return the numbers before any data, for a host."""
    shared = {name: start for name, (start, _) in SHARED.items()}
    host = {name: start for name, (start, _) in HOSTS.get(runtime, {}).items()}
    if runtime == "trtexec":
        host["host_fixed_s"] = TRTEXEC_FIXED_S
    return Parameters(**shared, **SET, **host)


def assemble(samples: Sequence[Sample]) -> Problem:
    """Return the fit of all samples, in their order."""
    rows = Rows.of(samples)
    start = merged([start_parameters(sample.row.runtime) for sample in samples])
    covariance = common_errors(
        len(samples),
        [
            ([s.stack for s in samples], SOURCE_ERROR),
            ([s.row.family for s in samples], FAMILY_ERROR),
            ([s.row.canonical for s in samples], NETWORK_ERROR),
            ([(*s.stack, s.row.family) for s in samples], SOURCE_FAMILY_ERROR),
            ([(s.row.source, s.row.canonical) for s in samples], SOURCE_NETWORK_ERROR),
        ],
    )
    alone = np.array([LAYER_ERROR if s.single_layer else ROW_ERROR for s in samples])
    return Problem(rows, start, _unknowns(samples), covariance + np.diag(alone**2))


def _unknowns(samples: Sequence[Sample]) -> tuple[Unknown, ...]:
    found = [Unknown(name, deviation) for name, (_, deviation) in SHARED.items()]

    def each(label: Callable[[Sample], str]) -> list[tuple[str, BoolArray]]:
        labels = np.array([label(sample) for sample in samples])
        return [(name, labels == name) for name in dict.fromkeys(labels.tolist())]

    for runtime, rows in each(lambda s: s.row.runtime):
        for name, (_, deviation) in HOSTS.get(runtime, {}).items():
            found.append(Unknown(name, deviation, rows, runtime))
    for board, rows in each(lambda s: s.device.name):
        found += [Unknown(name, deviation, rows, board) for name, deviation in BOARD.items()]
    for stack, rows in each(lambda s: " ".join(s.stack)):
        found += [Unknown(name, deviation, rows, stack) for name, deviation in STACK.items()]
    for source, rows in each(lambda s: f"{s.row.source} {s.row.runtime}"):
        if not source.endswith(" trtexec"):
            found.append(Unknown("host_fixed_s", HOST_SPREAD, rows, source))
    return tuple(found)


def shared_values(problem: Problem, values: FloatArray) -> Parameters:
    """Return the shared numbers of a solution, without a host's."""
    start = start_parameters("")
    return replace(start, **{n: getattr(start, n) * f for n, f in by_name(problem, values).items()})


def labelled(problem: Problem, values: FloatArray, label: str) -> dict[str, float]:
    """Return the factors that a solution gives a board, a host or a source."""
    return {
        u.name: float(np.exp(v))
        for u, v in zip(problem.unknowns, values, strict=True)
        if u.label == label
    }


def host_values(problem: Problem, values: FloatArray, runtime: str) -> dict[str, float]:
    """Return the numbers of a host in a solution."""
    factors = labelled(problem, values, runtime)
    found = {n: s * factors.get(n, 1.0) for n, (s, _) in HOSTS.get(runtime, {}).items()}
    return found if runtime != "trtexec" else {"host_fixed_s": TRTEXEC_FIXED_S}


def numbers_of(problem: Problem, values: FloatArray, sample: Sample) -> Parameters:
    """Return the numbers of a solution for a sample's board and host, whoever measured it."""
    shared = shared_values(problem, values)
    board = labelled(problem, values, sample.device.name)
    factors = {name: getattr(shared, name) * factor for name, factor in board.items()}
    return replace(shared, **factors, **host_values(problem, values, sample.row.runtime))


def row_error() -> float:
    """Return the standard deviation of what a row has beside its source's and family's errors."""
    return math.hypot(NETWORK_ERROR, SOURCE_NETWORK_ERROR, ROW_ERROR)


SPREAD: Mapping[str, float] = {"recent": 0.05, "old": 0.2}
"""Standard deviation of what a source on a board has to itself that no unknown explains: on
boards of compute capability 8.0 and later, and on older ones, whose sources say less of clocks,
hosts and builders. Set by the interval score of sources left out, see docs/accuracy.md."""


def source_spread(samples: Sequence[Sample]) -> FloatArray:
    """Return the spread of each sample's source."""
    recent = np.array([s.device.datasheet.compute_capability >= RECENT for s in samples])
    return np.where(recent, SPREAD["recent"], SPREAD["old"])
