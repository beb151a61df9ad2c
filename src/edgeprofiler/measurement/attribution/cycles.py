"""What differs from run to run, and is seen by several conversions at once.

Power of one run is a little higher than of the next (heat, data), and the moment that counts as
its end is off by some microseconds (a callback came late). Neither is noise that averages out
over the conversions of one run: they share it. Both are unknowns of each run, which are
integrated out: the covariance of conversions is `noise + Z spread Z'`, where row c of Z says how
much each unknown of each run moves conversion c.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray, IntArray

COMMON, RUNNING, SHIFT = 0, 1, 2
"""Unknowns of a run: a factor on all power until the next run, a factor on what is drawn while its
layers run, and how late it ended."""

UNKNOWNS = 3

STRETCHES = 48
"""Stretches of the session that are worked on at once, each with runs of its own."""

BLOCK = 8
"""Fewest runs that form one block of the equations. Blocks couple with the next one only, so that
one holds as many runs as a conversion reaches ahead."""


@dataclass(frozen=True, eq=False)
class Cycles:
    """How the runs' unknowns move each conversion."""

    run: IntArray
    """First run that a conversion's window saw; shape (conversions,), ascending."""
    effect: FloatArray
    """Shape (conversions, runs seen, unknowns): watts, and watts a microsecond."""

    @property
    def reach(self) -> int:
        """Number of runs that one conversion may see."""
        return int(self.effect.shape[1])

    def variance(self, spread: FloatArray) -> FloatArray:
        """Return the variance of each conversion from unknowns of a given variance."""
        return np.asarray((self.effect**2).sum(axis=1) @ spread)

    def shared(self, distance: int) -> FloatArray:
        """Return, per unit of variance, the covariance of conversions `distance` apart."""
        ahead = self.run[distance:] - self.run[:-distance]
        result = np.zeros((len(ahead), self.effect.shape[2]))
        one, other = self.effect[:-distance], self.effect[distance:]
        for offset in range(self.reach):
            pairs = np.flatnonzero(ahead == offset)
            if pairs.size:
                both = one[pairs][:, offset:] * other[pairs][:, : self.reach - offset]
                result[pairs] = both.sum(axis=1)
        return result


