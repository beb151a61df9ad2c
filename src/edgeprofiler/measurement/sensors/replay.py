"""A power log of another tool, laid beside the runs that it was written along with."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from edgeprofiler.core.errors import InvalidInput, Unavailable, UsageError
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.plugins import Between, Optioned
from edgeprofiler.measurement.power_logs import ForeignLog, LogOptions, read_log
from edgeprofiler.measurement.recording import PowerTrace
from edgeprofiler.measurement.sensors.boards import total_rails

_LOG = logging.getLogger(__name__)

_HELD_STEPS = 1.5
"""A line's value is taken to hold for so many usual steps where the log begins and ends."""
_ZONES_S = 900.0
"""Time zones lie whole quarters of an hour apart, and at most fourteen hours from the first."""
_FARTHEST_ZONE_S = 26 * 3600.0
_STALE_S = 600.0
"""A log whose last line is older is not being written: nobody waits for a recording in vain."""


@dataclass(kw_only=True, eq=False)
class ReplaySensor(Optioned):
    """Gives the trace that a file holds, also one that another program still writes.

    Args:
        path: a log of tegrastats (JetPack 4 to 7), nvidia-smi, jtop, Zeus, Joulescope or Otii, of
            the reference layout (`stamp,<mV>,<mA>`), or any table with units in its headings.
        align: `start` puts the first line on the first time that is asked for; `clock` lays it by
            the clock, on the wall or the runner's own; `auto` does so where it has stamps of the
            wall clock and the runs are no simulation.
        total: rails that make up the board, joined by `+`, where the log and the board table have
            no answer.
        interval: seconds between lines that have no stamps; tegrastats is told milliseconds.
        columns: `time:NAME,power:NAME` (or `current:`, `voltage:`; `power_mw:` names a unit) where
            headings do not say it.
        zone: time zone of stamps that name none, `UTC` or `+02:00`; this machine's where empty.
    """

    path: str = ""
    align: Literal["auto", "start", "clock"] = "auto"
    total: str = ""
    interval: Annotated[float, Between(0, 86_400)] = 0.0
    columns: str = ""
    zone: str = ""
    _read: tuple[object, ForeignLog] | None = field(default=None, init=False)
    _shift_s: float | None = field(default=None, init=False)
    _wall_s: float | None = field(default=None, init=False)

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
        """Learn how the runner's clock stands to the one on the wall.

        Raises:
            InvalidInput: the log is to be laid by the clock and ended long before now.
        """
        clock = getattr(runner, "clock", None)
        if clock is not None and clock.virtual:
            self._wall_s = None
            return
        now_s = time.monotonic() if clock is None else clock.now_s()
        self._wall_s = time.time() - now_s
        log = self._load()
        last_s = log.first_s + log.span_s
        if log.wall and self.align != "start" and last_s < time.time() - _STALE_S:
            raise self._apart(log, last_s - self._wall_s, now_s, now_s)

    def trace(self, start_s: float, end_s: float) -> PowerTrace:
        """Return the lines between two times.

        Raises:
            InvalidInput: the log does not reach over all of that time.
            UsageError: it was to be laid by the wall clock beside a simulation, which has none.
        """
        log = self._load()
        whole = log.trace
        time_s = whole.time_s + self._shift(log, start_s)
        self._require(log, time_s, start_s, end_s)
        part = slice(*np.searchsorted(time_s, [start_s, end_s], side="left"))
        moved = np.column_stack([time_s[part], whole.table[part, 1:]])
        return PowerTrace.of_table(moved, tuple(whole.rails_w), whole.total_rails, whole.registers)

    def settings(self) -> Mapping[str, Any]:
        """Return the file, its form, how it was laid beside the runs and what it lacks."""
        log = self._load()
        lacks = {"warnings": list(log.notes)} if log.notes else {}
        return {"file": Path(self.path).name, "form": log.form, "align": self.align, **lacks}

    def _shift(self, log: ForeignLog, start_s: float) -> float:
        """Return what to add to the log's times to have the runner's; once found, the same."""
        if self._shift_s is None:
            by_clock = self.align == "clock" or (self.align == "auto" and log.wall)
            if not by_clock or (self.align == "auto" and self._wall_s is None):
                self._shift_s = start_s
            elif not log.wall:
                self._shift_s = log.first_s
            elif self._wall_s is None:
                raise UsageError("align=clock: a simulation has no wall clock; use align=start")
            else:
                self._shift_s = log.first_s - self._wall_s
        return self._shift_s

    def _require(self, log: ForeignLog, time_s: FloatArray, start_s: float, end_s: float) -> None:
        """Raise `InvalidInput` where the log does not reach over all of a time."""
        held_s = _HELD_STEPS * log.step_s
        first_s, last_s = float(time_s[0]) - held_s, float(time_s[-1]) + held_s
        if first_s <= start_s and end_s <= last_s:
            return
        if end_s <= first_s or last_s <= start_s:
            raise self._apart(log, last_s, start_s, end_s)
        late, early = first_s - start_s, end_s - last_s
        raise InvalidInput(
            self.path,
            f"begins {late:.3g} s after the start of what is recorded"
            if late > early
            else f"ends {early:.3g} s before the end of what is recorded",
            "log for all of the time that collecting takes, or record less",
        )

    def _apart(self, log: ForeignLog, last_s: float, start_s: float, end_s: float) -> InvalidInput:
        """Return the error that the log and the recording have no moment in common."""
        length_s = log.span_s
        if self._wall_s is None or not log.wall:
            return InvalidInput(
                self.path,
                f"holds {length_s:.3g} s, up to {last_s:.6g} s of the runs' clock, and what is "
                f"recorded begins at {start_s:.6g} s",
                "log for all of the time that collecting takes; align=start lays its first line on "
                "the first run",
            )
        first_s = last_s - length_s
        zones_s = round((start_s - first_s) / _ZONES_S) * _ZONES_S
        met = first_s + zones_s <= end_s + _ZONES_S and start_s <= last_s + zones_s + _ZONES_S
        zone = "name its time zone with zone=UTC or zone=+02:00, or "
        return InvalidInput(
            self.path,
            f"was written from {_words(log.first_s)} to {_words(last_s + self._wall_s)}, the "
            f"recording is of {_words(start_s + self._wall_s)}: they do not overlap",
            f"{zone * (0 < abs(zones_s) <= _FARTHEST_ZONE_S and met)}"
            "lay its first line on the first run with align=start",
        )

    def _load(self) -> ForeignLog:
        """Return the log as it is now, with the rails that make up the board."""
        path = Path(self.path)
        state = _state(path)
        if self._read is None or self._read[0] != state:  # it may be growing
            log = read_log(path, LogOptions(self.columns, self.interval, self.zone))
            totals = log.trace.total_rails
            if self.total or not totals:
                totals = total_rails(list(log.trace.rails_w), self.total)
            told = () if self._read is None else self._read[1].notes
            for note in (note for note in log.notes if note not in told):
                _LOG.warning("warning: %s", note)
            self._read = state, replace(log, trace=replace(log.trace, total_rails=totals))
        return self._read[1]


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _words(utc_s: float) -> str:
    moment = datetime.fromtimestamp(utc_s, timezone.utc).astimezone()
    return moment.isoformat(" ", "seconds")
