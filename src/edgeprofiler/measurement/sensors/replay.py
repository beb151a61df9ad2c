"""A power log of another tool, replayed: the reference's log, tegrastats, or CSV."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.core.files import read_text
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.plugins import Between, Optioned
from edgeprofiler.core.values import parse_csv
from edgeprofiler.measurement.recording import PowerTrace
from edgeprofiler.measurement.recording.power_log import read_power_log
from edgeprofiler.measurement.sensors.boards import total_rails

_LOG = logging.getLogger(__name__)

_REFERENCE = re.compile(r"\d{8}-\d\d:\d\d:\d\d[^,]*,")
_RAIL = re.compile(r"(?<!\S)([A-Z][A-Z0-9_]*) (\d+)(?:mW)?/\d+(?:mW)?(?!\S)")
_STAMP = re.compile(r"(\d\d-\d\d-\d{4} \d\d:\d\d:\d\d)\s")
_TIME_UNITS = {"time_s": 1.0, "time_ms": 1e-3, "time_us": 1e-6, "time_ns": 1e-9}
_POWER_UNITS = {"_w": 1.0, "_mw": 1e-3, "_uw": 1e-6}


@dataclass(kw_only=True, eq=False)
class ReplaySensor(Optioned):
    """Gives the trace that a file holds.

    Args:
        path: a log of the reference layout (`stamp,<mV>,<mA>`), of tegrastats (JetPack 4 to 6),
            or CSV with `time_s` (or `_ms`, `_us`, `_ns`) and columns named `RAIL_w` (or `_mw`,
            `_uw`).
        align: `start` puts the first line on the first time that is asked for; `clock` keeps
            the file's times, for logs on the runner's own clock.
        total: rails that make up the board, joined by `+`, where the board table has no answer.
        interval_s: time between lines of a tegrastats log without stamps (its `--interval`).
    """

    path: str = ""
    align: Literal["start", "clock"] = "start"
    total: str = ""
    interval_s: Annotated[float, Between(1e-6, 86_400)] = 1.0
    _warnings: list[str] = field(default_factory=list, init=False)
    _trace: PowerTrace | None = field(default=None, init=False)
    _shift_s: float | None = field(default=None, init=False)

    name = "replay"
    simulated = False

    def probe(self) -> None:
        """Return if the file can be read; raise `Unavailable` where none was named."""
        if not self.path:
            raise Unavailable(
                "the replay sensor has no file", "name one with `sensor_options` path=FILE"
            )
        self._load()

    def attach(self, runner: object) -> None:
        """A file has no use for the runner."""
        del runner

    def trace(self, start_s: float, end_s: float) -> PowerTrace:
        """Return the lines between two times."""
        whole = self._load()
        if self._shift_s is None:
            self._shift_s = start_s - float(whole.time_s[0]) if self.align == "start" else 0.0
        time_s = whole.time_s + self._shift_s
        part = slice(*np.searchsorted(time_s, [start_s, end_s], side="left"))
        return PowerTrace(
            time_s[part], {k: v[part] for k, v in whole.rails_w.items()}, whole.total_rails
        )

    def settings(self) -> Mapping[str, Any]:
        """Return the file, how it was aligned and, where there is any, what it lacks."""
        lacks = {"warnings": list(self._warnings)} if self._warnings else {}
        return {"file": Path(self.path).name, "align": self.align, **lacks}

    def _load(self) -> PowerTrace:
        if self._trace is None:
            warnings: list[str] = []
            path = Path(self.path)
            self._trace = read_trace(path, self.total, self.interval_s, warnings)
            self._warnings = warnings
            for warning in warnings:
                _LOG.warning("warning: %s", warning)
        return self._trace


def read_trace(
    path: Path, total: str = "", interval_s: float = 1.0, warnings: list[str] | None = None
) -> PowerTrace:
    """Return the trace in a power log of any known kind; see `ReplaySensor` for the kinds.

    What is left out of it is added to `warnings`.

    Raises:
        InvalidInput: the file is none of them, or a line is malformed (its number is said).
    """
    text = read_text(path)
    first = text.lstrip()[:4096].splitlines()[0] if text.strip() else ""
    if _REFERENCE.match(first):
        stamps, power_w = read_power_log(path, [] if warnings is None else warnings)
        time_s, rails = (stamps - stamps[0]) / 1e6, {"VDD_IN": power_w}
    elif _RAIL.search(first):
        time_s, rails = _read_tegrastats(text, path, interval_s)
    elif "," in first:
        time_s, rails = _read_csv(text, path)
    else:
        raise InvalidInput(
            path, "is no power log", "expected stamp,<mV>,<mA> lines, tegrastats output, or CSV"
        )
    if (np.diff(time_s) < 0).any():
        line = int(np.argmax(np.diff(time_s) < 0)) + 2
        raise InvalidInput(path, f"time goes back at sample {line}", "sort it, or cut it there")
    if not total and len(rails) == 1:
        total = next(iter(rails))
    return PowerTrace(time_s, rails, total_rails(list(rails), total))


def _read_tegrastats(
    text: str, path: Path, interval_s: float
) -> tuple[FloatArray, dict[str, FloatArray]]:
    rows: list[dict[str, float]] = []
    stamps: list[float] = []
    for line in text.splitlines():
        found = {name: float(value) * 1e-3 for name, value in _RAIL.findall(line)}
        if not found:
            continue
        rows.append(found)
        stamp = _STAMP.match(line)
        if stamp is not None:
            try:
                when = datetime.strptime(stamp.group(1), "%m-%d-%Y %H:%M:%S")  # noqa: DTZ007
            except ValueError:
                raise InvalidInput(path, f"{stamp.group(1)!r} is no time") from None
            stamps.append(when.replace(tzinfo=timezone.utc).timestamp())
    if stamps and len(stamps) != len(rows):
        raise InvalidInput(path, "only some of its lines have a time stamp")
    names = list(rows[0])
    rails: dict[str, FloatArray] = {
        n: np.array([row.get(n, np.nan) for row in rows]) for n in names
    }
    if not stamps:
        return np.arange(len(rows), dtype=np.float64) * interval_s, rails
    whole = np.array(stamps) - stamps[0]
    # stamps are whole seconds: lines of one second are spread over it
    _, first, counts = np.unique(whole, return_index=True, return_counts=True)
    place = np.arange(len(whole)) - np.repeat(first, counts)
    time_s: FloatArray = whole + place / np.repeat(counts, counts)
    return time_s, rails


def _read_csv(text: str, path: Path) -> tuple[FloatArray, dict[str, FloatArray]]:
    sheet = parse_csv(text, path)
    times = [name for name in sheet.columns if name.lower() in _TIME_UNITS]
    powers = {
        name: (name[: -len(unit)], scale)
        for name in sheet.columns
        for unit, scale in _POWER_UNITS.items()
        if name.lower().endswith(unit)
    }
    if len(times) != 1 or not powers:
        raise InvalidInput(
            path, "has no column of time and power", "name them time_s and RAIL_w (or _ms, _mw)"
        )
    rails = [rail for rail, _ in powers.values()]
    twice = next((rail for rail in rails if rails.count(rail) > 1), None)
    if twice is not None:
        raise InvalidInput(path, f"has two columns of {twice!r}", "give each rail one column")
    rows = [
        (row[times[0]].number(), *(row[name].number_or_nan() for name in powers))
        for row in sheet.rows
    ]
    if not rows:
        raise InvalidInput(path, "has a header but no samples")
    time_s, *columns = np.array(rows).T
    return time_s * _TIME_UNITS[times[0].lower()], {
        rail: column * scale for (rail, scale), column in zip(powers.values(), columns, strict=True)
    }
