"""Is a recording good enough to attribute power from? Verdict and reasons."""

from edgeprofiler.measurement.qa.checks import Observation, Thresholds, Verdict, qa
from edgeprofiler.measurement.qa.document import to_document

__all__ = ["Observation", "Thresholds", "Verdict", "qa", "to_document"]
