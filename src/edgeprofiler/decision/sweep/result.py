"""The noun: one row a combination, and what it is written as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.device import AXES, Clocks
from edgeprofiler.core.extras import require
from edgeprofiler.core.files import atomic_path
from edgeprofiler.core.network import BoolArray, FloatArray, IntArray
from edgeprofiler.core.plain import attributes, plain
from edgeprofiler.core.table import csv_text
from edgeprofiler.decision.sweep.rows import QUANTITIES
from edgeprofiler.decision.sweep.where import Where

_LINES = ("failures", "warnings")
"""Fields that are of the whole sweep and no row."""
_KINDS: Mapping[str, type] = {"IntArray": np.int64, "FloatArray": np.float64, "BoolArray": np.bool_}
"""What columns are made of, by the type that their field says."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """One row a combination; arrays of one length.

    Where not all rows are kept in memory, those of the Pareto front and the best are here.
    """

    title: str
    """What was swept."""
    count: int
    """Combinations that were predicted and meet the condition; more than rows where not all are
    kept."""
    failures: tuple[str, ...]
    """A line for each network that cannot be predicted, or not in all combinations."""
    index: IntArray
    """Place of each row in the whole sweep."""
    network: tuple[str, ...]
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
    """Whether no other that meets the condition has less energy an image and less latency."""
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
    refused: int = 0
    """Combinations that cannot be predicted."""
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
            elif isinstance(value, tuple) and name not in _LINES:
                columns[name] = list(value)
        return columns

    def to_csv(self) -> str:
        """Return one row a combination, units in the column names."""
        columns = self.columns()
        return csv_text([*columns], zip(*columns.values(), strict=True))

    def document(self) -> dict[str, object]:
        """Return the rows as a JSON document `edgeprofiler.sweep/2`, column by column."""
        return {
            "schema": "edgeprofiler.sweep/2",
            **attributes(self, "title count failures refused rate_hz"),
            "where": None if self.where is None else self.where.text,
            **attributes(self, "left_out warnings"),
            **plain(self.columns()),
        }

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> Sweep:
        """Return the sweep that `document` wrote.

        >>> import edgeprofiler
        >>> found = edgeprofiler.sweep("zoo:lenet", batch="1,2")
        >>> Sweep.from_document(found.document()).to_csv() == found.to_csv()
        True
        """
        clocks = [field.name for field in fields(Clocks)]
        settings = zip(*(document[name] for name in clocks), strict=True)
        found: dict[str, Any] = {
            "clocks": tuple(Clocks(**dict(zip(clocks, each, strict=True))) for each in settings)
        }
        for field in fields(Sweep):
            value = document.get(field.name)
            kind = next((_KINDS[k] for k in _KINDS if str(field.type).startswith(k)), None)
            if value is not None and kind is not None:
                found[field.name] = np.array(value, dtype=kind)
            elif field.name not in found:
                found[field.name] = tuple(value) if isinstance(value, list) else value
        if found["where"] is not None:
            found["where"] = Where.of(found["where"], QUANTITIES)
        return Sweep(**found)

    def write_parquet(self, path: str | Path) -> None:
        """Write the rows as Parquet (extra `[parquet]`)."""
        with require("parquet", "use `csv`"):
            import pyarrow as pa
            import pyarrow.parquet as pq
        table = pa.table(dict(self.columns()))
        with atomic_path(Path(path)) as temporary:
            pq.write_table(table, temporary)
