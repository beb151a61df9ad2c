"""A simulated board with known truth. It shares no code with predictors and attribution."""

from edgeprofiler.measurement.simulator.device import BOARDS, SimulatedDevice, TrueCosts, true_costs
from edgeprofiler.measurement.simulator.model import SensorModel, Structure
from edgeprofiler.measurement.simulator.simulate import Truth, simulate

__all__ = [
    "BOARDS",
    "SensorModel",
    "SimulatedDevice",
    "Structure",
    "TrueCosts",
    "Truth",
    "simulate",
    "true_costs",
]
