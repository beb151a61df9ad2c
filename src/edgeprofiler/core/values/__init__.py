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
from edgeprofiler.core.values.measures import (
    BOARD_POWER,
    INFERENCE_TIME,
    LAYER_TIME,
    Measure,
    Plausible,
    measure_in,
    missing_column,
    plain_name,
    sizes_of,
    with_names,
)
from edgeprofiler.core.values.value import Value, clean, plain_shape, shown

__all__ = [
    "BOARD_POWER",
    "INFERENCE_TIME",
    "LAYER_TIME",
    "Heading",
    "Measure",
    "Plausible",
    "Row",
    "Sheet",
    "Value",
    "clean",
    "measure_in",
    "missing_column",
    "parse_csv",
    "parse_json",
    "parse_toml",
    "plain_name",
    "plain_shape",
    "read_csv",
    "read_json",
    "read_toml",
    "shipped_toml",
    "shown",
    "sizes_of",
    "split_quantity",
    "with_names",
]
