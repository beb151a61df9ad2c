"""Powers of all states under one timing: non-negative least squares with a smoothness prior.

Each layer may be cut into cells, since power varies within a layer: a cell's power deviates from
its layer's mean with a variance that the samples themselves decide. With one cell a layer, or
no such variance, this is plain non-negative least squares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray, IntArray
from edgeprofiler.measurement.attribution.design import design, designs
from edgeprofiler.measurement.attribution.intervals import Runs
from edgeprofiler.measurement.attribution.nnls import solve_nonnegative
from edgeprofiler.measurement.attribution.timing import Timing


@dataclass(frozen=True, eq=False)
class Samples:
    """Conversions within the session, in the runs' clock, and their power above the floor."""

    end_s: FloatArray
    above_w: FloatArray
    floor_w: float

    def __len__(self) -> int:
        return len(self.end_s)

    def take(self, chosen: BoolArray | slice | IntArray) -> Samples:
        """Return some of the samples."""
        return Samples(self.end_s[chosen], self.above_w[chosen], self.floor_w)

    def thinned(self, most: int) -> Samples:
        """Return at most `most` samples, spread over the session; the same ones each time."""
        if len(self) <= most:
            return self
        chosen = np.random.default_rng(len(self)).choice(len(self), most, replace=False)
        return self.take(np.sort(chosen))


@dataclass(frozen=True, eq=False)
class Basis:
    """Which states are told apart, and how much power may vary within a layer."""

    cells: IntArray
    """Cells of each layer; shape (layers,)."""
    texture: float = 0.0
    """Variance of a cell's power about its layer's mean, in units of the residual variance."""

    @staticmethod
    def plain(layers: int) -> Basis:
        """Return one cell a layer: constant power within layers."""
        return Basis(np.ones(layers, dtype=np.int64))

    @property
    def layer(self) -> IntArray:
        """Layer of each cell."""
        return np.repeat(np.arange(len(self.cells)), self.cells)

    @property
    def states(self) -> int:
        """Number of powers: cells, gaps, between runs."""
        return int(self.cells.sum()) + 2

    def penalty(self) -> FloatArray:
        """Return the prior's precision in units of the residual's; shape (states, states)."""
        result = np.zeros((self.states, self.states))
        layer = self.layer
        count = layer.size
        inside = (layer[:, None] == layer) / self.cells[layer]
        within = np.eye(count) - inside
        result[:count, :count] = within / max(self.texture, 1e-9)
        return result

    def means(self) -> FloatArray:
        """Return the matrix that takes a solution to layer powers; shape (layers, states)."""
        result = np.zeros((len(self.cells), self.states))
        layer = self.layer
        result[layer, np.arange(layer.size)] = 1 / self.cells[layer]
        return result


@dataclass(frozen=True, eq=False)
class Fit:
    """Powers above the floor that explain the samples best under one timing."""

    timing: Timing
    basis: Basis
    matrix: FloatArray
    """Columns: cells, gaps, between runs."""
    solution: FloatArray
    residual: FloatArray
    cost: float
    """Sum of squared residuals, and the prior's part."""

    @property
    def above_w(self) -> FloatArray:
        """Power of each layer above the floor; shape (layers,)."""
        return self.basis.means() @ self.solution

    @property
    def gap_w(self) -> float:
        """Power above the floor in gaps within runs."""
        return float(self.solution[-2])

    @property
    def between_w(self) -> float:
        """Power above the floor between runs."""
        return float(self.solution[-1])

    @property
    def residual_w(self) -> float:
        """Root mean square residual."""
        freedom = max(len(self.residual) - self.matrix.shape[1], 1)
        return float(np.sqrt(self.residual @ self.residual / freedom))


def fit(runs: Runs, samples: Samples, timing: Timing, basis: Basis) -> Fit:
    """Return the best powers for a timing."""
    return solve(design(runs, samples.end_s, timing, basis.cells), samples, timing, basis)


