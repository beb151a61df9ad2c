"""One uninterrupted stretch of collecting: its clock, and the three streams it writes."""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import dump_json, make_folder, write_text
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.values import Value, read_json
from edgeprofiler.measurement.recording.chunks import ChunkKind, ChunkWriter, Phase
from edgeprofiler.measurement.recording.recording import Timeline

SCHEMA = "edgeprofiler.recording/1"
HEADER = "recording.json"
POWER_STATS = struct.Struct("<QQdd")
"""Ticks, missed ticks, processor seconds and elapsed seconds of the sampler so far."""


@dataclass(frozen=True)
class SessionClock:
    """How the monotonic clock of a session stands to the wall clock; for people, and for resuming.

    After a restart of the machine the monotonic clock begins anew: `boot_id` tells.
    """

    session: int
    boot_id: str
    monotonic_s: float
    utc_s: float

    @staticmethod
    def now(session: int, root: Path = Path("/")) -> SessionClock:
        """Return the clocks as they stand now."""
        try:
            boot_id = (root / "proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            boot_id = ""
        return SessionClock(session, boot_id, time.monotonic(), time.time())

    @property
    def utc(self) -> str:
        """The wall clock at the start, ISO 8601."""
        return datetime.fromtimestamp(self.utc_s, timezone.utc).isoformat(timespec="seconds")


def session_numbers(folder: Path) -> list[int]:
    """Return the numbers of the sessions that left any stream in a recording's folder."""
    found = {
        int(path.stem.split("-")[1])
        for stream in ("power", "runs", "events")
        for path in folder.glob(f"{stream}-[0-9][0-9][0-9].bin")
    }
    return sorted(found)


def stream_path(folder: Path, stream: str, session: int) -> Path:
    """Return the file of one stream (`power`, `runs` or `events`) of a session."""
    return folder / f"{stream}-{session:03d}.bin"


def write_header(folder: Path, header: Mapping[str, Any]) -> None:
    """Make the folder and write `recording.json`, whole or not at all."""
    make_folder(folder)
    write_text(folder / HEADER, dump_json({"schema": SCHEMA, **header}))


def read_header(folder: Path) -> Value:
    """Return `recording.json` of a recording's folder.

    Raises:
        InvalidInput: there is none, or it is of another kind or version.
    """
    path = folder / HEADER
    if not folder.is_dir():
        raise InvalidInput(folder, "is no folder", "name the folder that `collect` wrote")
    header = read_json(path, limits.HEADER_BYTES)
    header["schema"].choice((SCHEMA,))
    return header


def check_rails(
    rails: Sequence[str], total_rails: Sequence[str], registers: Sequence[str] = ()
) -> None:
    """Raise `ValueError` where rails cannot be recorded, or were not recorded as they should."""
    if not rails or len(set(rails)) != len(rails) or len(rails) > limits.RAILS:
        raise ValueError(f"rails must have one name each, not {list(rails)[:9]}")
    if not set(total_rails) <= set(rails):
        raise ValueError(f"total rails {list(total_rails)[:9]} are not among the rails")
    if not set(registers) <= set(rails) or len(set(registers)) != len(registers):
        raise ValueError(f"registers {list(registers)[:9]} are not among the rails, once each")


class PowerWriter(ChunkWriter):
    """Writes polls of a sensor. The first chunk says what they are.

    Raises:
        ValueError: two rails have one name, or a total rail or a register is none of them.
        CannotWrite: the file exists, or the disk is full, read-only or gone.
    """

    def __init__(
        self,
        path: Path,
        *,
        kind: str,
        rails: Sequence[str],
        total_rails: Sequence[str],
        period_s: float,
        clock: SessionClock,
        settings: Mapping[str, Any],
        registers: Sequence[str] = (),
    ) -> None:
        check_rails(rails, total_rails, registers)
        head = {
            "stream": "power",
            "kind": kind,
            "rails": list(rails),
            "total_rails": list(total_rails),
            "registers": list(registers),
            "period_s": period_s,
            "clock": asdict(clock),
            "settings": dict(settings),
        }
        super().__init__(path, head)

    def append(self, phase: int, polls: FloatArray, stats: tuple[int, int, float, float]) -> None:
        """Append polls, with the columns of `PowerTrace.table`. `stats` as in `POWER_STATS`."""
        self.write_table(ChunkKind.POWER, polls, phase, POWER_STATS.pack(*stats))


class RunsWriter(ChunkWriter):
    """Writes timelines, block by block; the first one fixes the layers."""

    def __init__(self, path: Path, clock: SessionClock) -> None:
        super().__init__(path)
        self._clock = clock
        self._layers: tuple[str, ...] | None = None

    def append(self, timeline: Timeline) -> None:
        """Append the runs of a block and wait until they lie on the disk.

        Raises:
            InvalidInput: its layers are not those of the first block.
            CannotWrite: the disk is full or gone.
        """
        if self._layers is None:
            self._layers = timeline.layer_names
            self.write_json(
                {
                    "stream": "runs",
                    "layer_names": list(timeline.layer_names),
                    "stamp_kind": timeline.stamp_kind,
                    "clock": asdict(self._clock),
                }
            )
        elif timeline.layer_names != self._layers:
            raise InvalidInput("runner", "names other layers than in its first runs")
        shape = (timeline.runs, len(timeline.layer_names))
        columns = [
            timeline.run_end_s[:, None],
            _or_nan(timeline.run_start_s, (timeline.runs,))[:, None],
            timeline.duration_s.reshape(shape),
            _or_nan(timeline.stamp_s, shape),
        ]
        self.write_table(ChunkKind.RUNS, np.concatenate(columns, axis=1), Phase.RUN)
        self.sync()


class EventsWriter(ChunkWriter):
    """Writes what happened (states, warnings, the end), each at once to the disk."""

    def __init__(self, path: Path, clock: SessionClock) -> None:
        super().__init__(path, _event("start", clock=asdict(clock)))
        self.sync()

    def append(self, event: str, **values: Any) -> None:
        """Append one event and wait until it lies on the disk."""
        self.write_json(_event(event, **values))
        self.sync()


def _event(event: str, **values: Any) -> dict[str, Any]:
    return {"event": event, "time_s": time.monotonic(), **values}


def _or_nan(values: FloatArray | None, shape: tuple[int, ...]) -> FloatArray:
    return np.full(shape, np.nan) if values is None else np.asarray(values, np.float64)
