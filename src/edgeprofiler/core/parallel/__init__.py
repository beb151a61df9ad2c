"""A pure function over many chunks: here, on every core, or on a cluster, with the same answers."""

from edgeprofiler.core.parallel.mapping import Outcome, mapped
from edgeprofiler.core.parallel.workers import ALONE, Workers

__all__ = ["ALONE", "Outcome", "Workers", "mapped"]
