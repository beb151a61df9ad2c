"""What of EdgeProfiler works on this machine, and what to install for the rest."""

from edgeprofiler.doctor.doctor import Check, Diagnosis, diagnose, to_json

__all__ = ["Check", "Diagnosis", "diagnose", "to_json"]
