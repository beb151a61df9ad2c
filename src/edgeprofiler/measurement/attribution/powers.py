"""Board powers of layers from what each register of the board's rails says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.doubt import Doubt, doubt
from edgeprofiler.measurement.attribution.evidence import Evidence, Register
from edgeprofiler.measurement.attribution.solve import Effort, Solved, solve
from edgeprofiler.measurement.attribution.supply import Supply, supply_of
from edgeprofiler.measurement.attribution.timing import Timing


@dataclass(frozen=True, eq=False)
class BoardPowers:
    """Powers of layers, gaps and pauses, idle included, and how uncertain they are together."""

    mean_w: FloatArray
    """Shape (states,)."""
    covariance: FloatArray
    """Shape (states, states)."""
    solved: Solved
    """Of the rail whose power moves most: its clock and timing stand for the board's."""
    doubt: Doubt
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
    parts = [
        _of(evidence, register, kinds, averaged, timing, effort)
        for register in evidence.registers
        if register.watts.size > 1 and float(np.ptp(register.watts)) > 0
    ]
    still = sum(
        float(register.watts.mean())
        for register in evidence.registers
        if register.watts.size and not float(np.ptp(register.watts)) > 0
    )
    chief = max(parts, key=lambda part: float(part.mean_w[:-2] @ part.solved.runs.mean_s))
    return BoardPowers(
        mean_w=np.sum([part.mean_w for part in parts], axis=0) + still,
        covariance=np.sum([part.covariance for part in parts], axis=0),
        solved=chief.solved,
        doubt=chief.doubt,
        supply=chief.supply,
    )


def _of(
    evidence: Evidence, register: Register, kinds: Sequence[str], averaged: Sequence[int],
    timing: Timing | None, effort: Effort | None,
) -> BoardPowers:  # fmt: skip
    solved = solve(
        evidence, register, kinds, register.floor_w, averaged=averaged, timing=timing, effort=effort
    )
    found = doubt(solved.problem, solved.fit)
    supply = supply_of(register, solved.problem, solved.fit, register.floor_w)
    mean, covariance = solved.power_w, solved.fit.covariance * found.widened**2
    if supply is not None:
        mean = supply.power_w(mean)
    return BoardPowers(mean, covariance, solved, found, supply)
