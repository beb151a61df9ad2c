"""Power logs of the reference's layout, `YYYYmmdd-HH:MM:SS.ffffff,<mV>,<mA>`, by themselves."""

from __future__ import annotations

import re
from pathlib import Path

from edgeprofiler.measurement.power_logs.log import ForeignLog
from edgeprofiler.measurement.power_logs.stamps import Reading, in_zone
from edgeprofiler.measurement.recording.power_log import read_power_log

_LINE = re.compile(r"\s*\d{8}-\d\d:\d\d:\d\d[^,]*,")


def is_reference(line: str) -> bool:
    """Say whether a line is of this layout."""
    return _LINE.match(line) is not None


def read_reference_log(path: Path, how: Reading) -> ForeignLog:
    """Return a log of this layout; `read_power_log` says what is raised."""
    notes: list[str] = []
    found = read_power_log(path, notes)
    first_us = found.stamps_us[0]
    return ForeignLog(
        "reference",
        found.trace((found.stamps_us - first_us) / 1e6),
        in_zone(float(first_us) / 1e6, how.zone),
        wall=True,
        notes=tuple(notes),
    )
