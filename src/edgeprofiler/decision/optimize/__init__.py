"""What to change: sweeps over settings, objectives for search, and advice."""

from edgeprofiler.decision.optimize.advise import (
    Budget,
    Options,
    Plan,
    State,
    advise,
    single_changes,
)
from edgeprofiler.decision.optimize.objective import Objective, ObjectiveValues, objective
from edgeprofiler.decision.optimize.sweep import Axes, Sweep, pareto_front, sweep

__all__ = [
    "Axes",
    "Budget",
    "Objective",
    "ObjectiveValues",
    "Options",
    "Plan",
    "State",
    "Sweep",
    "advise",
    "objective",
    "pareto_front",
    "single_changes",
    "sweep",
]
