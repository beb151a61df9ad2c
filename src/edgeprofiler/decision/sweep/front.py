"""What is kept of a sweep while its rows pass by: the Pareto front and the best, or all."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.decision.sweep.rows import QUANTITIES, SweepRows
from edgeprofiler.decision.sweep.where import Where


def pareto_front(a: FloatArray, b: FloatArray) -> BoolArray:
    """Return which points no other point beats in both `a` and `b` (less is better).

    Equal points are kept together; a point with NaN is never in front.
    """
    front = np.zeros(len(a), dtype=np.bool_)
    order = np.lexsort((b, a))
    order = order[np.isfinite(a[order]) & np.isfinite(b[order])]
    if not len(order):
        return front
    best_before = np.minimum.accumulate(np.concatenate([[np.inf], b[order][:-1]]))
    kept = b[order] < best_before
    front[order[kept]] = True
    # A twin of a kept point is as good as it; twins lie beside each other in this order.
    first = np.maximum.accumulate(np.where(kept, np.arange(len(order)), 0))
    twin = (a[order] == a[order[first]]) & (b[order] == b[order[first]])
    front[order[twin]] = True
    return front


def front_of(rows: SweepRows) -> BoolArray:
    """Return which rows no other beats in energy an image and latency."""
    return pareto_front(rows.numbers["energy_per_image_j"], rows.numbers["end_to_end_s"])


@dataclass
class Kept:
    """Rows that are kept of those that pass; in which order they pass makes no difference.

    Args:
        best: how many rows of least energy an image to keep beside the front; `None` keeps all.
        where: what rows must meet.
    """

    best: int | None
    where: Where | None = None
    left_out: int = field(default=0, init=False)
    """Rows that did not meet the condition."""
    count: int = field(default=0, init=False)
    """Rows that have passed and meet the condition."""
    _parts: list[SweepRows] = field(default_factory=list, init=False)

    def add(self, rows: SweepRows) -> None:
        """Let rows pass.

        Raises:
            UsageError: all are to be kept, and there are too many; or the condition compares
                numbers with texts.
        """
        if self.where is not None:
            meets = self.where.keeps({name: read(rows) for name, read in QUANTITIES.items()})
            self.left_out += int((~meets).sum())
            rows = rows.take(meets)
        self.count += len(rows)
        self._parts.append(rows)
        if self.best is not None:
            merged = SweepRows.joined(self._parts)
            self._parts = [merged.take(front_of(merged) | _best(merged, self.best))]
        elif self.count > limits.SWEEP_POINTS:
            raise too_many(self.count)

    def rows(self) -> tuple[SweepRows, BoolArray]:
        """Return what was kept in the order of the sweep, and which of it is in front."""
        merged = SweepRows.joined(self._parts)
        ordered = merged.take(np.argsort(merged.numbers["index"]))
        return ordered, front_of(ordered)

    def __bool__(self) -> bool:
        return bool(self._parts)


def too_many(count: int) -> UsageError:
    """Return the error of more rows than are kept in memory."""
    return UsageError(
        f"the sweep has {count:,} combinations; at most {limits.SWEEP_POINTS:,} are kept in "
        "memory: give `output`, a folder for all rows, or `best`, how many to keep beside the "
        "Pareto front"
    )


def _best(rows: SweepRows, count: int) -> BoolArray:
    energy, latency = rows.numbers["energy_per_image_j"], rows.numbers["end_to_end_s"]
    order = np.lexsort((rows.numbers["index"], latency, energy))[:count]
    chosen = np.zeros(len(rows), dtype=np.bool_)
    chosen[order] = True
    return chosen & np.isfinite(energy)
