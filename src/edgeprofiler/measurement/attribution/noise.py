"""How uncertain one conversion is, and why: from what a fit leaves over.

Squares of residuals tell the sum of all causes; products of residuals of neighbouring conversions
tell what these share, which only the runs can be the cause of. So the sensor's noise, the runs'
own factor and the error of their ends are told apart, and none of them is mistaken for another:
a per cent of power that varies from run to run is no sign of wrong timing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.cycles import COMMON, RUNNING, SHIFT, UNKNOWNS, Cycles

NEIGHBOURS = (1, 2, 3)
"""Distances of conversions whose products are used; farther ones seldom share a run."""

OUTLIER = 4.0
"""Residuals beyond so many deviations count as if they were there: odd polls are no noise."""


@dataclass(frozen=True, eq=False)
class Noise:
    """Variances, of one conversion and of the unknowns of one run."""

    sensor: float
    """Of a conversion by itself, in W^2."""
    spread: FloatArray
    """Of each unknown in `cycles`: two relative ones and one in microseconds^2."""

    @staticmethod
    def white(variance: float) -> Noise:
        """Return noise of conversions alone."""
        return Noise(variance, np.zeros(UNKNOWNS))

    @property
    def sensor_w(self) -> float:
        """Standard deviation of one conversion by itself."""
        return float(np.sqrt(self.sensor))

    @property
    def common(self) -> float:
        """Relative standard deviation of power from run to run."""
        return float(np.sqrt(self.spread[COMMON]))

    @property
    def running(self) -> float:
        """The same of what is drawn while layers run."""
        return float(np.sqrt(self.spread[RUNNING]))

    @property
    def shift_s(self) -> float:
        """Standard deviation of the error of a run's end."""
        return float(np.sqrt(self.spread[SHIFT])) * 1e-6

    def variance(self, cycles: Cycles) -> FloatArray:
        """Return the variance of each conversion from all causes."""
        return self.sensor + cycles.variance(self.spread)


def told_apart(residual: FloatArray, cycles: Cycles, freedom: float, least: float) -> Noise:
    """Return the noise that explains what a fit left over.

    Args:
        residual: of each conversion, in W.
        cycles: how unknowns of runs move conversions.
        freedom: residuals' degrees of freedom, as a share of their number.
        least: variance that a conversion has at least, as its value is rounded.
    """
    usual = float(np.median(np.abs(residual))) / 0.6745
    left = np.clip(residual, -OUTLIER * usual, OUTLIER * usual)
    own = np.concatenate([np.ones((left.size, 1)), (cycles.effect**2).sum(axis=1)], axis=1)
    causes, seen = [own], [left**2 / freedom]
    for distance in NEIGHBOURS:
        if left.size < distance + 50:
            break
        shared = cycles.shared(distance)
        some = np.abs(shared).sum(axis=1) > 0
        if int(some.sum()) >= 50:
            causes.append(np.concatenate([np.zeros((int(some.sum()), 1)), shared[some]], axis=1))
            seen.append((left[:-distance] * left[distance:])[some])
    table, products = np.concatenate(causes), np.concatenate(seen)
    count = left.size
    variance = np.full(count, float(np.mean(seen[0])))
    for _ in range(3):
        weight = np.full(products.size, 1 / float(np.mean(variance)) ** 2)
        weight[:count] = 0.5 / variance**2  # a square scatters twice as much as a product
        found = _least_squares_of_causes(table, products, weight)
        variance = np.maximum(own @ found, max(least, 1e-12))
    return Noise(max(float(found[0]), least, 1e-12), found[1:])


def _least_squares_of_causes(
    table: FloatArray, products: FloatArray, weight: FloatArray
) -> FloatArray:
    """Return the best non-negative sizes of a few causes: all sets of causes are tried."""
    weighted = table * weight[:, None]
    gram, moment = weighted.T @ table, weighted.T @ products
    size = table.shape[1]
    best, found = np.inf, np.zeros(size)
    for mask in range(1, 1 << size):
        chosen = [n for n in range(size) if mask >> n & 1]
        inner = gram[np.ix_(chosen, chosen)]
        scale = np.sqrt(np.maximum(np.diag(inner), 1e-300))
        try:
            part = (
                np.linalg.solve(
                    inner / np.outer(scale, scale) + 1e-9 * np.eye(len(chosen)),
                    moment[chosen] / scale,
                )
                / scale
            )
        except np.linalg.LinAlgError:
            continue
        cost = float(part @ inner @ part - 2 * part @ moment[chosen])
        if (part >= 0).all() and cost < best:
            best, found = cost, np.zeros(size)
            found[chosen] = part
    return found
