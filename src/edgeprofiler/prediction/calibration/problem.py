"""What is fitted on measured totals: unknowns in log space, and the totals they give.

Every unknown is the logarithm of a factor on a starting value, so that zero is the start and a
prior's deviation reads as "to within so many per cent".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.prediction.calibration.solve import STEP, Gaussian, Solution, solve
from edgeprofiler.prediction.costmodel.model import (
    Hardware,
    Work,
    host_gaps,
    layer_times,
    network_sums,
)
from edgeprofiler.prediction.costmodel.parameters import Parameters


@dataclass(frozen=True)
class Unknown:
    """One number to be fitted: a factor on a parameter, for all groups or for some."""

    name: str
    """A field of `Parameters`."""
    deviation: float
    """Standard deviation of the factor's logarithm, before any data."""
    groups: tuple[int, ...] = ()
    """Groups that it acts on; all where empty."""
    label: str = ""
    """Whose it is: empty for shared numbers, else a board or a host."""


@dataclass(frozen=True)
class Group:
    """Measured totals of one board, power mode and software stack."""

    name: str
    hardware: Hardware
    start: Parameters
    """Values that the unknowns are factors on; its host gap is part of the measured time."""
    work: Work
    offsets: IntArray
    """Where each row's layers start, and the end of all."""
    observed: FloatArray
    """Logarithm of the measured seconds."""

    @staticmethod
    def of(
        name: str,
        hardware: Hardware,
        start: Parameters,
        works: Sequence[Work],
        seconds: Sequence[float],
    ) -> Group:
        """Return a group of one row for each of `works`."""
        return Group(
            name,
            hardware,
            start,
            Work.concatenate(list(works)),
            np.cumsum([0, *(len(work) for work in works)], dtype=np.int64),
            np.log(np.asarray(seconds, dtype=np.float64)),
        )

    def __len__(self) -> int:
        return len(self.observed)

    def log_seconds(self, parameters: Parameters) -> FloatArray:
        """Return the logarithm of the predicted wall time of each row."""
        return np.log(total_seconds(self, parameters))


def total_seconds(group: Group, parameters: Parameters) -> FloatArray:
    """Return fixed part, layers and host gap of each row of `group`."""
    times = layer_times(group.work, group.hardware, parameters)
    layers = np.where(
        group.work.covered, times.runtime_s + host_gaps(group.work, times, parameters), 0.0
    )
    return parameters.fixed_s + parameters.host_gap_s + network_sums(layers, group.offsets)


@dataclass(frozen=True)
class Problem:
    """Groups of rows, the unknowns that explain them, and beliefs about those."""

    groups: tuple[Group, ...]
    unknowns: tuple[Unknown, ...]
    noise: FloatArray
    """Standard deviation of each row's logarithm, rows in the order of the groups."""

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each group's rows lie."""
        ends = np.cumsum([len(group) for group in self.groups])
        return tuple(
            slice(int(end) - len(group), int(end))
            for end, group in zip(ends, self.groups, strict=True)
        )

    @cached_property
    def observed(self) -> FloatArray:
        """Logarithm of all measured seconds."""
        return np.concatenate([group.observed for group in self.groups])

    @cached_property
    def prior(self) -> Gaussian:
        """Beliefs about the unknowns before any data."""
        deviations = np.array([unknown.deviation for unknown in self.unknowns])
        return Gaussian(np.zeros(len(deviations)), deviations)

    def parameters(self, values: FloatArray, group: int) -> Parameters:
        """Return the numbers that `values` mean for one group."""
        start = self.groups[group].start
        factors: dict[str, float] = {}
        for unknown, value in zip(self.unknowns, values, strict=True):
            if not unknown.groups or group in unknown.groups:
                factors[unknown.name] = factors.get(unknown.name, 0.0) + float(value)
        return scaled(start, factors)

    def predict(self, values: FloatArray) -> FloatArray:
        """Return the logarithm of all predicted seconds."""
        return np.concatenate(
            [g.log_seconds(self.parameters(values, i)) for i, g in enumerate(self.groups)]
        )

    def jacobian(self, values: FloatArray, predicted: FloatArray) -> FloatArray:
        """Return derivatives of `predict`, by differences of the groups that each acts on."""
        matrix = np.zeros((len(predicted), len(self.unknowns)))
        for column, unknown in enumerate(self.unknowns):
            moved = values.copy()
            moved[column] += STEP
            for index in unknown.groups or range(len(self.groups)):
                rows = self.slices[index]
                there = self.groups[index].log_seconds(self.parameters(moved, index))
                matrix[rows, column] = (there - predicted[rows]) / STEP
        return matrix

    def fit(
        self,
        weights: FloatArray | None = None,
        start: FloatArray | None = None,
        max_iterations: int = 30,
        knee: float = 1.5,
    ) -> Solution:
        """Return the most probable unknowns; rows of weight 0 are left out."""
        return solve(
            self.predict,
            self.observed,
            self.noise,
            self.prior,
            start,
            jacobian=self.jacobian,
            weights=weights,
            max_iterations=max_iterations,
            knee=knee,
        )


def scaled(start: Parameters, factors: Mapping[str, float]) -> Parameters:
    """Return `start` with parameters multiplied by the exponentials of `factors`."""
    gains = {name: float(np.exp(np.clip(value, -20, 20))) for name, value in factors.items()}
    return replace(start, **{name: getattr(start, name) * gain for name, gain in gains.items()})
