"""Profiles side by side: where the difference is, and whether it is one."""

from edgeprofiler.decision.compare.align import LayerPair, align
from edgeprofiler.decision.compare.compare import SideBySide, compare
from edgeprofiler.decision.compare.difference import Comparison, LayerChange, difference
from edgeprofiler.decision.compare.document import comparisons_document

__all__ = [
    "Comparison",
    "LayerChange",
    "LayerPair",
    "SideBySide",
    "align",
    "compare",
    "comparisons_document",
    "difference",
]
