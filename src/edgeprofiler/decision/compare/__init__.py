"""Profiles side by side: where the difference is, and whether it is one."""

from edgeprofiler.decision.check import Budget, Finding, check, read_budget
from edgeprofiler.decision.compare.align import LayerPair, align
from edgeprofiler.decision.compare.difference import Comparison, LayerChange, compare

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
