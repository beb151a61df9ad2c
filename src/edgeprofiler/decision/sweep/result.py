"""The noun: one row a combination, and what it is written as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from edgeprofiler.core.device import AXES, Clocks
from edgeprofiler.core.extras import require
from edgeprofiler.core.files import atomic_path
from edgeprofiler.core.network import BoolArray, FloatArray, IntArray
from edgeprofiler.core.table import csv_text


@dataclass(frozen=True, eq=False)
class Sweep:
    """One row a combination; arrays of one length."""

    network: str
    device: tuple[str, ...]
    clocks: tuple[Clocks, ...]
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

    @property
    def boards(self) -> tuple[str, ...]:
        """Board and power mode of each row, without clocks that differ from the mode's."""
        return tuple(device.partition(",")[0] for device in self.device)

    @property
    def swept(self) -> tuple[str, ...]:
        """Clocks, by the words of `AXES`, that take several values on one board and mode."""
        seen: dict[tuple[str, str], set[object]] = {}
        for board, clocks in dict.fromkeys(zip(self.boards, self.clocks, strict=True)):
            for axis, value in clocks.items():
                seen.setdefault((axis, board), set()).add(value)
        several = {axis for (axis, _), values in seen.items() if len(values) > 1}
        return tuple(axis for axis in AXES if axis in several)

    def columns(self) -> Mapping[str, Sequence[object]]:
        """Return the rows as columns of plain values: the fields, and each clock by itself."""
        columns: dict[str, Sequence[object]] = {}
        for name, value in vars(self).items():
            if name == "clocks":
                each = (field.name for field in fields(Clocks))
                columns |= {clock: [getattr(c, clock) for c in value] for clock in each}
            elif name != "network":
                columns[name] = value.tolist() if isinstance(value, np.ndarray) else list(value)
        return columns

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
