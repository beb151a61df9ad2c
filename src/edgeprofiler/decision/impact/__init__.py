"""What a network's energy means: battery life, and energy, CO2e and cost of a fleet."""

from edgeprofiler.decision.impact.impact import Assumptions, Impact, assess, impact, mean_power

__all__ = ["Assumptions", "Impact", "assess", "impact", "mean_power"]
