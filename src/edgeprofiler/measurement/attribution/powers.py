"""Board powers of layers from what each register of the board's rails says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.doubt import LayerDoubt, doubt
from edgeprofiler.measurement.attribution.evidence import Evidence
from edgeprofiler.measurement.attribution.solve import Effort, Solved, solve
from edgeprofiler.measurement.attribution.supply import Supply, supply_of
from edgeprofiler.measurement.attribution.timing import Timing

GAIN = 0.0035
"""Relative error of a power that no recording shows and no length of it averages out: the INA3221's
data sheet allows 0.25 % of gain error to the current's register and as much to the voltage's."""


@dataclass(frozen=True, eq=False)
class BoardPowers:
    """Powers of layers, gaps and pauses, idle included, and how uncertain they are together."""

    mean_w: FloatArray
    """Shape (states,)."""
    covariance: FloatArray
    """Shape (states, states)."""
    solved: Solved
    """Of the rail whose power moves most: its clock and timing stand for the board's."""
    doubt: LayerDoubt
    supply: Supply | None

    @property
    def error_w(self) -> FloatArray:
        """Standard error of each state's power; shape (states,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def error(self, weights: FloatArray) -> float:
        """Return the standard error of a weighted sum of powers."""
        return float(np.sqrt(max(float(weights @ self.covariance @ weights), 0.0)))


def board_powers(
    evidence: Evidence,
    kinds: Sequence[str],
    *,
    averaged: Sequence[int] = (),
    timing: Timing | None = None,
    effort: Effort | None = None,
) -> BoardPowers:
    """Return the board's powers: rails are found one by one and summed.

    Args:
        evidence: what was recorded.
        kinds: of the layers that take time.
        averaged: conversions that a value is the mean of, as the settings say.
        timing: of the sensor, if it is known.
        effort: how much work goes where.
    """
    moving = [n for n, r in enumerate(evidence.registers) if float(np.ptp(r.watts)) > 0]
    parts = {n: _of(evidence, n, kinds, averaged, timing, effort) for n in moving}
    still = sum(r.floor_w for n, r in enumerate(evidence.registers) if n not in moving)
    chief = parts[evidence.chief]
    mean = np.sum([part.mean_w for part in parts.values()], axis=0) + still
    covariance = np.sum([part.covariance for part in parts.values()], axis=0)
    idle = evidence.idle.mean_w
    return BoardPowers(
        mean_w=above(mean, np.sqrt(np.diag(covariance)), idle if math.isfinite(idle) else 0.0),
        covariance=covariance,
        solved=chief.solved,
        doubt=chief.doubt,
        supply=chief.supply,
    )


def above(mean: FloatArray, error: FloatArray, floor: float) -> FloatArray:
    """Return powers of which none lies below a floor that no board goes below.

    Where the samples alone would put a power below, it is the mean of what they leave above it: of
    a normal distribution cut off at the floor.

    >>> above(np.array([3.0, 5.0]), np.array([0.5, 0.5]), 4.0).round(2).tolist()
    [4.18, 5.0]
    """
    depth = np.maximum(floor - mean, 0.0) / np.maximum(error, 1e-12)
    # Mills' ratio by its bounds' mean (Birnbaum 1942, Sampford 1953): within a tenth from 0 on.
    lift = (3.0 * depth + np.sqrt(depth**2 + 8.0)) / 4.0
    return np.asarray(np.where(mean < floor, mean + error * lift, mean))


def _of(
    evidence: Evidence, number: int, kinds: Sequence[str], averaged: Sequence[int],
    timing: Timing | None, effort: Effort | None,
) -> BoardPowers:  # fmt: skip
    register = evidence.registers[number]
    solved = solve(evidence, number, kinds, averaged=averaged, timing=timing, effort=effort)
    found = doubt(solved.problem, solved.fit, evidence.idle.noise_w)
    period = solved.conversions.period_s if solved.conversions.clocked else None
    supply = supply_of(register, solved.problem, solved.fit, register.floor_w, period)
    mean, covariance = solved.power_w, solved.fit.covariance * found.widened**2
    if supply is not None:
        mean = supply.power_w(mean)
    gain = GAIN**2 * np.outer(mean, mean)
    return BoardPowers(mean, covariance + gain, solved, found, supply)
