"""Is a recording good enough to attribute power from? Verdict and reasons."""

from edgeprofiler.measurement.qa.checks import Check, Limits, Verdict, qa
from edgeprofiler.measurement.qa.document import to_document

__all__ = ["Check", "Limits", "Verdict", "qa", "to_document"]
