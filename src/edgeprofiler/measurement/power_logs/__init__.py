"""Power logs of other tools: each form is a small recogniser and what its columns hold."""

from edgeprofiler.measurement.power_logs.asked import LogOptions
from edgeprofiler.measurement.power_logs.log import ForeignLog
from edgeprofiler.measurement.power_logs.reading import read_log

__all__ = ["ForeignLog", "LogOptions", "read_log"]
