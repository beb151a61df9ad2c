"""The terminal as a place to read: paragraphs and tables, whatever the names in them hold.

All text for people passes here or through `edgeprofiler.cli.common.note`; both show characters
that would act on a terminal instead of sending them there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from edgeprofiler.core.table import Words
from edgeprofiler.core.text import short_name, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

    from edgeprofiler.core.table import Column, Shown, Table, Tone

WIDTH = 80
"""Columns where the output is no terminal."""

_LONGEST_NAME = 120
"""Characters of a name that are folded into its column; the middle of longer ones is left out."""

_NARROWEST = {"name": 20, "text": 14}
"""Width to which a column of words can shrink before another column is left out."""

_MOST_LINES = 9
"""Lines that the heading of a column may take where there is no room."""

_STYLES = {"strong": "bold", "good": "green", "doubt": "yellow", "bad": "red", "quiet": "dim"}


class Screen:
    """Standard output, or standard error, for a person."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        from rich.console import Console

        stream = sys.stderr if to_stderr else sys.stdout
        width = None if stream.isatty() else WIDTH
        self.console: Console = Console(
            stderr=to_stderr, width=width, highlight=False, markup=False, emoji=False
        )

    def say(self, text: str = "", tone: Tone = "") -> None:
        """Print a paragraph, folded at the screen's width."""
        self.console.print(visible(text, keep="\n"), style=_STYLES.get(tone) or None)

    def show(self, *tables: Table) -> None:
        """Print tables, each with its title and notes; without rows, its notes alone."""
        for number, table in enumerate(tables):
            if number:
                self.say()
            if table.rows:
                if table.title:
                    self.say(table.title, "strong")
                self.console.print(self._drawn(table))
            for note in table.notes:
                words = Words(note, "quiet") if isinstance(note, str) else note
                self.say(words.text, words.tone)

    def _drawn(self, table: Table) -> RichTable:
        from rich.padding import Padding
        from rich.table import Table as RichTable
        from rich.text import Text

        from edgeprofiler.cli.cells import Cell

        room = self.console.width
        longest = max(_LONGEST_NAME, room)
        grid = [table.cells(row, lambda name: short_name(name, longest)) for row in table.rows]
        for lines in (1, 2, _MOST_LINES):
            widths = _widths(table.columns, grid, lines)
            if sum(widths) + 2 * (len(widths) - 1) <= room:
                break
        shown = _shown(table.columns, widths, room)
        gap = 2 if sum(widths[i] + 2 for i in shown) <= room + 2 else 1
        drawn = RichTable(
            box=None,
            pad_edge=False,
            padding=0,
            show_header=any(table.columns[i].heading for i in shown),
            header_style="bold",
        )
        gaps = {place: gap if place != shown[-1] else 0 for place in shown}
        for place in shown:
            column = table.columns[place]
            words = column.kind in _NARROWEST
            drawn.add_column(
                Padding(Text(visible(column.heading)), (0, gaps[place], 0, 0)),
                justify="right" if column.numeric else "left",
                overflow="fold",
                width=None if words else widths[place] + gaps[place],
            )
        for row, cells in zip(table.rows, grid, strict=True):
            drawn.add_row(
                *(
                    Cell(
                        cells[i].text,
                        _STYLES.get(cells[i].tone, ""),
                        right=table.columns[i].numeric,
                        folds=table.columns[i].kind in _NARROWEST,
                        gap=gaps[i],
                    )
                    for i in shown
                ),
                style=_STYLES.get(row.tone),
            )
        return drawn


def _widths(columns: Sequence[Column], grid: Sequence[Sequence[Shown]], lines: int) -> list[int]:
    """Width that each column would take with its heading folded into so many lines."""
    from rich.cells import cell_len

    def heading(text: str) -> int:
        words = text.split()
        narrowest = max(map(len, words), default=0)
        widths = range(narrowest, len(text) + 1)
        return next(width for width in widths if len(wrap(text, max(width, 1))) <= lines)

    return [
        max([cell_len(row[place].text) for row in grid] + [heading(column.heading)])
        for place, column in enumerate(columns)
    ]


def _shown(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    """Places of the columns that fit beside each other, those of highest rank left out first."""
    shown = list(range(len(columns)))

    def narrowest(place: int) -> int:
        return min(widths[place], _NARROWEST.get(columns[place].kind, widths[place]))

    while sum(narrowest(place) + 1 for place in shown) > room + 1:
        last = max(shown, key=lambda place: columns[place].rank)
        if not columns[last].rank:
            break
        shown.remove(last)
    return shown
