"""Every combination of how a network may run, and which are best."""

from edgeprofiler.decision.sweep.result import Sweep, pareto_front
from edgeprofiler.decision.sweep.sweep import MAX_POINTS, sweep

__all__ = ["MAX_POINTS", "Sweep", "pareto_front", "sweep"]
