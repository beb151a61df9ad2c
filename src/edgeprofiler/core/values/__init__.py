"""Values from strangers' files: JSON, TOML and CSV, checked where they are read.

A `Value` knows its file and its place in it, so that whatever is wrong is one line that names both
and says what was expected.
"""

from edgeprofiler.core.values.cells import Row, Sheet, parse_csv, read_csv
from edgeprofiler.core.values.documents import (
    parse_json,
    parse_toml,
    read_json,
    read_toml,
    shipped_toml,
)
from edgeprofiler.core.values.heading import Heading, split_quantity
from edgeprofiler.core.values.value import Value, clean, shown

__all__ = [
    "Heading",
    "Row",
    "Sheet",
    "Value",
    "clean",
    "parse_csv",
    "parse_json",
    "parse_toml",
    "read_csv",
    "read_json",
    "read_toml",
    "shipped_toml",
    "shown",
    "split_quantity",
]
