"""The noun: one row a combination, and what it is written as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprofiler.core.extras import require
from edgeprofiler.core.files import atomic_path
from edgeprofiler.core.network import BoolArray, FloatArray, IntArray
from edgeprofiler.core.table import csv_text


@dataclass(frozen=True, eq=False)
class Sweep:
    """One row a combination; arrays of one length."""

    network: str
    device: tuple[str, ...]
    batch: IntArray
    resolution: tuple[str, ...]
    """`HxW` of the first input; empty for a built engine."""
    precision: tuple[str, ...]
    end_to_end_s: FloatArray
    end_to_end_s_low: FloatArray
    end_to_end_s_high: FloatArray
    energy_j: FloatArray
    energy_j_low: FloatArray
    energy_j_high: FloatArray
    power_w: FloatArray
    energy_per_image_j: FloatArray
    pareto: BoolArray
    """Whether no other combination has both less energy an image and less latency."""

    def __len__(self) -> int:
        return len(self.device)

    def columns(self) -> Mapping[str, Sequence[object]]:
        """Return the rows as columns of plain values, in the order of the fields."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else list(value)
            for name, value in vars(self).items()
            if name != "network"
        }

    def to_csv(self) -> str:
        """Return one row a combination, units in the column names."""
        columns = self.columns()
        rows = zip(*columns.values(), strict=True)
        return csv_text(["network", *columns], ([self.network, *row] for row in rows))

    def document(self) -> dict[str, object]:
        """Return the rows as a JSON document `edgeprofiler.sweep/1`, column by column."""
        return {"schema": "edgeprofiler.sweep/1", "network": self.network, **self.columns()}

    def write_parquet(self, path: Path) -> None:
        """Write the rows as Parquet (extra `[parquet]`)."""
        with require("parquet", "use `csv`"):
            import pyarrow as pa
            import pyarrow.parquet as pq
        table = pa.table({"network": [self.network] * len(self), **self.columns()})
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)


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
    # A twin of a kept point is as good as it.
    twins = {(a[i], b[i]) for i in order[kept]}
    for i in order[~kept]:
        front[i] = (a[i], b[i]) in twins
    return front
