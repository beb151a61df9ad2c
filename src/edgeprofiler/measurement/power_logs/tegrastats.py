"""Logs of NVIDIA's tegrastats, JetPack 4 to 7, with whatever stamps stand before its lines."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.values.dialect import lines_of
from edgeprofiler.measurement.power_logs.asked import LogOptions
from edgeprofiler.measurement.power_logs.log import ForeignLog
from edgeprofiler.measurement.power_logs.stamps import Reading, Stamps, read_stamps, stamp_at_start
from edgeprofiler.measurement.recording import PowerTrace

RAIL = re.compile(r"(?<!\S)([A-Z][A-Z0-9_]*) (-?\d+)(?:mW)?(?:/-?\d+(?:mW)?){1,2}(?!\S)")
"""`VDD_IN 5000mW/4900mW`: now and on average; JetPack 7 adds the highest, JetPack 4 has no unit."""


def is_tegrastats(lines: list[str]) -> bool:
    """Say whether one of some lines is tegrastats'."""
    return any(RAIL.search(line) for line in lines)


def read_tegrastats(text: str, path: Path, asked: LogOptions, how: Reading) -> ForeignLog:
    """Return a log of tegrastats; lines without rails are passed over.

    Raises:
        InvalidInput: a stamp is none, or only some lines have one.
        UsageError: no line has a stamp, and the time between them was not said.
    """
    rows: list[dict[str, float]] = []
    stamps: list[str] = []
    numbers: list[int] = []
    for number, line in enumerate(lines_of(text), 1):
        found = {name: float(value) * 1e-3 for name, value in RAIL.findall(line)}
        if found:
            rows.append(found)
            stamps.append(stamp_at_start(line))
            numbers.append(number)
    names = list(dict.fromkeys(name for row in rows for name in row))
    rails: dict[str, FloatArray] = {
        name: np.array([row.get(name, np.nan) for row in rows]) for name in names
    }
    times = _times(stamps, numbers, path, asked, how)
    return ForeignLog("tegrastats", PowerTrace(times.time_s, rails, ()), times.first_s, times.wall)


def _times(
    stamps: list[str], numbers: list[int], path: Path, asked: LogOptions, how: Reading
) -> Stamps:
    if not any(stamps):
        if not asked.interval_s:
            raise UsageError(
                f"{path} has no time stamps; say the seconds between its lines with interval=0.1 "
                "(tegrastats was told milliseconds, --interval 100, and takes 1000 itself)"
            )
        return Stamps.every(asked.interval_s, len(stamps))
    if not all(stamps):
        line = numbers[stamps.index("")]
        raise InvalidInput(path, f"line {line} has no time stamp, others have", "cut it out")
    try:
        return read_stamps(stamps, how).apart()
    except ValueError as error:
        place = error.args[0]
        problem = f"line {numbers[place]}: {stamps[place]!r} is no time"
        raise InvalidInput(path, problem) from None
