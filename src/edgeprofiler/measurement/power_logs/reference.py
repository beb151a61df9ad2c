"""Power logs of the reference's layout, `YYYYmmdd-HH:MM:SS.ffffff,<mV>,<mA>`, by themselves."""

from __future__ import annotations

import re
from pathlib import Path

from edgeprofiler.measurement.power_logs.log import ForeignLog
from edgeprofiler.measurement.power_logs.stamps import Reading, in_zone
from edgeprofiler.measurement.recording import PowerTrace
from edgeprofiler.measurement.recording.power_log import read_power_log

_LINE = re.compile(r"\s*\d{8}-\d\d:\d\d:\d\d[^,]*,")
_RAIL = "VDD_IN"


def is_reference(line: str) -> bool:
    """Say whether a line is of this layout."""
    return _LINE.match(line) is not None


def read_reference_log(path: Path, how: Reading) -> ForeignLog:
    """Return a log of this layout; `read_power_log` says what is raised."""
    notes: list[str] = []
    stamps, power_w = read_power_log(path, notes)
    trace = PowerTrace((stamps - stamps[0]) / 1e6, {_RAIL: power_w}, (_RAIL,))
    return ForeignLog(
        "reference", trace, in_zone(float(stamps[0]) / 1e6, how.zone), wall=True, notes=tuple(notes)
    )
