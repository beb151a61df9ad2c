"""Cells of tables as rich draws them.

What fits stands there at once: to look each cell through for places to fold it, and to pad it,
took a seventh of the time that a prediction takes on the command line.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text


class Cell:
    """A cell of a column."""

    def __init__(self, text: str, style: str, *, right: bool, folds: bool, gap: int) -> None:
        """Make a cell.

        Args:
            text: what stands in it.
            style: rich's name of its style; empty for none.
            right: whether it stands on the right of its column.
            folds: whether it goes on in further lines where it does not fit.
            gap: blanks behind it.
        """
        self.text, self.style = text, style
        self.right, self.folds, self.gap = right, folds, gap

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = max(map(cell_len, self.text.split()), default=0)
        return Measurement(longest + self.gap, cell_len(self.text) + self.gap)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        free = options.max_width - self.gap - cell_len(self.text)
        if free < 0 or "\n" in self.text:
            text = Text(self.text, self.style, no_wrap=None if self.folds else True)
            yield Padding(text, (0, self.gap, 0, 0))
            return
        before, after = (free, 0) if self.right else (0, free)
        if before:
            yield Segment(" " * before)
        yield Segment(self.text, console.get_style(self.style) if self.style else None)
        if after + self.gap:
            yield Segment(" " * (after + self.gap))
