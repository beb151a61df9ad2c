"""Sessions of a recording, read back from their streams as far as they are whole."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.values import Value
from edgeprofiler.measurement.recording.chunks import Chunk, ChunkKind, read_chunks
from edgeprofiler.measurement.recording.recording import StampKind
from edgeprofiler.measurement.recording.session import (
    POWER_STATS,
    SessionClock,
    check_rails,
    stream_path,
)

WALL_JUMP_S = 1.0
"""A wall clock that strays this far from the monotonic one during a session has jumped."""


@dataclass
class SessionData:
    """What the streams of one session gave."""

    number: int
    clock: SessionClock
    polls: list[tuple[int, FloatArray]] = field(default_factory=list)
    rails: tuple[str, ...] = ()
    total_rails: tuple[str, ...] = ()
    registers: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    period_s: float = math.nan
    stats: tuple[int, int, float, float] = (0, 0, math.nan, math.nan)
    layer_names: tuple[str, ...] = ()
    stamp_kind: str = "none"
    runs: FloatArray | None = None
    events: list[Value] = field(default_factory=list)

    @property
    def end_s(self) -> float:
        """When its last poll or run was."""
        ends = [polls[-1, 0] for _, polls in self.polls if len(polls)]
        if self.runs is not None and len(self.runs):
            ends.append(self.runs[-1, 0])
        return float(max(ends, default=self.clock.monotonic_s))


def read_session(folder: Path, number: int, warnings: list[str]) -> SessionData:
    """Return what a session left; what is lost is added to `warnings`.

    Raises:
        InvalidInput: a checksum is right but the content is not what the format says.
    """
    session = SessionData(number, SessionClock(number, "", 0.0, 0.0))
    for stream, take in (("power", _take_power), ("runs", _take_runs), ("events", _take_events)):
        path = stream_path(folder, stream, number)
        if not path.exists():
            continue
        chunks, lost = read_chunks(path)
        if lost:
            warnings.append(f"{path.name} {lost}")
        if chunks:
            try:
                warnings += take(session, chunks, path)
            except (ValueError, struct.error) as error:
                raise InvalidInput(path, f"is not a {stream} stream ({error})") from None
    for end in named(session.events, "end")[-1:]:
        if end["utc_s"].null:
            continue
        jump = (end["utc_s"].number() - session.clock.utc_s) - (
            end["time_s"].number() - session.clock.monotonic_s
        )
        if abs(jump) > WALL_JUMP_S:
            warnings.append(
                f"the wall clock jumped by {jump:+.1f} s while recording; "
                "times are monotonic and not touched by it"
            )
    return session


def named(events: list[Value], name: str) -> list[Value]:
    """Return the events of one name."""
    return [event for event in events if event["event"].raw == name]


def number_or_nan(value: Value) -> float:
    """Return a number; streams say NaN of what is not known."""
    return math.nan if value.raw != value.raw else value.number()


def _clock(value: Value) -> SessionClock:
    return SessionClock(
        value["session"].integer(0),
        value["boot_id"].text(),
        value["monotonic_s"].number(),
        value["utc_s"].number(),
    )


def _take_power(session: SessionData, chunks: list[Chunk], path: Path) -> list[str]:
    about = chunks[0].json(path)
    session.clock = _clock(about["clock"])
    session.rails = about["rails"].texts()
    session.total_rails = about["total_rails"].texts()
    session.registers = about["registers"].default([]).texts()
    session.settings = about["settings"].mapping()
    session.period_s = number_or_nan(about["period_s"])
    kind = about["kind"].choice(("power", "energy"))
    check_rails(session.rails, session.total_rails, session.registers)
    width = 1 + len(session.rails) + 2 * len(session.registers)
    phases: list[int] = []
    tables: list[FloatArray] = []
    for chunk in chunks[1:]:
        if chunk.kind == ChunkKind.POWER:
            session.stats = POWER_STATS.unpack_from(chunk.payload)
            flat = np.frombuffer(chunk.payload, "<f8", offset=POWER_STATS.size)
            tables.append(flat.reshape(-1, width))
            phases.append(chunk.phase)
    for phase in set(phases):
        times = [t[:, 0] for p, t in zip(phases, tables, strict=True) if p == phase]
        if not (np.diff(np.concatenate(times)) >= 0).all() or not np.isfinite(times[0][:1]).all():
            raise ValueError("the times of its polls do not ascend")
    still: list[str] = []
    if kind == "energy" and tables:
        lengths = np.cumsum([len(table) for table in tables])[:-1]
        power = power_from_energy(np.concatenate(tables))
        still = [rail for n, rail in enumerate(session.rails, 1) if np.isnan(power[:, n]).all()]
        tables = np.split(power, lengths)
    session.polls = list(zip(phases, tables, strict=True))
    return [
        f"the energy counter of {rail} stood still: its power is not known"
        for rail in still
        if rail in session.total_rails
    ]


def _take_runs(session: SessionData, chunks: list[Chunk], path: Path) -> list[str]:
    about = chunks[0].json(path)
    session.clock = _clock(about["clock"])
    session.layer_names = about["layer_names"].texts()
    session.stamp_kind = about["stamp_kind"].choice(get_args(StampKind))
    width = 2 + 2 * len(session.layer_names)
    tables = [
        np.frombuffer(chunk.payload, "<f8").reshape(-1, width)
        for chunk in chunks[1:]
        if chunk.kind == ChunkKind.RUNS
    ]
    runs: FloatArray = np.concatenate(tables) if tables else np.empty((0, width))
    if not np.isfinite(runs[:, 0]).all():
        raise ValueError("a run has no end")
    durations = runs[:, 2 : 2 + len(session.layer_names)]
    if ((durations < 0) | (durations > limits.LAYER_SECONDS)).any():
        raise ValueError("a layer has an impossible duration")
    session.runs = runs
    if (np.diff(runs[:, 0]) < 0).any():
        session.runs = runs[np.argsort(runs[:, 0], kind="stable")]
        return [f"{path.name} holds runs that ended before those in front of them; now sorted"]
    return []


def _take_events(session: SessionData, chunks: list[Chunk], path: Path) -> list[str]:
    session.events = [chunk.json(path) for chunk in chunks]
    for start in named(session.events[:1], "start"):
        session.clock = _clock(start["clock"])
    return []


def power_from_energy(polls: FloatArray) -> FloatArray:
    """Return polls of power from polls of energy counters; shape (polls, 1 + rails).

    Between two polls at which a counter moved, power is the mean; that value is held at all
    polls of the interval, as a sensor of power holds its last conversion.
    """
    result: FloatArray = polls.copy()
    time = polls[:, 0]
    for column in range(1, polls.shape[1]):
        energy = polls[:, column]
        known = np.flatnonzero(np.isfinite(energy))
        moved = known[np.flatnonzero(np.diff(energy[known], prepend=-np.inf))]
        result[:, column] = np.nan
        if len(moved) < 2:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            power = np.diff(energy[moved]) / np.diff(time[moved])
        power[~np.isfinite(power)] = np.nan  # two polls at one moment
        power[power < 0] = np.nan  # a counter that was reset says nothing for that interval
        interval = np.searchsorted(moved, np.arange(len(time)), side="left") - 1
        inside = (interval >= 0) & (interval < len(power))
        result[inside, column] = power[interval[inside]]
    return result


def shift_later_boots(sessions: list[SessionData], warnings: list[str]) -> None:
    """Put sessions after a restart of the machine behind the earlier ones, in place."""
    for before, session in itertools.pairwise(sessions):
        same_boot = session.clock.boot_id == sessions[0].clock.boot_id
        if same_boot and session.clock.monotonic_s >= before.end_s:
            continue
        first = sessions[0].clock
        shift = (session.clock.utc_s - first.utc_s) - (
            session.clock.monotonic_s - first.monotonic_s
        )
        if session.clock.monotonic_s + shift < before.end_s:
            shift = before.end_s + 1.0 - session.clock.monotonic_s
        session.clock = SessionClock(
            session.number, first.boot_id, session.clock.monotonic_s + shift, session.clock.utc_s
        )
        session.polls = [(p, _shifted(polls, [0], shift)) for p, polls in session.polls]
        if session.runs is not None:
            layers = len(session.layer_names)
            times = [0, 1, *range(2 + layers, 2 + 2 * layers)]
            session.runs = _shifted(session.runs, times, shift)
        why = "the simulation" if first.boot_id == "simulated" else "the machine"
        warnings.append(
            f"session {session.number} has a clock of its own ({why} was restarted); "
            f"its times were moved by {shift:.0f} s"
        )


def _shifted(table: FloatArray, columns: list[int], shift_s: float) -> FloatArray:
    moved: FloatArray = table.copy()
    moved[:, columns] += shift_s
    return moved
