"""Every combination of how a network may run, and which are best."""

from edgeprofiler.decision.sweep.front import pareto_front
from edgeprofiler.decision.sweep.result import Sweep
from edgeprofiler.decision.sweep.sweep import sweep

__all__ = ["Sweep", "pareto_front", "sweep"]
