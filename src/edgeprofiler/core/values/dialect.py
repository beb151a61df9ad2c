"""How a table is written: what separates its cells, and what its numbers' fractions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t", "|")
_QUOTED = re.compile(r'"[^"\n]*"')
_NAMED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LOOKED_AT = 1_000_000
"""Characters that are looked at to tell commas of fractions from those of thousands."""


@dataclass(frozen=True)
class Dialect:
    """How a table is written."""

    separator: str = ","
    decimal_comma: bool = False
    """Whether `8,4` is a number; never where commas separate cells."""
    skipped: int = 0
    """Characters before the header: the line `sep=;` with which Excel says its separator."""

    def number(self, text: str) -> str:
        """Return a cell's text as Python writes numbers."""
        if self.decimal_comma and "." not in text and text.count(",") == 1:
            return text.replace(",", ".")
        return text


def lines_of(text: str, start: int = 0) -> Iterator[str]:
    r"""Yield the lines of a text with their ends, as an editor counts them.

    `str.splitlines` ends lines at form feeds and six other characters too, which stand in cells.

    >>> [*lines_of("a\x0cb\r\nc")]
    ['a\x0cb\r\n', 'c']
    """
    return (found.group() for found in _LINE.finditer(text, start))


def dialect_of(text: str) -> Dialect:
    """Return how a table is written, told by its header and its numbers.

    >>> dialect_of("network;runtime_ms" + chr(10) + "vgg16;8,4")
    Dialect(separator=';', decimal_comma=True, skipped=0)
    """
    named = _NAMED.match(text)
    skipped = named.end() if named is not None else 0
    if named is not None and named.group(1) in SEPARATORS:
        separator = named.group(1)
    else:
        header = _QUOTED.sub("", next(lines_of(text[:_LOOKED_AT].lstrip()), ""))
        separator = max(SEPARATORS, key=header.count)  # the first of those that are as many
    if separator == ",":
        return Dialect(skipped=skipped)
    return Dialect(separator, _has_decimal_commas(text[skipped:_LOOKED_AT], separator), skipped)


def _has_decimal_commas(text: str, separator: str) -> bool:
    cell = rf'(?:^|[{re.escape(separator)}])\s*"?\s*[+-]?(\d+){{mark}}(\d+)(?=[eE"\s{separator}]|$)'
    commas = re.findall(cell.format(mark=","), text, re.MULTILINE)
    if not commas:
        return False
    # 1,234 beside 1.5 has thousands; 0,234 and 1,5 have not
    points = re.search(cell.format(mark=r"\."), text, re.MULTILINE)
    return points is None or any(len(after) != 3 or before == "0" for before, after in commas)
