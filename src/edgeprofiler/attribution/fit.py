"""Powers of all states for a given timing, and the timing that leaves the least residual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgeprofiler.attribution.design import Timing, design
from edgeprofiler.attribution.intervals import Runs
from edgeprofiler.attribution.nnls import solve_nonnegative
from edgeprofiler.network import BoolArray, FloatArray, IntArray

DRIFT_DEGREE = 3
"""Slow drift of power is fitted by polynomials of time up to this degree."""


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

    @cached_property
    def drift(self) -> FloatArray:
        """Legendre polynomials of time without the constant; shape (samples, DRIFT_DEGREE)."""
        span = float(self.end_s[-1] - self.end_s[0]) or 1.0
        place = 2 * (self.end_s - self.end_s[0]) / span - 1
        return np.asarray(np.polynomial.legendre.legvander(place, DRIFT_DEGREE)[:, 1:])


@dataclass(frozen=True, eq=False)
class Fit:
    """Powers above the floor that explain the samples best under one timing."""

    timing: Timing
    matrix: FloatArray
    """Columns: layers, gaps, between runs, drift of all, drift of what runs."""
    states: int
    """The first columns, which are powers and not negative."""
    solution: FloatArray
    residual: FloatArray

    @property
    def sse(self) -> float:
        """Sum of squared residuals in W²."""
        return float(self.residual @ self.residual)

    @property
    def residual_w(self) -> float:
        """Root mean square residual."""
        return float(np.sqrt(self.sse / max(len(self.residual) - self.matrix.shape[1], 1)))


def columns(runs: Runs, samples: Samples, timing: Timing, drift: bool = True) -> FloatArray:
    """Return the design with columns for slow drift of everything and of what runs."""
    shares = design(runs, samples.end_s, timing)
    if not drift:
        return shares
    busy = 1 - shares[:, -1:]
    return np.concatenate([shares, samples.drift, samples.drift * busy], axis=1)


def fit(runs: Runs, samples: Samples, timing: Timing, drift: bool = True) -> Fit:
    """Return the best powers for a timing."""
    matrix = columns(runs, samples, timing, drift)
    states = runs.layers + 2
    free = np.arange(matrix.shape[1]) >= states
    gram, moment = matrix.T @ matrix, matrix.T @ samples.above_w
    solution = solve_nonnegative(gram, moment, free)
    return Fit(timing, matrix, states, solution, samples.above_w - matrix @ solution)


STEPS: dict[str, float] = {
    "window_s": 10e-6,
    "lag_s": 5e-6,
    "gap_s": 0.2e-6,
    "time_constant_s": 5e-6,
    "blur_s": 10e-6,
}
"""Timing that can be fitted, with the step of its numerical derivative."""


def slopes(runs: Runs, samples: Samples, found: Fit, names: tuple[str, ...]) -> FloatArray:
    """Return the change of the prediction with each timing; shape (samples, names)."""
    states = found.states
    power = found.solution[:states]
    base = found.matrix[:, :states] @ power
    result = np.empty((len(samples), len(names)))
    for place, name in enumerate(names):
        step = STEPS[name]
        moved = design(runs, samples.end_s, found.timing.moved(name, step)) @ power
        result[:, place] = (moved - base) / step
    return result


def refine(
    runs: Runs,
    samples: Samples,
    timing: Timing,
    names: tuple[str, ...],
    limits: dict[str, tuple[float, float]],
    rounds: int = 12,
) -> Fit:
    """Return the fit at the timing that a local search reaches (Gauss and Newton, damped).

    Each round solves for powers and a step of the timing together, on the full residual.
    """
    best = fit(runs, samples, timing)
    damping = 1e-3
    for _ in range(rounds):
        slope = slopes(runs, samples, best, names)
        used = best.solution != 0
        full = np.concatenate([best.matrix[:, used], slope], axis=1)
        gram, moment = full.T @ full, full.T @ best.residual
        scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
        gram, moment = gram / np.outer(scale, scale), moment / scale
        better = False
        for _ in range(6):
            ridge = np.zeros(len(moment))
            ridge[-len(names) :] = damping
            step = np.linalg.lstsq(gram + np.diag(ridge), moment, rcond=1e-10)[0] / scale
            values = {
                name: float(np.clip(getattr(best.timing, name) + change, *limits[name]))
                for name, change in zip(names, step[-len(names) :], strict=True)
            }
            trial = fit(runs, samples, replace(best.timing, **values))
            if trial.sse < best.sse:
                gain = best.sse - trial.sse
                best, better, damping = trial, True, max(damping / 10, 1e-6)
                break
            damping = min(damping * 10, 1e3)
        if not better or gain < 1e-7 * best.sse:
            break
    return best
