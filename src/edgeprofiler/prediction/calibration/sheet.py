"""A table of measured totals as people write it, made the one that is read: names, units, sizes."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from edgeprofiler.core import limits
from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import (
    BOARD_POWER,
    INFERENCE_TIME,
    Measure,
    Plausible,
    Row,
    Sheet,
    measure_in,
    missing_column,
    read_csv,
    with_names,
)

_LOG = logging.getLogger(__name__)

_MEASURED: Mapping[str, tuple[str, Plausible, float]] = {
    "runtime_ms": ("runtime", INFERENCE_TIME, 1e-3),
    "power_above_idle_w": ("power_above_idle", BOARD_POWER, 1.0),
    "power_w": ("power", BOARD_POWER, 1.0),
}
"""Columns that are read, their names without units, what they can be, and their units in SI."""

_BEYOND_BUDGET = 3.0
"""No board draws so many times the budget of its largest mode, carrier board included."""


def measured_sheet(path: Path, required: Collection[str], known: Collection[str]) -> Sheet:
    """Return a table of measured totals with its columns' known names and units.

    Headings may have other capitals, blanks and units (`Runtime [s]`, `power_above_idle_mw`);
    cells may have units, sizes may be `224`. Rows that are listed again are told and left out.

    Args:
        path: the file.
        required: columns that it must have.
        known: all columns that are read.

    Raises:
        InvalidInput: a column is missing, or there twice; and while rows are read: a value cannot
            be what it is said to be, and the unit that was meant is proposed.
    """
    sheet = with_names(read_csv(path), known)
    found = {
        name: measure_in(sheet, base, plausible, bare=None)
        for name, (base, plausible, _) in _MEASURED.items()
    }
    measures = {name: measure for name, measure in found.items() if measure is not None}
    powers = {"power_above_idle_w", "power_w"} & {*measures}
    for name in required:
        if name not in sheet.columns and name not in measures:
            if name == "runtime_ms" and powers:
                continue
            raise missing_column(sheet, name, INFERENCE_TIME if name == "runtime_ms" else None)
    renamed = {measure.column: name for name, measure in measures.items()}
    columns = tuple(renamed.get(column, column) for column in sheet.columns)
    return replace(sheet, columns=columns, rows=_once(_rows(sheet, measures), path))


def _rows(sheet: Sheet, measures: Mapping[str, Measure]) -> Iterator[Row]:
    columns = {measure.column for measure in measures.values()}
    for count, row in enumerate(sheet.rows, 1):
        if count > limits.CSV_ROWS:
            raise InvalidInput(sheet.source, f"has more than {limits.CSV_ROWS} rows")
        cells = {column: text for column, text in row.cells.items() if column not in columns}
        board = cells.get("device", "").strip()
        for name, measure in measures.items():
            value = measure.of(row)
            if measure.plausible is BOARD_POWER and value > _BEYOND_BUDGET * _budget_w(board):
                raise row[measure.column].fail(
                    f"is {value:g} W, and {board} has a budget of {_budget_w(board):g} W",
                    f"did you mean mW? name the column {name.removesuffix('_w')}_mw",
                )
            cells[name] = "" if math.isnan(value) else repr(value / _MEASURED[name][2])
        yield replace(row, cells=cells)


def _once(rows: Iterator[Row], path: Path) -> Iterator[Row]:
    seen: set[tuple[str, ...]] = set()
    again = 0
    for row in rows:
        key = tuple(text.strip() for text in row.cells.values())
        again += key in seen
        if key not in seen:
            seen.add(key)
            yield row
    if again:
        _LOG.warning("warning: %s: %d rows are listed again; each counts once", path.name, again)


@cache
def _budget_w(board: str) -> float:
    """Return the largest budget of a board's modes; infinite where nobody knows."""
    if board not in device_names():
        return math.inf
    budgets = [mode.power_budget_w for mode in load_device(board).modes]
    return max((watts for watts in budgets if math.isfinite(watts)), default=math.inf)
