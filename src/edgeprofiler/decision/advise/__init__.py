"""What to change of a network and of how it runs."""

from edgeprofiler.decision.advise.advise import Advice, advise
from edgeprofiler.decision.advise.change import RISK, Change, Options, Plan, Refusal, State, Target
from edgeprofiler.decision.advise.search import plan_for, single_changes

__all__ = [
    "RISK",
    "Advice",
    "Change",
    "Options",
    "Plan",
    "Refusal",
    "State",
    "Target",
    "advise",
    "plan_for",
    "single_changes",
]
