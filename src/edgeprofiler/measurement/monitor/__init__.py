"""Energy, mean and peak power of a block of code, of a function's calls, or of a program."""

from edgeprofiler.measurement.monitor.measuring import Measurement, evaluate, measure
from edgeprofiler.measurement.monitor.program import run_program
from edgeprofiler.measurement.monitor.watching import Look, watch

__all__ = ["Look", "Measurement", "evaluate", "measure", "run_program", "watch"]