class Whitened:
    """Products with the inverse covariance of conversions, the runs' unknowns integrated out.

    Args:
        cycles: how unknowns move conversions.
        spread: variance of each unknown; those of 0 are left out.
        noise: variance of each conversion beside them; shape (conversions,).
    """

    def __init__(self, cycles: Cycles, spread: FloatArray, noise: FloatArray) -> None:
        shared = _often_shared(cycles, spread, noise)
        # what each run's conversions hardly share is noise of theirs like any other
        self._scale = 1 / np.sqrt(noise + cycles.variance(np.where(shared, 0.0, spread)))
        self._chosen = chosen = np.flatnonzero(shared)
        self._spread = spread[chosen]
        if self._chosen.size:
            self._effect = cycles.effect[:, :, chosen] * self._scale[:, None, None]
            self._place(cycles)
            self._factor()

    def _place(self, cycles: Cycles) -> None:
        """Give runs that were seen places in stretches, and conversions rows in those."""
        run, self._reach = cycles.run, cycles.reach
        self._block = max(BLOCK, self._reach - 1)
        seen = np.unique(run[:, None] + np.arange(self._reach))
        place = np.searchsorted(seen, run)
        # runs that no conversion saw leave out nothing: effects reach to neighbours in `seen` only
        stretch_runs = max(-(-seen.size // STRETCHES), 4 * self._block, self._reach)
        self._stretch = place // stretch_runs
        self._local = place - self._stretch * stretch_runs
        count = int(self._stretch[-1]) + 1
        blocks = -(-(stretch_runs + self._reach) // self._block)
        self._shape = (count, blocks)
        self._runs = blocks * self._block
        flat = self._stretch * self._runs + self._local
        self._first = np.flatnonzero(np.diff(flat, prepend=-1))
        self._flat = flat[self._first]

    def _factor(self) -> None:
        """Factor the unknowns' own equations, block by block, all stretches at once."""
        (count, blocks), size, reach = self._shape, self._chosen.size, self._reach
        total = count * self._runs
        band = np.zeros((total + reach, reach, size, size))
        for one in range(reach):
            for other in range(one, reach):
                both = self._effect[:, one, :, None] * self._effect[:, other, None, :]
                band[self._flat + one, other - one] += _sums(both, self._first)
        width = self._block * size
        inner = np.zeros((count, blocks, self._block, size, self._block, size))
        outer = np.zeros((count, blocks, self._block, size, self._block, size))
        band = band[:total].reshape(count, blocks, self._block, reach, size, size)
        for one in range(self._block):
            for ahead in range(reach):
                other, part = one + ahead, band[:, :, one, ahead]
                if other < self._block:
                    inner[:, :, one, :, other] += part
                    if ahead:
                        inner[:, :, other, :, one] += part.transpose(0, 1, 3, 2)
                elif other < 2 * self._block:
                    outer[:, :, one, :, other - self._block] += part
        diagonal = inner.reshape(count, blocks, width, width)
        above = outer.reshape(count, blocks, width, width)
        places = np.arange(width)
        diagonal[:, :, places, places] += np.tile(1 / self._spread, self._block)
        self._inverse = np.empty_like(diagonal)
        self._step = np.empty((count, blocks - 1, width, width))
        self._log_determinant = 0.0
        for block in range(blocks):
            here = diagonal[:, block]
            if block:
                step = self._step[:, block - 1]
                here = here - step.transpose(0, 2, 1) @ step
            lower = np.linalg.cholesky(here)
            corner = np.diagonal(lower, axis1=1, axis2=2)
            self._log_determinant += 2 * float(np.log(corner).sum())
            self._inverse[:, block] = np.linalg.inv(lower)
            if block < blocks - 1:
                self._step[:, block] = self._inverse[:, block] @ above[:, block]

    def gram(self, columns: FloatArray) -> FloatArray:
        """Return `columns' inverse-covariance columns`; columns of shape (conversions, n)."""
        return np.asarray(self.halves(columns).sum(axis=0))

    def halves(self, columns: FloatArray) -> FloatArray:
        """Return the same of the first and the second half of the session; shape (2, n, n)."""
        scaled = columns * self._scale[:, None]
        if not self._chosen.size:
            middle = len(scaled) // 2
            return np.stack([part.T @ part for part in (scaled[:middle], scaled[middle:])])
        stretch = (int(self._stretch[-1]) + 1) // 2
        middle = int(np.searchsorted(self._stretch, stretch))
        moved = self._forward(self._project(scaled))
        found = []
        for part, shared in (
            (scaled[:middle], moved[:stretch]),
            (scaled[middle:], moved[stretch:]),
        ):
            flat = shared.reshape(-1, columns.shape[1])
            found.append(part.T @ part - flat.T @ flat)
        return np.stack(found)

    def _project(self, scaled: FloatArray) -> FloatArray:
        """Return how columns move the unknowns; shape (stretches, blocks, unknowns, n)."""
        rows, weight = self._gathered
        return np.asarray(weight @ scaled[rows])

    @cached_property
    def _gathered(self) -> tuple[IntArray, FloatArray]:
        """Return which conversions saw runs of each block, and how these moved them.

        Returns:
            Rows of conversions, shape (stretches, blocks, most conversions of a block), padded by
            the first; and effects, shape (stretches, blocks, unknowns of a block, the same).
        """
        (count, blocks), size = self._shape, self._chosen.size
        flat = self._stretch * self._runs + self._local
        block, last = flat // self._block, (flat + self._reach - 1) // self._block
        ahead = np.arange(int((last - block).max()) + 1)
        row, step = np.nonzero(block[:, None] + ahead <= last[:, None])
        order = np.argsort(block[row] + step, kind="stable")
        row, place = row[order], (block[row] + step)[order]
        rank = np.arange(row.size) - np.searchsorted(place, place)
        most, total = int(rank.max()) + 1, int(place.max()) + 1
        rows = np.zeros((max(total, count * blocks), most), dtype=np.int64)
        weight = np.zeros((len(rows), self._block, size, most))
        rows[place, rank] = row
        for seen in range(self._reach):
            run = flat[row] + seen - place * self._block
            here = np.flatnonzero((run >= 0) & (run < self._block))
            weight[place[here], run[here], :, rank[here]] = self._effect[row[here], seen]
        keep = count * blocks
        return (
            rows[:keep].reshape(count, blocks, most),
            weight[:keep].reshape(count, blocks, self._block * size, most),
        )

    def _forward(self, moved: FloatArray) -> FloatArray:
        for block in range(self._shape[1]):
            here = moved[:, block]
            if block:
                here = here - self._step[:, block - 1].transpose(0, 2, 1) @ moved[:, block - 1]
            moved[:, block] = self._inverse[:, block] @ here
        return moved

    @cached_property
    def log_determinant(self) -> float:
        """Logarithm of the covariance's determinant."""
        result = -2 * float(np.log(self._scale).sum())
        if self._chosen.size:
            runs = self._shape[0] * self._runs
            result += self._log_determinant + runs * float(np.log(self._spread).sum())
        return result


SELDOM = 0.03
"""Share of their variance that neighbouring conversions may owe to one run and count as apart."""


def _often_shared(cycles: Cycles, spread: FloatArray, noise: FloatArray) -> BoolArray:
    """Return which unknowns are seen by neighbouring conversions; shape (unknowns,).

    The others together make up no more than a small share of the variance.
    """
    if len(cycles.run) < 2:
        return np.zeros(spread.size, dtype=np.bool_)
    both = np.abs(cycles.shared(1)).sum(axis=0) * spread
    order = np.argsort(both)
    most = SELDOM * float((noise + cycles.variance(spread)).sum())
    often = np.empty(spread.size, dtype=np.bool_)
    often[order] = np.cumsum(both[order]) > most
    return often & (spread > 0)


def _sums(values: FloatArray, first: IntArray) -> FloatArray:
    """Return the sums of groups of rows that begin at some rows.

    Groups are of a few conversions, for which this is four times as fast as `np.add.reduceat`.
    """
    size = np.diff(first, append=len(values))
    result = values[first]
    for rank in range(1, int(size.max())):
        longer = np.flatnonzero(size > rank)
        result[longer] += values[first[longer] + rank]
    return np.asarray(result)
