"""Profiles side by side: where the difference is, and whether it is one."""

from edgeprofiler.decision.compare.align import LayerPair, align
from edgeprofiler.decision.compare.difference import Comparison, LayerChange, compare

__all__ = ["Comparison", "LayerChange", "LayerPair", "align", "compare"]