TOGETHER = 400_000
"""Shares of designs that are computed together."""


def costs(
    runs: Runs, samples: Samples, timings: Iterable[Timing], basis: Basis
) -> Iterator[tuple[float, Timing]]:
    """Yield the cost of the best powers for each timing, with the timing."""
    size = max(TOGETHER // (len(samples) * basis.states), 3)
    waiting = iter(timings)
    while batch := list(islice(waiting, size)):
        matrices = designs(runs, samples.end_s, batch, basis.cells)
        for timing, matrix in zip(batch, matrices, strict=True):
            yield solve(matrix, samples, timing, basis).cost, timing


def solve(matrix: FloatArray, samples: Samples, timing: Timing, basis: Basis) -> Fit:
    """Return the best powers for a design that is at hand."""
    penalty = basis.penalty()
    solution = solve_nonnegative(matrix.T @ matrix + penalty, matrix.T @ samples.above_w)
    residual = samples.above_w - matrix @ solution
    cost = float(residual @ residual + solution @ penalty @ solution)
    return Fit(timing, basis, matrix, solution, residual, cost)


def cut(runs: Runs, most: int = 110, shortest_s: float = 12e-6) -> IntArray:
    """Return into how many equal cells each layer is cut, so that all last about as long."""
    mean = runs.duration_s.mean(axis=0)
    length = max(float(mean.sum()) / max(most - runs.layers, 1), shortest_s)
    return np.asarray(np.clip(np.rint(mean / length), 1, 12), dtype=np.int64)


TEXTURES = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Variances within layers that are tried, in units of the residual variance."""


def best_texture(matrix: FloatArray, samples: Samples, basis: Basis) -> tuple[float, float]:
    """Return the variance within layers under which the samples are likeliest.

    Marginal likelihood with flat priors on layer powers and the noise variance profiled out;
    the second number is how much likelier (in logarithm) it is than constant power.
    """
    size = matrix.shape[1]
    gram, moment = matrix.T @ matrix, matrix.T @ samples.above_w
    total = float(samples.above_w @ samples.above_w)
    count = len(samples)
    rank = basis.layer.size - len(basis.cells)
    scores = []
    for texture in TEXTURES:
        penalty = Basis(basis.cells, max(texture, 1e-3)).penalty()
        matrix_k = gram + penalty
        scale = np.sqrt(np.maximum(np.diag(matrix_k), 1e-12))
        eigen, vector = np.linalg.eigh(matrix_k / np.outer(scale, scale))
        kept = eigen > 1e-12
        part = vector[:, kept].T @ (moment / scale)
        left = total - float((part**2 / eigen[kept]).sum())
        determinant = float(np.log(eigen[kept]).sum() + 2 * np.log(scale).sum())
        prior = -rank * np.log(max(texture, 1e-3))
        scores.append(
            -0.5 * (determinant - prior) - 0.5 * (count - size) * np.log(max(left, 1e-12))
        )
    best = int(np.argmax(scores))
    return TEXTURES[best], float(scores[best] - scores[0])


SURE_TEXTURE = 6.0
"""Gain in logarithmic likelihood from which power is taken to vary within layers."""


def textured(
    runs: Runs, samples: Samples, timing: Timing, noise_w: float, most: int = 110
) -> Basis:
    """Return the basis with as much variation within layers as the samples call for.

    Where constant powers leave no more than the sensor's noise, there is nothing to explain.
    """
    plain = Basis.plain(runs.layers)
    allowed = 1.01 + 1 / np.sqrt(len(samples))
    if fit(runs, samples, timing, plain).residual_w < allowed * noise_w:
        return plain
    basis = Basis(cut(runs, most))
    matrix = design(runs, samples.end_s, timing, basis.cells)
    texture, gain = best_texture(matrix, samples, basis)
    return replace(basis, texture=texture) if gain > SURE_TEXTURE else plain
