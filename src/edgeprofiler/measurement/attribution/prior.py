"""What is known of layers' powers before anything is measured: alike layers draw alike.

Powers are normal around a common mean, with a part that layers of one kind share, a part that
layers of one length share, and a part of their own. How large the parts are is told by the
measurement itself: the posterior is a mixture over a grid of sizes, each weighted by how likely
it makes what was seen. So where layers differ widely they are hardly drawn together, and where a
recording tells little of a layer it gets what its like draw, and an error that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray


@dataclass(frozen=True)
class Spreads:
    """The sizes that are tried, as shares of the runs' mean power above the floor.

    Coarser and finer grids gave the same errors within 2 % of themselves; ends matter only in
    that they must hold what boards do: layers from 3 % alike to as different as they can be.
    """

    own: tuple[float, ...] = (0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.6, 0.9)
    """Standard deviation of a layer's own part."""
    shared: tuple[float, ...] = (0.04, 0.12, 0.25, 0.5, 1.0)
    """Standard deviation of what layers of one kind and length share."""
    mean: float = 5.0
    """Standard deviation of the common mean: as good as unknown."""
    alike: float = 0.5
    """Lengths whose logarithms differ by this are half alike."""


@dataclass(frozen=True, eq=False)
class LayerBelief:
    """Normal distribution of powers, above whatever the samples were taken from."""

    mean: FloatArray
    """Shape (layers,)."""
    covariance: FloatArray
    log_likelihood: float
    """Of the samples, less what does not depend on the powers."""
    prior: FloatArray
    """Covariance before the measurement, at its most likely sizes."""


class Prior:
    """Powers of layers of given kinds and lengths, before the measurement.

    Args:
        kinds: a word for each layer; equal words are equal kinds.
        seconds: usual length of each layer; shape (layers,).
        scale_w: the runs' mean power above the floor.
        spreads: what is tried.
    """

    def __init__(
        self, kinds: Sequence[str], seconds: FloatArray, scale_w: float,
        spreads: Spreads | None = None,
    ) -> None:  # fmt: skip
        spreads = spreads or Spreads()
        count = len(kinds)
        names = np.asarray(kinds)
        same = (names[:, None] == names[None, :]).astype(np.float64)
        length = np.log(np.maximum(seconds, 1e-9))
        near = np.exp(-0.5 * ((length[:, None] - length[None, :]) / spreads.alike) ** 2)
        alike = 0.25 + 0.25 * same + 0.5 * near * (0.5 + 0.5 * same)
        common = np.full((count, count), spreads.mean**2)
        self.covariances = [
            scale_w**2 * (common + shared**2 * alike + own**2 * np.eye(count))
            for own in spreads.own
            for shared in spreads.shared
        ]
        self._roots = [np.linalg.cholesky(c) for c in self.covariances]
        self._columns = len(spreads.shared)
        self._best = len(self.covariances) // 2

    def posterior(self, information: FloatArray, moment: FloatArray, *, every: bool) -> LayerBelief:
        """Return the powers after a measurement with a given information matrix and moment.

        Args:
            information: shape (layers, layers); the inverse covariance of a plain fit.
            moment: that times the plain fit's powers; shape (layers,).
            every: mix all sizes; else those next to what was most likely the last time.
        """
        chosen = range(len(self._roots)) if every else self._near()
        found = [self._one(self._roots[n], information, moment) for n in chosen]
        weight = np.array([likelihood for likelihood, _, _ in found])
        top = float(weight.max())
        best = int(np.argmax(weight))
        weight = np.exp(weight - top)
        likelihood = top + float(np.log(weight.mean()))
        weight /= weight.sum()
        self._best = chosen[best]
        mean = np.zeros_like(moment)
        for share, (_, means, _) in zip(weight, found, strict=True):
            mean += share * means
        covariance = np.zeros_like(information)
        for share, (_, means, root) in zip(weight, found, strict=True):
            if share > 1e-6:
                covariance += share * (root.T @ root + np.outer(means - mean, means - mean))
        return LayerBelief(mean, covariance, likelihood, self.covariances[self._best])

    def _near(self) -> list[int]:
        own, shared = divmod(self._best, self._columns)
        rows = len(self._roots) // self._columns
        return [
            row * self._columns + column
            for row in range(max(own - 1, 0), min(own + 2, rows))
            for column in range(max(shared - 1, 0), min(shared + 2, self._columns))
        ]

    @staticmethod
    def _one(
        root: FloatArray, information: FloatArray, moment: FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        inner = np.eye(len(moment)) + root.T @ information @ root
        lower = np.linalg.cholesky(0.5 * (inner + inner.T))
        spread = np.linalg.solve(lower, root.T)
        along = spread @ moment
        likelihood = 0.5 * float(along @ along) - float(np.log(np.diag(lower)).sum())
        return likelihood, np.asarray(spread.T @ along), spread
