"""How sure a layer's power is, and which neighbours must be merged before it is sure enough.

Standard errors come from three sources, and the largest counts: the noise that the fit leaves,
with the uncertainty of the fitted timing and of variation within layers carried along; the
scatter between stretches of the session; and the disagreement of refits on parts of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray, IntArray
from edgeprofiler.measurement.attribution.fit import Fit, Samples, solve

STRETCHES = 100
"""Stretches of the session whose scatter gives the robust errors."""


EDGE = 0.6
"""Share of a cell, at the power by which layers vary, that an edge leaves open."""

MOST_WIDENED = 4.0
"""Largest factor on errors for what the fit leaves beyond the sensor's noise."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """Powers above the floor of layers, gaps and pauses, and how uncertain they are together."""

    mean: FloatArray
    """Layers, gaps, between runs; shape (layers + 2,)."""
    covariance: FloatArray
    """From noise, timing and variation within layers; shape (layers + 2, layers + 2)."""
    scatter: FloatArray
    """The same from the scatter between stretches of the session."""
    spread: FloatArray
    """Other solutions less this one: refits on halves, rival timings; shape (n, layers + 2)."""
    inflation: float
    """Factor on errors, at least 1: how far refits on halves disagree, and the residual noise."""

    def value(self, weights: FloatArray) -> float:
        """Return a weighted sum of powers."""
        return float(weights @ self.mean)

    def error(self, weights: FloatArray) -> float:
        """Return the standard error of a weighted sum of powers."""
        noise = max(
            float(weights @ self.covariance @ weights), float(weights @ self.scatter @ weights), 0.0
        )
        rival = float(np.abs(self.spread @ weights).max()) if len(self.spread) else 0.0
        return float(np.hypot(self.inflation * np.sqrt(noise), rival))


def posterior(
    found: Fit, samples: Samples, slope: FloatArray, rivals: list[FloatArray], noise_w: float
) -> Posterior:
    """Return powers and errors around a fit.

    Args:
        found: the best fit.
        samples: what it was fitted to.
        slope: change of the prediction with each fitted timing; shape (samples, timings).
        rivals: layer powers, gap and pause of other timings that fit about as well.
        noise_w: of one conversion; NaN where unknown. What the fit leaves beyond it is no noise
            that averages out (stamps are wrong, power varies), so errors widen by the ratio.
    """
    layers, states = len(found.basis.cells), found.basis.states
    penalty = found.basis.penalty()
    full = np.concatenate([found.matrix, slope], axis=1)
    gram = full.T @ full
    gram[:states, :states] += penalty
    inverse = _inverse(gram)
    variance = found.residual_w**2
    keep = np.zeros((layers + 2, full.shape[1]))
    keep[:layers, :states] = found.basis.means()
    keep[layers, states - 2] = keep[layers + 1, states - 1] = 1.0
    covariance = variance * keep @ inverse @ keep.T
    scores = np.array(
        [
            x.T @ r
            for x, r in zip(
                np.array_split(full, STRETCHES), np.array_split(found.residual, STRETCHES),
                strict=True,
            )
        ]
    )  # fmt: skip
    meat = scores.T @ scores
    meat[:states, :states] += variance * penalty
    scatter = keep @ inverse @ meat @ inverse @ keep.T
    mean = keep[:, :states] @ found.solution
    inflation = _inflation(found, samples, keep[:, :states], np.sqrt(np.diag(covariance)))
    if np.isfinite(noise_w):
        inflation *= float(np.clip(found.residual_w / max(noise_w, 1e-12), 1.0, MOST_WIDENED))
    spread = np.array([rival - mean for rival in rivals]).reshape(-1, layers + 2)
    return Posterior(mean, covariance, scatter, spread, inflation)


def _inverse(gram: FloatArray) -> FloatArray:
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-12))
    ridge = 1e-9 * np.eye(len(gram))
    return np.asarray(np.linalg.inv(gram / np.outer(scale, scale) + ridge) / np.outer(scale, scale))


def _inflation(found: Fit, samples: Samples, keep: FloatArray, error: FloatArray) -> float:
    """Return how far halves disagree: first and second, odd and even, in units of their errors."""
    order = np.arange(len(samples))
    layers = len(keep) - 2
    worst = 1.0
    for half in (order < len(order) // 2, order % 2 == 0):
        one, two = (_refit(found, samples, chosen, keep)[:layers] for chosen in (half, ~half))
        # each half has twice the variance of the whole, their difference four times
        ratio = (one - two) / (2 * np.maximum(error[:layers], 1e-12))
        worst = max(worst, float(np.median(np.abs(ratio)) / 0.6745))
    return worst


def _refit(found: Fit, samples: Samples, chosen: BoolArray, keep: FloatArray) -> FloatArray:
    part = solve(found.matrix[chosen], samples.take(chosen), found.timing, found.basis)
    return np.asarray(keep @ part.solution)


@dataclass(frozen=True, eq=False)
class Groups:
    """Neighbouring layers that share one value."""

    label: IntArray
    """Group of each layer; shape (layers,), ascending from 0."""
    power_w: FloatArray
    """Above the floor; shape (groups,)."""
    error_w: FloatArray

    def __len__(self) -> int:
        return len(self.power_w)


def edge_energy(found: Fit, seconds: FloatArray, noise_w: float) -> float:
    """Return the energy that a group may owe to its neighbours.

    Where power varies within layers, what happens within one cell is not resolved, so near an edge
    that much may count to either side. Where the residual exceeds the noise and no error of stamps
    accounts for it, a window's energy is off by that much, half of its variance from each end.
    """
    basis, timing = found.basis, found.timing
    cell = 0.0
    if basis.texture > 0:
        within = float(np.sqrt(basis.texture)) * found.residual_w
        cell = EDGE * within * float(seconds.sum()) / int(basis.cells.sum())
    chance = 1.01 + 1 / np.sqrt(max(len(found.residual), 1))
    if timing.blur_s > 0 or not found.residual_w > chance * noise_w:
        return cell
    excess = float(np.sqrt(found.residual_w**2 - noise_w**2))
    return max(cell, excess * timing.window_s / float(np.sqrt(2)))


def merge(found: Posterior, seconds: FloatArray, limit_w: float, edge_j: float = 0.0) -> Groups:
    """Merge neighbours, weighted by their time, until every error is below a limit.

    Args:
        found: powers with their errors.
        seconds: mean duration of each layer; shape (layers,).
        limit_w: largest standard error that a reported power may have.
        edge_j: standard error of a group's energy from what its edges hide.
    """
    members: list[list[int]] = [[k] for k in range(len(seconds))]

    def weights(group: list[int]) -> FloatArray:
        result = np.zeros(len(found.mean))
        result[group] = seconds[group] / seconds[group].sum()
        return result

    def error(group: list[int]) -> float:
        return float(np.hypot(found.error(weights(group)), edge_j / seconds[group].sum()))

    errors = [error(group) for group in members]
    while len(members) > 1 and max(errors) > limit_w:
        worst = int(np.argmax(errors))
        options = [n for n in (worst - 1, worst) if 0 <= n < len(members) - 1]
        trials = {n: error(members[n] + members[n + 1]) for n in options}
        left = min(trials, key=lambda n: trials[n])
        members[left : left + 2] = [members[left] + members[left + 1]]
        errors[left : left + 2] = [trials[left]]
    label = np.empty(len(seconds), dtype=np.int64)
    for number, group in enumerate(members):
        label[group] = number
    powers = np.array([found.value(weights(group)) for group in members])
    return Groups(label, powers, np.array(errors))
