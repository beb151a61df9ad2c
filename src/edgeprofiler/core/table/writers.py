"""Rows as text: CSV, Markdown and LaTeX, each with its own way of keeping a text a text."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence

from edgeprofiler.core.text import visible

_MARKDOWN = str.maketrans({sign: "\\" + sign for sign in "\\`*_[]<>|~$"})
_LATEX = str.maketrans(
    {
        **{sign: "\\" + sign for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "µ": r"\textmu{}",
        "°": r"\textdegree{}",
        "…": r"\ldots{}",
    }
)


def csv_text(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return CSV with a line of names; unknown numbers are empty cells, texts are kept exactly.

    >>> csv_text(["layer", "runtime_s"], [["a\rb", 0.002], ["c", math.nan]])
    'layer,runtime_s\n"a\rb",0.002\nc,\n'
    """
    lines = _Lines()
    # With this terminator a lone carriage return in a name is quoted too.
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "".join(lines.rows)


def _cell(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\0", "\\x00")  # which Python's reader takes for the end of a file
    return None if isinstance(value, float) and not math.isfinite(value) else value


class _Lines:
    """Takes whole rows from `csv.writer` and ends them as text files here do."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def write(self, row: str) -> None:
        self.rows.append(row.removesuffix("\r\n") + "\n")


def markdown_row(cells: Iterable[str]) -> str:
    """Return a line of a Markdown table from cells that are escaped."""
    return f"| {' | '.join(cells)} |"


def markdown_text(text: str) -> str:
    """Return a text in which Markdown finds no markup, no link and no further column."""
    return visible(text).translate(_MARKDOWN)


def markdown_code(name: str) -> str:
    """Return a name as code, where nothing is markup or a mention."""
    return "`" + visible(name).replace("`", "'").replace("|", "/") + "`"


def latex_row(cells: Iterable[str]) -> str:
    r"""Return a line of a LaTeX table from cells that are escaped."""
    return rf"{' & '.join(cells)} \\"


def latex_text(text: str) -> str:
    r"""Return a text in which LaTeX finds no command.

    >>> latex_text("50 % of conv_1")
    '50 \\% of conv\\_1'
    """
    return visible(text).translate(_LATEX)


def latex_code(name: str) -> str:
    """Return a name in a typewriter's letters, as papers show code."""
    return rf"\texttt{{{latex_text(name)}}}"
