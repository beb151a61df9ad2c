"""Measured quantities in tables: which column holds one, in which unit, and what it can be."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.units import engineering, measured_in
from edgeprofiler.core.values.cells import Row, Sheet
from edgeprofiler.core.values.heading import Heading, split_quantity

_STEPS = (1e-3, 1e-6, 1e6, 1e3)
"""What a number is off by where its unit was mistaken, the likeliest first: of those too low, the
one that makes it SI."""
_PREFIXES = {1.0: "", 1e-3: "m", 1e-6: "u", 1e-9: "n"}
_SIZES = re.compile(r"\s*[x\u00d7*,;\s]\s*")
_LARGEST = 10**6


@dataclass(frozen=True)
class Plausible:
    """What a measured quantity can be; beyond it, its unit was mistaken."""

    what: str
    """In words, for messages: `an inference`."""
    quantity: str
    """`s` or `w`."""
    low: float
    high: float


INFERENCE_TIME = Plausible("an inference takes", "s", 1e-5, 1e3)
LAYER_TIME = Plausible("a layer takes", "s", 1e-8, 10.0)
BOARD_POWER = Plausible("a board draws", "w", 1e-3, 2e3)


@dataclass(frozen=True)
class Measure:
    """A column of a table that holds a measured quantity."""

    column: str
    scale: float
    """Size of its unit in SI; NaN where the heading names none and each cell has to."""
    plausible: Plausible

    def of(self, row: Row) -> float:
        """Return a row's quantity in SI; NaN where the cell is blank.

        Raises:
            InvalidInput: it is no number above 0, names no unit where none is known, or is beyond
                what the quantity can be: the unit that was meant is proposed.
        """
        cell = row[self.column]
        if cell.null:
            return math.nan
        number, unit = split_quantity(cell.text())
        named = measured_in(unit) if unit else (self.scale, self.plausible.quantity)
        if named is None or named[1] != self.plausible.quantity:
            raise cell.wrong(f"a number of {self._unit(1e-3)} or {self._unit(1.0)}")
        scale = named[0]
        if math.isnan(scale):
            problem = "says no unit"
            raise cell.fail(problem, f"name the column {self._named(1e-3)} or {self._named(1.0)}")
        value = cell.of(number).number(above=0) * scale
        if not self.plausible.low <= value <= self.plausible.high:
            shown = engineering(value, self.plausible.quantity.upper().replace("S", "s"))
            much = "more" if value > self.plausible.high else "less"
            raise cell.fail(
                f"is {shown}, {much} than {self.plausible.what}", self._meant(value, scale)
            )
        return value

    def _meant(self, value: float, scale: float) -> str:
        for step in _STEPS:
            unit = float(f"{scale * step:.0e}")
            if unit in _PREFIXES and self.plausible.low <= value * step <= self.plausible.high:
                return f"did you mean {self._unit(unit)}? name the column {self._named(unit)}"
        return "correct it, or leave the cell empty"

    def _unit(self, scale: float) -> str:
        unit = self.plausible.quantity
        return _PREFIXES[scale] + (unit.upper() if unit != "s" else unit)

    def _named(self, scale: float) -> str:
        name = Heading.of(self.column).name
        return f"{plain_name(name)}_{self._unit(scale).lower()}"


def plain_name(column: str) -> str:
    """Return a heading as names of columns are written.

    >>> plain_name(" Power above-idle")
    'power_above_idle'
    """
    return re.sub(r"[\W_]+", "_", column.strip().lower()).strip("_")


def with_names(sheet: Sheet, known: Collection[str]) -> Sheet:
    """Return a table whose columns have their known names, whatever capitals and blanks they had.

    Raises:
        InvalidInput: two columns are one.
    """
    names = {
        column: plain_name(column) if plain_name(column) in known else column
        for column in sheet.columns
    }
    columns = tuple(names.values())
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        both = [column for column, name in names.items() if name == twice]
        raise InvalidInput(
            sheet.source, f"has two columns of {twice}: {both[0]!r} and {both[1]!r}", "keep one"
        )

    def rows() -> Iterator[Row]:
        for row in sheet.rows:
            yield replace(row, cells={names[c]: text for c, text in row.cells.items()})

    return sheet if columns == sheet.columns else replace(sheet, columns=columns, rows=rows())


def measure_in(
    sheet: Sheet, base: str, plausible: Plausible, bare: float | None = math.nan
) -> Measure | None:
    """Return the column that holds a quantity, in whatever unit; `None` where there is none.

    Args:
        base: its name without a unit, `runtime`: `runtime_ms`, `Runtime [s]` and `runtime` are it.
        plausible: what it can be.
        bare: size of the unit in SI where the heading names none; NaN where each cell has to;
            `None` where such a heading is something else.

    Raises:
        InvalidInput: two columns are it.
    """
    found = []
    for column in sheet.columns:
        heading = Heading.of(column)
        if plain_name(heading.name) != base:
            continue
        if heading.quantity == plausible.quantity:
            found.append(Measure(column, heading.scale, plausible))
        elif not heading.quantity and bare is not None:
            found.append(Measure(column, bare, plausible))
    if len(found) > 1:
        raise InvalidInput(
            sheet.source,
            f"has two columns of {base}: {found[0].column!r} and {found[1].column!r}",
            "keep one",
        )
    return found[0] if found else None


def missing_column(sheet: Sheet, name: str, plausible: Plausible | None = None) -> InvalidInput:
    """Return the error that a table lacks a column, with the one that is likely to be meant."""
    like = difflib.get_close_matches(name, [plain_name(c) for c in sheet.columns], 1, 0.6)
    meant = [column for column in sheet.columns if plain_name(column) in like]
    if plausible is not None and not meant:
        meant = [c for c in sheet.columns if Heading.of(c).quantity == plausible.quantity]
    has = ", ".join(sheet.columns)[:200]
    hint = f"rename {meant[0]!r}, if that is it; " if meant else ""
    return InvalidInput(sheet.source, f"lacks the column {name!r}", f"{hint}it has {has}")


def sizes_of(text: str) -> tuple[int, ...]:
    """Return the sizes that a cell names; empty where it is blank.

    >>> sizes_of("224"), sizes_of("3x224x224"), sizes_of("[1, 3, 224, 224]")
    ((224, 224), (3, 224, 224), (1, 3, 224, 224))

    Raises:
        ValueError: they are no sizes.
    """
    inner = text.strip().strip("()[]").strip()
    if not inner:
        return ()
    parts: Sequence[str] = _SIZES.split(inner)
    if not all(re.fullmatch(r"\d{1,7}", part) for part in parts) or len(parts) > 4:
        raise ValueError(text)
    sizes = tuple(int(part) for part in parts)
    if not all(0 < size <= _LARGEST for size in sizes):
        raise ValueError(text)
    return sizes * 2 if len(sizes) == 1 else sizes
