"""Measured layers as rows to learn from: reading, checking, describing, features."""

from edgeprofiler.learning.dataset.check import check
from edgeprofiler.learning.dataset.rows import columns_of, layers_of, rows_of
from edgeprofiler.learning.dataset.table import COLUMNS, SCHEMA, Dataset

__all__ = ["COLUMNS", "SCHEMA", "Dataset", "check", "columns_of", "layers_of", "rows_of"]
