"""Parquet files of strangers, unpacked by pyarrow in a process with bounds.

The footer is checked before anything is unpacked. What follows it may still lie, and pyarrow
unpacks a page whole; so the process that does it may take so much memory and no more. It answers
with the columns as an archive of arrays.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import children, files, limits
from edgeprofiler.core.archives import members, parse_array
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.extras import require
from edgeprofiler.core.text import first_line
from edgeprofiler.core.values import parse_json
from edgeprofiler.learning.dataset.table import BY_NAME

_BOUNDS = children.Bounds(
    limits.DATASET_MEMORY_BYTES, limits.DATASET_SECONDS, limits.DATASET_MEMORY_BYTES
)


def read_parquet(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a Parquet file that a data set knows; null is `None`.

    Columns that it does not know are named, with nothing in them but `None`.

    Raises:
        InvalidInput: it is no Parquet file, holds two columns of one name, too many rows or
            columns, or cannot be unpacked within bounds.
        Unavailable: pyarrow is not installed.
    """
    files.check_readable(path, limits.PARQUET_BYTES)
    data = children.ask(__name__, {"path": str(path.absolute())}, _BOUNDS, path)
    return parse_columns(data, path)


def parse_columns(data: bytes, path: Path) -> dict[str, list[Any]]:
    """Return the columns in what the process answers; see `packed_columns`."""
    found = dict(members(data, path, limits.DATASET_MEMORY_BYTES))
    columns: dict[str, list[Any]] = {}
    for number, column in enumerate(parse_json(found["columns.json"], path).raw):
        absent, values = (
            parse_array(found[f"{number}.{part}.npy"], path).tolist()
            if f"{number}.{part}.npy" in found
            else None
            for part in ("absent", "values")
        )
        texts = column["texts"]
        if values is None or absent is None:
            columns[column["name"]] = [None] * column["rows"]
        elif texts is None:
            columns[column["name"]] = [
                None if no else value for value, no in zip(values, absent, strict=True)
            ]
        else:
            columns[column["name"]] = [
                None if no else texts[place] for place, no in zip(values, absent, strict=True)
            ]
    return columns


def packed_columns(task: Mapping[str, Any]) -> bytes:
    """Return the columns of a file as an archive of arrays: the process's work.

    Raises:
        InvalidInput: it is no Parquet file, or its footer tells of what is not taken.
    """
    path = Path(task["path"])
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, pre_buffer=False)
        _check(file, path)
        return _packed(file, path)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise InvalidInput(path, f"is no Parquet file ({first_line(error, 120)})") from None


def _check(file: Any, path: Path) -> None:
    """Refuse by the footer what would become too large, or cannot be told apart."""
    names, rows = file.schema_arrow.names, file.metadata.num_rows
    if len(names) > limits.DATASET_COLUMNS:
        raise InvalidInput(path, f"has {len(names)} columns, more than {limits.DATASET_COLUMNS}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput(path, f"has two columns named {twice!r}", "give each a name")
    if rows * len(names) > limits.DATASET_CELLS:
        raise InvalidInput(
            path,
            f"has {rows:,} rows of {len(names)} columns, more than {limits.DATASET_CELLS:,} cells",
            "split it",
        )


def _packed(file: Any, path: Path) -> bytes:
    buffer = io.BytesIO()
    told = []
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, field in enumerate(file.schema_arrow):
            texts = None
            if field.name in BY_NAME:
                absent, values, texts = _column(file, field, path)
                for part, array in (("absent", absent), ("values", values)):
                    with archive.open(f"{number}.{part}.npy", "w") as entry:
                        np.lib.format.write_array(entry, array, allow_pickle=False)
            told.append({"name": field.name, "rows": file.metadata.num_rows, "texts": texts})
        archive.writestr("columns.json", json.dumps(told))
    return buffer.getvalue()


def _column(file: Any, field: Any, path: Path) -> tuple[Any, Any, list[str] | None]:
    """Return which values of a column are null, its numbers, or the places of its texts."""
    import pyarrow as pa
    import pyarrow.types as kinds

    column = file.read([field.name], use_threads=False).column(field.name).combine_chunks()
    absent = column.is_null().to_numpy(zero_copy_only=False)
    if kinds.is_null(field.type):
        return absent, np.zeros(len(column)), None
    if kinds.is_string(field.type) or kinds.is_large_string(field.type):
        column = column.dictionary_encode()
    if kinds.is_dictionary(column.type):
        column.validate(full=True)
        places = column.indices.fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False)
        return absent, places, [str(text) for text in column.dictionary.to_pylist()]
    whole = kinds.is_integer(field.type) or kinds.is_boolean(field.type)
    if not (whole or kinds.is_floating(field.type)):
        raise InvalidInput(path, f"column {field.name!r} holds {str(field.type)[:40]}")
    column = column.cast(pa.int64() if whole else pa.float64())
    return absent, column.fill_null(0).to_numpy(zero_copy_only=False), None


def _prepare() -> None:
    # The other allocators reserve more address space than they use, and that is what is bounded.
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    with require("learn", "use a CSV file"):
        import pyarrow.parquet  # noqa: F401


if __name__ == "__main__":
    children.answer_once(_prepare, packed_columns)
