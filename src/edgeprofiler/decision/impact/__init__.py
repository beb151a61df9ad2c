"""What a network's energy means: battery life, and energy, CO2e and cost of a fleet."""

from edgeprofiler.decision.impact.impact import Assumptions, Impact, assess
from edgeprofiler.decision.impact.quantities import (
    parse_battery,
    parse_duty,
    parse_intensity,
    parse_price,
    parse_rate,
)

__all__ = [
    "Assumptions",
    "Impact",
    "assess",
    "parse_battery",
    "parse_duty",
    "parse_intensity",
    "parse_price",
    "parse_rate",
]
