"""The noun: one row a combination, and what it is written as."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.device import AXES, Clocks
from edgeprofiler.core.extras import require
from edgeprofiler.core.files import atomic_path
from edgeprofiler.core.network import BoolArray, FloatArray, IntArray
from edgeprofiler.core.table import csv_text
from edgeprofiler.decision.sweep.where import Where


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
    """Back to back."""
    power_w_low: FloatArray
    power_w_high: FloatArray
    energy_per_image_j: FloatArray
    images_hz: FloatArray
    """Images a second, back to back."""
    images_hz_low: FloatArray
    images_hz_high: FloatArray
    memory_bytes: FloatArray
    """What the engine takes of the board's memory, without CUDA and the system."""
    memory_bytes_low: FloatArray
    memory_bytes_high: FloatArray
    covered_bytes: FloatArray
    """Share of the bytes moved by layers that have a cost; totals leave the others out."""
    pareto: BoolArray
    """Whether no other combination has both less energy an image and less latency."""
    rate_hz: float | None = None
    """Images a second that arrive, where a rate is asked for."""
    power_at_rate_w: FloatArray | None = None
    """Mean board power at that rate, idle between inferences included."""
    power_at_rate_w_low: FloatArray | None = None
    power_at_rate_w_high: FloatArray | None = None
    where: Where | None = None
    """The condition that all rows meet."""
    left_out: int = 0
    """Combinations that do not meet it."""
    warnings: tuple[str, ...] = ()
    """What must be known before trusting the numbers, of all combinations, each once."""

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
            elif isinstance(value, np.ndarray):
                columns[name] = value.tolist()
            elif isinstance(value, tuple) and name != "warnings":
                columns[name] = list(value)
        return columns

    def filtered(self, condition: str) -> Sweep:
        """Return the rows whose values meet a condition, and which of them are best.

        Args:
            condition: comparisons of the columns of `quantities`, joined by and, or and not.

        Raises:
            UsageError: it is no condition, or names no column.
        """
        known = self.quantities
        where = Where.of(condition, known)
        kept = where.keeps(known)
        chosen: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                chosen[name] = value[kept]
            elif isinstance(value, tuple) and name != "warnings":
                chosen[name] = tuple(compress(value, kept))
        front = pareto_front(chosen["energy_per_image_j"], chosen["end_to_end_s"])
        chosen |= {"pareto": front, "where": where, "left_out": int((~kept).sum())}
        return replace(self, **chosen)

    @property
    def quantities(self) -> dict[str, np.ndarray]:
        """What a condition can name, in the units that people write.

        Power is that at the rate, where there is one.
        """
        power = self.power_w if self.power_at_rate_w is None else self.power_at_rate_w
        return {
            "fps": self.images_hz,
            "latency_ms": self.end_to_end_s * 1e3,
            "energy_mj": self.energy_j * 1e3,
            "energy_per_image_mj": self.energy_per_image_j * 1e3,
            "power_w": power,
            "memory_mib": self.memory_bytes / 2**20,
            "batch": self.batch,
            "precision": np.array(self.precision, dtype=np.str_),
            "device": np.array(self.device, dtype=np.str_),
        }

    def to_csv(self) -> str:
        """Return one row a combination, units in the column names."""
        columns = self.columns()
        rows = zip(*columns.values(), strict=True)
        return csv_text(["network", *columns], ([self.network, *row] for row in rows))

    def document(self) -> dict[str, object]:
        """Return the rows as a JSON document `edgeprofiler.sweep/1`, column by column."""
        return {
            "schema": "edgeprofiler.sweep/1",
            "network": self.network,
            "rate_hz": self.rate_hz,
            "where": None if self.where is None else self.where.text,
            "left_out": self.left_out,
            "warnings": list(self.warnings),
            **{name: _known(values) for name, values in self.columns().items()},
        }

    def write_parquet(self, path: Path) -> None:
        """Write the rows as Parquet (extra `[parquet]`)."""
        with require("parquet", "use `csv`"):
            import pyarrow as pa
            import pyarrow.parquet as pq
        table = pa.table({"network": [self.network] * len(self), **self.columns()})
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)


def _known(values: Sequence[object]) -> list[object]:
    return [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]


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
