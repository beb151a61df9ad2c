"""Is a recording good enough to attribute power from? Verdict and reasons."""

from edgeprofiler.measurement.qa.checks import Check, Limits, Verdict, inspect_recording

__all__ = ["Check", "Limits", "Verdict", "inspect_recording"]
