"""The noun `Table`: what a command, a page or a report shows of anything that has rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from edgeprofiler.core.table import writers
from edgeprofiler.core.table.cells import Column, Content, Shown, Tone, Words
from edgeprofiler.core.text import short_name, visible

T = TypeVar("T")

Field = tuple[Column, Callable[[T], Content]]
"""A column, and what it shows of an item."""

NAME_WIDTH = 44
"""Characters of a stranger's name on a page, which shows the whole name to who points at it."""

LONG_NAME = 60
"""Characters up to which a text shows a stranger's name whole, as it must be searched for."""


def page_name(name: str) -> str:
    """Return a stranger's name as a page shows it."""
    return short_name(name, NAME_WIDTH)


def _whole_name(name: str) -> str:
    return visible(name) if len(name) <= LONG_NAME else short_name(name, LONG_NAME)


@dataclass(frozen=True)
class Line:
    """A row; `group` is what a page's list chooses rows by."""

    cells: tuple[Content, ...]
    group: str = ""
    tone: Tone = ""


def row(*cells: Content, group: str = "", tone: Tone = "") -> Line:
    """Return a row of these cells."""
    return Line(cells, group, tone)


@dataclass(frozen=True)
class Table:
    """A titled table with what must be known beside it; printers decide how it looks.

    >>> table = Table(
    ...     "Energy by type",
    ...     (Column("type"), Column("energy", "mJ", "number")),
    ...     (row("dense", 0.0021), row("pooling", None)),
    ... )
    >>> print(table.to_csv(), end="")
    type,energy_j
    dense,0.0021
    pooling,
    >>> print(table.to_markdown(), end="")
    **Energy by type**
    <BLANKLINE>
    | type | energy, mJ |
    |---|--:|
    | dense | 2.10 |
    | pooling | - |
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Line, ...]
    notes: tuple[str | Words, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row.cells) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.title}: a row has other cells than the table has columns")

    @property
    def groups(self) -> tuple[str, ...]:
        """What rows can be chosen by."""
        return tuple(dict.fromkeys(row.group for row in self.rows if row.group))

    @property
    def sortable(self) -> bool:
        """Whether its rows can be put in another order: not where each has a unit of its own."""
        return all(column.kind != "quantity" for column in self.columns)

    def cells(self, row: Line, named: Callable[[str], str] = page_name) -> list[Shown]:
        """Return a row as a person reads it, strangers' names as `named` shortens them."""
        return [
            _name(value, named) if column.kind == "name" else column.cell(value)
            for column, value in zip(self.columns, row.cells, strict=True)
        ]

    def only(self, *labels: str) -> Table:
        """Return the table with these columns alone, in this order."""
        places = {column.label: place for place, column in enumerate(self.columns)}
        chosen = [places[label] for label in labels]
        return replace(
            self,
            columns=tuple(self.columns[i] for i in chosen),
            rows=tuple(
                replace(row, cells=tuple(row.cells[i] for i in chosen)) for row in self.rows
            ),
        )

    def without(self, *labels: str) -> Table:
        """Return the table without these columns."""
        return self.only(*(c.label for c in self.columns if c.label not in labels))

    def top(self, count: int) -> Table:
        """Return the table with its first `count` rows alone."""
        return replace(self, rows=self.rows[:count])

    def to_csv(self) -> str:
        """Return CSV: numbers raw in SI, their unit in the column's name, unknown ones empty."""
        return writers.csv_text(
            [name for column in self.columns for name in column.names],
            (
                [
                    part
                    for column, value in zip(self.columns, row.cells, strict=True)
                    for part in column.raw(value)
                ]
                for row in self.rows
            ),
        )

    def to_markdown(self) -> str:
        """Return Markdown in which a stranger's text stays text, and names are code."""
        lines = [f"**{writers.markdown_text(self.title)}**", ""] if self.title else []
        lines.append(writers.markdown_row(self._headings(writers.markdown_text)))
        rules = ("--:" if column.numeric else "---" for column in self.columns)
        lines.append(f"|{'|'.join(rules)}|")
        for row in self.rows:
            cells = self._texts(row, writers.markdown_text, writers.markdown_code)
            lines.append(writers.markdown_row(cells))
        for note in _texts(self.notes):
            lines += ["", writers.markdown_text(note)]
        return "\n".join(lines) + "\n"

    def to_latex(self) -> str:
        r"""Return a LaTeX table for a paper that loads `booktabs`, everything in it escaped.

        >>> columns = Column("layer", kind="name"), Column("share", "%", "number")
        >>> print(Table("Shares", columns, (row("conv_1", 0.25),)).to_latex(), end="")
        \begin{table}
        \caption{Shares}
        \begin{tabular}{lr}
        \toprule
        layer & share, \% \\
        \midrule
        \texttt{conv\_1} & 25.0 \\
        \bottomrule
        \end{tabular}
        \end{table}
        """
        ends = "".join("r" if column.numeric else "l" for column in self.columns)
        rows = [
            writers.latex_row(self._texts(row, writers.latex_text, writers.latex_code))
            for row in self.rows
        ]
        return "\n".join((
            r"\begin{table}",
            *([rf"\caption{{{writers.latex_text(self.title)}}}"] if self.title else []),
            rf"\begin{{tabular}}{{{ends}}}",
            r"\toprule",
            writers.latex_row(self._headings(writers.latex_text)),
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par {writers.latex_text(note)}" for note in _texts(self.notes)),
            r"\end{table}",
            "",
        ))  # fmt: skip

    def _headings(self, escaped: Callable[[str], str]) -> list[str]:
        return [escaped(column.heading) for column in self.columns]

    def _texts(
        self, row: Line, escaped: Callable[[str], str], code: Callable[[str], str]
    ) -> list[str]:
        return [
            code(cell.text) if column.kind == "name" and cell.text else escaped(cell.text)
            for column, cell in zip(self.columns, self.cells(row, _whole_name), strict=True)
        ]


def _name(value: Content, named: Callable[[str], str]) -> Shown:
    name = value.text if isinstance(value, Words) else str(value or "")
    short = named(name)
    tone: Tone = value.tone if isinstance(value, Words) else ""
    return Shown(short, tone=tone, whole="" if short == name else visible(name))


def _texts(notes: Iterable[str | Words]) -> list[str]:
    return [note.text if isinstance(note, Words) else note for note in notes]


def tabulate(
    title: str,
    items: Iterable[T],
    fields: Iterable[Field[T]],
    notes: Sequence[str | Words] = (),
    *,
    group: Callable[[T], str] = lambda _: "",
    tone: Callable[[T], Tone] = lambda _: "",
) -> Table:
    r"""Return a table with a row for each item.

    Args:
        items: what the rows are of.
        fields: the columns, each with what it shows of an item.
        notes: what must be known beside the table.
        group: what a page's list chooses an item's row by.
        tone: how an item's row is meant.

    >>> tabulate("Squares", (2, 3), [(Column("of", kind="count"), lambda n: n),
    ...                              (Column("is", kind="count"), lambda n: n * n)]).to_csv()
    'of,is\n2,4\n3,9\n'
    """
    columns, reads = zip(*fields, strict=True)
    rows = (Line(tuple(read(item) for read in reads), group(item), tone(item)) for item in items)
    return Table(title, columns, tuple(rows), tuple(notes))


def fact_table(title: str, facts: Iterable[tuple[str, str]]) -> Table:
    """Return terms and texts as a table without headings."""
    fields = ((Column(""), lambda fact: fact[0]), (Column(""), lambda fact: fact[1]))
    return tabulate(title, facts, fields)
