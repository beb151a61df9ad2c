"""Data sets on disk: `layers.parquet` and `dataset.json` in a folder; CSV as well."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeprofiler.core import files
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.extras import require
from edgeprofiler.core.folders import atomic_folder
from edgeprofiler.core.table import csv_text
from edgeprofiler.core.targets import check_folder
from edgeprofiler.core.values import (
    BOARD_POWER,
    LAYER_TIME,
    Value,
    measure_in,
    read_csv,
    read_json,
    with_names,
)
from edgeprofiler.learning.dataset.parquet import read_parquet
from edgeprofiler.learning.dataset.table import BY_NAME, COLUMNS, SCHEMA, Dataset, from_columns

LAYERS = "layers.parquet"
DESCRIPTION = "dataset.json"

_MEASURED = {"s": LAYER_TIME, "w": BOARD_POWER}
"""What columns in seconds and watts hold; a file may have them in other units, as headings say."""


def load_dataset(path: Path) -> Dataset:
    """Return the data set in a folder, a Parquet file or a CSV file.

    Raises:
        InvalidInput: it is missing, malformed, or a value cannot be; row and column are named.
        Unavailable: pyarrow is not installed.
    """
    if path.is_dir():
        if not (path / LAYERS).is_file():
            raise InvalidInput(
                path, f"has no {LAYERS}", "make it with `edgeprofiler dataset build`"
            )
        data = load_dataset(path / LAYERS)
        expected = _expected(path / DESCRIPTION)
        if expected is not None and expected != data.sha256:
            raise InvalidInput(
                path, f"{LAYERS} is not the data set that {DESCRIPTION} describes", "build it again"
            )
        return data
    if path.suffix == ".csv":
        return from_columns(_read_csv(path), path)
    return from_columns(read_parquet(path), path)


def require_writable(folder: Path) -> None:
    """Raise what `save_dataset` would raise of `folder`, before the work is done."""
    _arrow()
    check_folder(folder)


def save_dataset(data: Dataset, folder: Path, notes: Sequence[str] = ()) -> None:
    """Write a data set into `folder`, which is made; rows in canonical order.

    Raises:
        CannotWrite: the folder cannot be made or written.
        Unavailable: pyarrow is not installed.
    """
    ordered = data.sorted()
    description = {
        "schema": SCHEMA,
        "rows": len(ordered),
        "networks": list(ordered.networks),
        "sha256": ordered.sha256,
        "columns": {column.name: column.meaning for column in COLUMNS},
        "notes": list(notes),
    }
    with atomic_folder(folder) as made:
        files.write_bytes(made / LAYERS, parquet_bytes(ordered))
        files.write_text(made / DESCRIPTION, files.dump_json(description))


def parquet_bytes(data: Dataset) -> bytes:
    """Return a data set as a Parquet file."""
    pa, pq = _arrow()
    table = pa.table(
        {
            column.name: pa.array(data.columns[column.name].tolist(), type=_arrow_type(pa, column))
            for column in COLUMNS
        }
    )
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"schema": SCHEMA}), sink, compression="zstd")
    return sink.getvalue()


def to_csv(data: Dataset) -> str:
    """Return a data set as CSV; unknown numbers are empty cells."""
    values = [data.columns[column.name].tolist() for column in COLUMNS]
    return csv_text([column.name for column in COLUMNS], zip(*values, strict=True))


def _expected(path: Path) -> str | None:
    return read_json(path)["sha256"].maybe(Value.text) if path.is_file() else None


def _read_csv(path: Path) -> dict[str, list[Any]]:
    sheet = with_names(read_csv(path), BY_NAME)
    measures = {}
    for column in COLUMNS:
        base, _, unit = column.name.rpartition("_")
        if unit in _MEASURED and column.name not in sheet.columns:
            measures[column.name] = measure_in(sheet, base, _MEASURED[unit])
    other = {m.column: (name, m) for name, m in measures.items() if m is not None}
    found: dict[str, list[Any]] = {
        other[name][0] if name in other else name: [] for name in sheet.columns
    }
    for row in sheet.rows:
        for name, text in row.cells.items():
            if name in other:
                found[other[name][0]].append(other[name][1].of(row))
            else:
                fact = BY_NAME.get(name)
                number = fact is not None and fact.type != "text"
                found[name].append(row.dialect.number(text.strip()) if number else text)
    return found


def _arrow_type(pa: Any, column: Any) -> Any:
    return {"text": pa.string(), "number": pa.float64(), "integer": pa.int64()}[column.type]


def _arrow() -> tuple[Any, Any]:
    with require("learn", "use a CSV file"):
        import pyarrow as pa
        import pyarrow.parquet as pq
    return pa, pq
