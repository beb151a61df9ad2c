"""A sweep on disk: a Parquet data set in parts, each of which is whole or not there."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import files, limits
from edgeprofiler.core.device import Clocks
from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.core.extras import require
from edgeprofiler.core.leftovers import is_leftover
from edgeprofiler.core.targets import check_folder
from edgeprofiler.core.values import read_json
from edgeprofiler.decision.sweep.part import Done, Failure
from edgeprofiler.decision.sweep.plan import SweepPart
from edgeprofiler.decision.sweep.rows import Label, SweepRows

PLAN = "_sweep.json"
"""Readers of Parquet data sets pass over names that begin so."""
_CLOCKS = tuple(item.name for item in fields(Clocks))
_META = b"edgeprofiler.sweep"


@dataclass
class PartStore:
    """A folder with the parts of one sweep. A part's file is named for its number and content."""

    folder: Path
    _names: dict[int, str] = field(default_factory=dict)

    @classmethod
    def opened(cls, folder: Path, plan: dict[str, Any]) -> PartStore:
        """Begin a sweep in a folder, or go on with the one that lies there.

        Args:
            folder: made where it is not there.
            plan: what makes the sweep what it is.

        Raises:
            InvalidInput: another sweep lies there.
            CannotWrite: the folder cannot be written, or holds something else.
            Unavailable: pyarrow is not installed.
        """
        _arrow()
        check_folder(folder)
        files.make_folder(folder)
        path = folder / PLAN
        plan = json.loads(json.dumps(plan))
        if path.exists():
            there = read_json(path).mapping()
            differ = [name for name in plan if plan[name] != there.get(name)]
            if differ:
                raise InvalidInput(
                    folder,
                    f"holds a sweep of other {', '.join(differ)}",
                    "choose another folder, or ask for the same again",
                )
        elif not all(is_leftover(there.name) for there in folder.iterdir()):
            raise CannotWrite(folder, "is not empty and holds no sweep", "choose another folder")
        else:
            files.write_text(path, files.dump_json(plan))
        names = sorted(found.name for found in folder.glob("part-*.parquet"))
        return cls(folder, _names={int(name.split(".")[0][5:]): name for name in names})

    @property
    def parts(self) -> int:
        """How many parts an earlier run has finished."""
        return len(self._names)

    def read(self, part: SweepPart) -> Done | None:
        """Return a part that is there, whole and of the same candidates; `None` if it must be made.

        A file that is not what its name says is taken away.
        """
        name = self._names.get(part.number)
        if name is None:
            return None
        path = self.folder / name
        data = files.read_bytes(path, limits.PARQUET_BYTES)
        if files.sha256_of(data)[:16] == name.split(".")[1]:
            done = _parsed(data)
            if done.digest == part.digest:
                return done
            raise InvalidInput(
                path, "is of other candidates", "choose another folder, or give the same variants"
            )
        path.unlink()
        return None

    def write(self, done: Done) -> None:
        """Write a part.

        Raises:
            CannotWrite: it cannot be written; the parts before it stay.
        """
        data = _bytes(done)
        name = f"part-{done.number:06d}.{files.sha256_of(data)[:16]}.parquet"
        files.write_bytes(self.folder / name, data)


def _bytes(done: Done) -> bytes:
    pa, pq = _arrow()
    columns: dict[str, Any] = {}
    if done.rows is not None:
        columns["index"] = done.rows.numbers["index"]
        for name, label in done.rows.labels.items():
            if name == "clocks":
                for clock in _CLOCKS:
                    kind = pa.float64() if clock.endswith("_hz") else pa.int64()
                    values = pa.array([getattr(c, clock) for c in label.values], kind)
                    columns[clock] = values.take(pa.array(label.codes))
            else:
                codes = pa.array(label.codes.astype(np.int32))
                columns[name] = pa.DictionaryArray.from_arrays(codes, list(label.values))
        columns |= {k: v for k, v in done.rows.numbers.items() if k != "index"}
    table = pa.table(columns).replace_schema_metadata(
        {_META: json.dumps({**vars(done), "failures": [*map(vars, done.failures)], "rows": None})}
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _parsed(data: bytes) -> Done:
    _, pq = _arrow()
    table = pq.read_table(io.BytesIO(data))
    said = json.loads(table.schema.metadata[_META])
    rows = None
    if table.num_columns:
        clocks = zip(*(table.column(clock).to_pylist() for clock in _CLOCKS), strict=True)
        each = [Clocks(*values) for values in clocks]
        labels = {"clocks": _label(each)}
        numbers = {}
        for name in table.column_names:
            if name in _CLOCKS:
                continue
            column = table.column(name)
            if str(column.type).startswith("dictionary"):
                labels[name] = _label(column.to_pylist())
            else:
                numbers[name] = column.to_numpy()
        rows = SweepRows(labels, numbers)
    return Done(
        said["number"], said["digest"], rows, tuple(Failure(**each) for each in said["failures"]),
        tuple(said["warnings"]),
    )  # fmt: skip


def _label(values: list[Any]) -> Label:
    places: dict[Any, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return Label(tuple(places), np.array(codes, dtype=np.int64))


def _arrow() -> tuple[Any, Any]:
    with require("parquet", "leave `output` out"):
        import pyarrow as pa
        import pyarrow.parquet as pq
    return pa, pq
