"""What to change: sweeps over settings, objectives for search, and advice."""

from edgeprofiler.optimize.objective import Objective, ObjectiveValues, objective
from edgeprofiler.optimize.sweep import Axes, Sweep, pareto_front, sweep

__all__ = [
    "Axes",
    "Objective",
    "ObjectiveValues",
    "Sweep",
    "objective",
    "pareto_front",
    "sweep",
]
