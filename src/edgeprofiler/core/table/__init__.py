"""A table once, for every printer: terminal and page elsewhere, Markdown, CSV and LaTeX here."""

from edgeprofiler.core.table.cells import Column, Content, Shown, Tone, Words, shape_words
from edgeprofiler.core.table.table import Field, Line, Table, fact_table, row, tabulate
from edgeprofiler.core.table.writers import csv_text, markdown_code, markdown_text

__all__ = [
    "Column",
    "Content",
    "Field",
    "Line",
    "Shown",
    "Table",
    "Tone",
    "Words",
    "csv_text",
    "fact_table",
    "markdown_code",
    "markdown_text",
    "row",
    "shape_words",
    "tabulate",
]
