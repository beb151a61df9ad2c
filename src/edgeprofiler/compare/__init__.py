"""Profiles side by side: where the difference is, and whether it is one."""

from edgeprofiler.compare.align import LayerPair, align
from edgeprofiler.compare.budget import Budget, Finding, check, read_budget
from edgeprofiler.compare.difference import Comparison, LayerChange, compare

__all__ = [
    "Budget",
    "Comparison",
    "Finding",
    "LayerChange",
    "LayerPair",
    "align",
    "check",
    "compare",
    "read_budget",
]
