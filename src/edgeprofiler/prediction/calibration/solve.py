"""A small robust least-squares solver with Gaussian priors, on numpy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import BoolArray, FloatArray

STEP = 1e-5
"""Of differences, in the logarithm: far above rounding, far below any curvature here."""

Model = Callable[[FloatArray], FloatArray]
Jacobian = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True)
class Gaussian:
    """Independent normal beliefs about each unknown, in the unknown's own (log) space."""

    mean: FloatArray
    deviation: FloatArray


@dataclass(frozen=True)
class Solution:
    """The most probable unknowns, and how well the data determine them."""

    values: FloatArray
    residuals: FloatArray
    """Prediction minus observation, unweighted."""
    covariance: FloatArray
    """Of the unknowns, by linearisation at the solution, prior included."""
    iterations: int


def huber_weights(scaled: FloatArray, knee: float) -> FloatArray:
    """Return weights that make a square loss linear beyond `knee` standard deviations."""
    return np.minimum(1.0, knee / np.maximum(np.abs(scaled), 1e-12))


def solve(
    model: Model,
    observed: FloatArray,
    noise: FloatArray,
    prior: Gaussian,
    start: FloatArray | None = None,
    *,
    jacobian: Jacobian | None = None,
    weights: FloatArray | None = None,
    knee: float = 1.5,
    max_iterations: int = 30,
    tolerance: float = 1e-5,
) -> Solution:
    """Return the maximum a posteriori of a non-linear model by damped Gauss-Newton steps.

    Args:
        model: unknowns to predictions, one an observation.
        observed: what was measured.
        noise: standard deviation of each observation.
        prior: beliefs before any observation.
        start: first guess; the prior's mean where none is given.
        jacobian: unknowns and their predictions to a matrix, observations by unknowns; by
            differences where `None`.
        weights: share of each observation, 0 leaves it out.
        knee: Huber's threshold in standard deviations.
        max_iterations: steps at most.
        tolerance: stop when no unknown moves by more, in prior standard deviations.
    """
    slopes = jacobian or partial(_differences, model)
    values = (prior.mean if start is None else start).copy()
    share = np.ones(len(observed)) if weights is None else weights
    precision = 1.0 / prior.deviation**2
    predicted = model(values)
    cost = _cost(predicted, values, observed, noise, share, prior, knee)
    damping, iterations = 0.0, 0
    while iterations < max_iterations:
        iterations += 1
        residual = predicted - observed
        weight = share * huber_weights(residual / noise, knee) / noise**2
        matrix = slopes(values, predicted)
        weighted = matrix * weight[:, None]
        normal = weighted.T @ matrix + np.diag(precision)
        gradient = weighted.T @ residual + precision * (values - prior.mean)
        for _ in range(12):
            damped = normal + damping * np.diag(np.diag(normal))
            step = np.linalg.solve(damped, -gradient)
            trial = values + step
            trial_predicted = model(trial)
            trial_cost = _cost(trial_predicted, trial, observed, noise, share, prior, knee)
            if trial_cost <= cost + 1e-12:
                damping = 0.0 if damping < 1e-4 else damping / 10
                break
            damping = max(damping * 10, 1e-3)
        else:
            break
        values, predicted, cost = trial, trial_predicted, trial_cost
        if float(np.max(np.abs(step) / prior.deviation, initial=0.0)) < tolerance:
            break
    matrix = slopes(values, predicted)
    weight = share * huber_weights((predicted - observed) / noise, knee) / noise**2
    normal = (matrix * weight[:, None]).T @ matrix + np.diag(precision)
    return Solution(values, predicted - observed, np.linalg.inv(normal), iterations)


def _differences(model: Model, values: FloatArray, predicted: FloatArray) -> FloatArray:
    moved = values + STEP * np.eye(len(values))
    return np.stack([(model(row) - predicted) / STEP for row in moved], axis=1)


def left_out(labels: npt.NDArray[np.str_], answer: Callable[[BoolArray], FloatArray]) -> FloatArray:
    """Return what is said of each row when its group is left out.

    Args:
        labels: group of each row.
        answer: from the rows to leave out to what is said of all rows, theirs among them.
    """
    result = np.full(len(labels), np.nan)
    for name in dict.fromkeys(labels.tolist()):
        out: BoolArray = labels == name
        result[out] = answer(out)[out]
    return result


def _cost(
    predicted: FloatArray,
    values: FloatArray,
    observed: FloatArray,
    noise: FloatArray,
    share: FloatArray,
    prior: Gaussian,
    knee: float,
) -> float:
    scaled = np.abs(predicted - observed) / noise
    loss = np.where(scaled <= knee, 0.5 * scaled**2, knee * (scaled - 0.5 * knee))
    if not np.all(np.isfinite(loss)):
        return float("inf")
    beliefs = 0.5 * ((values - prior.mean) / prior.deviation) ** 2
    return float((share * loss).sum() + beliefs.sum())
