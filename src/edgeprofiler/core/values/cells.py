"""CSV, row by row, however it is written; every cell knows its line and column."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import read_text
from edgeprofiler.core.values.dialect import Dialect, dialect_of, lines_of
from edgeprofiler.core.values.value import Value

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")

_PLAIN = Dialect()
_ROW_CELLS = 8
"""Cells whose time a row takes at least, however few it has."""


class Cell(Value):
    """A cell of a CSV file: a text until it is asked for as a number; null where it is blank."""

    __slots__ = ("dialect",)

    _NULL = "empty"

    def __init__(
        self,
        raw: Any,
        source: object,
        place: str | tuple[Value, str | int] = "",
        dialect: Dialect = _PLAIN,
    ) -> None:
        """Make a cell; arguments are those of `Value`, and how the file writes numbers."""
        super().__init__(raw, source, place)
        self.dialect = dialect

    def _like(self, raw: Any, place: str | tuple[Value, str | int]) -> Cell:
        return Cell(raw, self.source, place, self.dialect)

    @property
    def null(self) -> bool:
        """Whether nothing stands there, blanks left out."""
        return self.raw is None or (isinstance(self.raw, str) and not self.raw.strip())

    def _scalar(self) -> Any:
        if not isinstance(self.raw, str):
            return self.raw
        text = self.dialect.number(self.raw.strip())
        if _INTEGER.fullmatch(text):
            return int(text)
        try:
            # "1_000" is a number to Python alone
            return self.raw if "_" in text else float(text)
        except ValueError:
            return self.raw


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV file.

    >>> row = Row({"network": "vgg16", "runtime_ms": "8,4"}, "measured.csv", 12)
    >>> row["runtime_ms"].number(above=0)
    Traceback (most recent call last):
    edgeprofiler.core.errors.InvalidInput: measured.csv: line 12, column runtime_ms is '8,4', ...
    """

    cells: Mapping[str, str]
    source: object
    line: int
    """Where it begins: a cell in quotes may go on over further lines."""
    dialect: Dialect = _PLAIN

    def __getitem__(self, column: str) -> Value:
        place = f"line {self.line}, column {column}"
        return Cell(self.cells.get(column), self.source, place, self.dialect)

    def first(self, *columns: str) -> Value:
        """Return the cell of the first of `columns` that the file has.

        Raises:
            InvalidInput: it has none of them.
        """
        return self[_first(columns, self.cells, self.source)]

    def fail(self, problem: str, remedy: str = "") -> InvalidInput:
        """Return the error that says what is wrong with the row."""
        return InvalidInput(self.source, f"line {self.line} {problem}", remedy)


@dataclass(frozen=True)
class Sheet:
    """A CSV file: its columns, and its rows as they are asked for."""

    source: object
    columns: tuple[str, ...]
    rows: Iterator[Row]

    def column(self, *names: str) -> str:
        """Return the first of `names` that is a column.

        Raises:
            InvalidInput: none is.
        """
        return _first(names, self.columns, self.source)


def _first(names: Sequence[str], columns: Collection[str], source: object) -> str:
    for name in names:
        if name in columns:
            return name
    has = ", ".join(columns)
    raise InvalidInput(source, f"has no column {names[0]!r}", f"it has {has[:200]}")


def read_csv(path: Path, max_bytes: int = limits.TEXT_BYTES) -> Sheet:
    """Return the columns and rows of a CSV file with a header; blank lines are passed over.

    Cells may be separated by commas, semicolons, tabs or bars, and numbers may have decimal
    commas where no commas separate cells.

    Raises:
        InvalidInput: it cannot be read, is no UTF-8 or no CSV, a column's name stands twice; and
            while its rows are read: a row has more or fewer cells than the header.
    """
    return parse_csv(read_text(path, max_bytes), path)


def parse_csv(text: str, source: object, before: int = 0, *, header: bool = True) -> Sheet:
    """Return the columns and rows of a CSV text; see `read_csv`.

    Args:
        text: the text, from its header on.
        before: lines of the file before the text, for messages.
        header: whether the first line names the columns; else they are `1`, `2`, `3`.
    """
    dialect = dialect_of(text)
    feed = _Feed(text, dialect.skipped, source, before + (dialect.skipped > 0))
    lines = _lines(feed, dialect.separator)
    first = next(lines, (0, []))
    columns = tuple(name.strip() for name in first[1])
    if not header:
        lines, columns = itertools.chain([first], lines), _numbered(first[1])
    if len(columns) > limits.CSV_COLUMNS:
        problem = f"has {len(columns)} columns; the limit is {limits.CSV_COLUMNS}"
        raise InvalidInput(source, problem)
    twice = next((name for name, times in Counter(columns).items() if name and times > 1), None)
    if twice is not None:
        raise InvalidInput(source, f"has two columns named {twice!r}", "give each a name")
    return Sheet(source, columns, _rows(lines, columns, source, dialect))


def _numbered(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(place) for place in range(1, len(cells) + 1))


class _Feed:
    """The lines of a text with their ends, for a reader that takes as many as a row has."""

    def __init__(self, text: str, start: int, source: object, before: int) -> None:
        self._lines = lines_of(text, start)
        self._taken = before
        self._long = 0
        self.source = source
        self.line = before
        """Number of the row's first line in the file."""

    def begin(self) -> None:
        """Say that what comes next begins a row."""
        self.line, self._long = self._taken + 1, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._taken += 1
        self._long += len(line)
        if self._long > limits.CSV_LINE:
            problem = f"line {self.line} begins a row of more than {limits.CSV_LINE} characters"
            raise InvalidInput(self.source, problem)
        return line


def _lines(feed: _Feed, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(feed, delimiter=separator)
    while True:
        feed.begin()
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InvalidInput(feed.source, f"is no CSV (line {feed.line}: {error})") from None
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield feed.line, row


def _rows(
    lines: Iterator[tuple[int, list[str]]],
    columns: tuple[str, ...],
    source: object,
    dialect: Dialect,
) -> Iterator[Row]:
    taken = 0
    for line, cells in lines:
        taken += max(len(cells), _ROW_CELLS)
        if taken > limits.CSV_CELLS:
            raise InvalidInput(source, f"is too long a table (line {line})", "split it")
        if len(cells) != len(columns):
            raise InvalidInput(
                source, f"line {line} has {len(cells)} cells, the header {len(columns)}"
            )
        yield Row(dict(zip(columns, cells, strict=True)), source, line, dialect)
