"""A budget that continuous integration can hold, and whether it is kept."""

from edgeprofiler.decision.check.budget import Budget, read_budget, require_asked
from edgeprofiler.decision.check.check import Checked, check, judge
from edgeprofiler.decision.check.verdict import Finding, Rule, Verdict, verdict_of

__all__ = [
    "Budget",
    "Checked",
    "Finding",
    "Rule",
    "Verdict",
    "check",
    "judge",
    "read_budget",
    "require_asked",
    "verdict_of",
]
