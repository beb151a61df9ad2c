"""What to change of a network and of how it runs."""

from edgeprofiler.decision.advise.advise import Advice, advise
from edgeprofiler.decision.advise.change import RISK, Budget, Change, Options, Plan, State
from edgeprofiler.decision.advise.search import plan_for, single_changes

__all__ = [
    "RISK",
    "Advice",
    "Budget",
    "Change",
    "Options",
    "Plan",
    "State",
    "advise",
    "plan_for",
    "single_changes",
]
