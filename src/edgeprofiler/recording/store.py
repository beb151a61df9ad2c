"""A recording's folder: what is whole is read, what is lost is said.

docs/recording-format.md describes it.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.errors import CannotWrite, InvalidInput
from edgeprofiler.network import FloatArray
from edgeprofiler.recording.chunks import Chunk, ChunkKind, Phase, read_chunks
from edgeprofiler.recording.recording import (
    DeviceState,
    PowerTrace,
    Recording,
    SamplerReport,
    Timeline,
)
from edgeprofiler.recording.session import (
    HEADER,
    POWER_STATS,
    EventsWriter,
    PowerWriter,
    RunsWriter,
    SessionClock,
    read_header,
    session_numbers,
    stream_path,
    write_header,
)

MAX_COLUMNS = 100_000
WALL_JUMP_S = 1.0
"""A wall clock that strays this far from the monotonic one during a session has jumped."""


def is_recording(folder: Path) -> bool:
    """Say whether a folder holds a recording of this format."""
    return (folder / HEADER).is_file()


def save_recording(recording: Recording, folder: Path) -> None:
    """Write `recording` to a folder that holds none yet; `load_recording` gives it back.

    Raises:
        CannotWrite: the folder already holds a recording, or cannot be written.
    """
    if is_recording(folder) or session_numbers(folder):
        raise CannotWrite(folder, "already holds a recording")
    write_header(
        folder,
        {
            "name": recording.name,
            "started_utc": recording.started_utc,
            "simulated": recording.simulated,
            "device": dict(recording.device),
            "sensor_settings": dict(recording.sensor_settings),
            "network": None if recording.network is None else dict(recording.network),
        },
    )
    clock = SessionClock(1, "", 0.0, 0.0)
    report = recording.sampler
    trace = recording.trace
    if trace.rails_w:
        power = PowerWriter(
            stream_path(folder, "power", 1),
            kind="power",
            rails=tuple(trace.rails_w),
            total_rails=trace.total_rails,
            period_s=report.target_period_s,
            clock=clock,
            settings=recording.sensor_settings,
        )
        stats = (report.ticks, report.missed_ticks, math.nan, math.nan)
        phases = (
            (Phase.IDLE_BEFORE, recording.idle_before),
            (Phase.RUN, trace),
            (Phase.IDLE_AFTER, recording.idle_after),
        )
        for phase, part in phases:
            if part is not None:
                unknown = np.full(len(part), np.nan)
                rails = [part.rails_w.get(rail, unknown) for rail in trace.rails_w]
                table = np.column_stack([part.time_s, *rails])
                for block in _blocks(table):
                    power.append(phase, block, stats)
        power.sync()
        power.close()
    if recording.timeline.layer_names or recording.timeline.runs:
        runs = RunsWriter(stream_path(folder, "runs", 1), clock)
        runs.append(recording.timeline)
        runs.close()
    events = EventsWriter(stream_path(folder, "events", 1), clock)
    events.append("sampler", **asdict(report))
    for name in ("state_before", "state_after"):
        state = getattr(recording, name)
        if state is not None:
            events.append(name, state=asdict(state))
    for warning in recording.warnings:
        events.append("warning", text=warning)
    if recording.complete:
        events.append("complete")
    events.close()


def load_recording(folder: Path) -> Recording:
    """Return the recording in a folder, also of one that was cut off at any moment.

    What a crash, a full disk or a jumping clock did is told in `warnings`; `complete` is false
    unless the collection reached its end.

    Raises:
        InvalidInput: the folder holds no recording, or a checksum is right but the content
            is not what the format says.
    """
    header = read_header(folder)
    warnings: list[str] = []
    sessions = [_read_session(folder, n, warnings) for n in session_numbers(folder)]
    _shift_later_boots(sessions, warnings)
    layers = next((s.layer_names for s in sessions if s.layer_names), ())
    rails = next((s.rails for s in sessions if s.rails), ())
    totals = next((s.total_rails for s in sessions if s.rails), ())
    for session in sessions:
        if session.layer_names and session.layer_names != layers:
            warnings.append(f"session {session.number} ran other layers and is left out")
            session.runs = None
        if session.rails and session.rails != rails:
            warnings.append(f"session {session.number} watched other rails and is left out")
            session.polls = []
    events = [event for session in sessions for event in session.events]

    def trace(phase: Phase) -> PowerTrace:
        parts = [polls for s in sessions for p, polls in s.polls if p == phase]
        table = np.concatenate(parts) if parts else np.empty((0, 1 + len(rails)))
        return PowerTrace(
            time_s=_fixed(table[:, 0]),
            rails_w={rail: _fixed(table[:, 1 + i]) for i, rail in enumerate(rails)},
            total_rails=totals,
        )

    idle_before, idle_after = trace(Phase.IDLE_BEFORE), trace(Phase.IDLE_AFTER)
    settings = header.get("sensor_settings") or next((s.settings for s in sessions), {})
    warnings += [str(e.get("text", "")) for e in events if e.get("event") == "warning"]
    networks = [e["network"] for e in events if e.get("event") == "network"]
    states = {
        name: next((e["state"] for e in ordered if e.get("event") == name), None)
        for name, ordered in (("state_before", events), ("state_after", events[::-1]))
    }
    return Recording(
        name=str(header.get("name", folder.name)),
        trace=trace(Phase.RUN),
        timeline=_timeline(layers, sessions),
        idle_before=idle_before if len(idle_before) else None,
        idle_after=idle_after if len(idle_after) else None,
        sampler=_sampler_report(sessions, events),
        state_before=_state(states["state_before"]),
        state_after=_state(states["state_after"]),
        device={str(k): str(v) for k, v in dict(header.get("device") or {}).items()},
        sensor_settings=dict(settings),
        network=header.get("network") or next(iter(networks), None),
        started_utc=str(header.get("started_utc", "")),
        complete=bool(events) and any(e.get("event") == "complete" for e in events),
        warnings=tuple(dict.fromkeys(warnings)),
        simulated=bool(header.get("simulated", False)),
    )


@dataclass
class _Session:
    number: int
    clock: SessionClock
    polls: list[tuple[int, FloatArray]] = field(default_factory=list)
    rails: tuple[str, ...] = ()
    total_rails: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    period_s: float = math.nan
    stats: tuple[int, int, float, float] = (0, 0, math.nan, math.nan)
    layer_names: tuple[str, ...] = ()
    stamp_kind: str = "none"
    runs: FloatArray | None = None
    events: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def end_s(self) -> float:
        ends = [polls[-1, 0] for _, polls in self.polls if len(polls)]
        if self.runs is not None and len(self.runs):
            ends.append(self.runs[-1, 0])
        return float(max(ends, default=self.clock.monotonic_s))


def _read_session(folder: Path, number: int, warnings: list[str]) -> _Session:
    session = _Session(number, SessionClock(number, "", 0.0, 0.0))
    for stream, take in (("power", _take_power), ("runs", _take_runs), ("events", _take_events)):
        path = stream_path(folder, stream, number)
        if not path.exists():
            continue
        chunks, lost = read_chunks(path)
        if lost:
            warnings.append(f"{path.name} {lost}")
        if chunks:
            try:
                take(session, chunks, path)
            except (KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
                raise InvalidInput(path, f"is not a {stream} stream ({error!r})") from None
    wall = [e for e in session.events if e.get("event") == "end"]
    if wall and "utc_s" in wall[-1]:
        end = wall[-1]
        jump = (float(end["utc_s"]) - session.clock.utc_s) - (
            float(end["time_s"]) - session.clock.monotonic_s
        )
        if abs(jump) > WALL_JUMP_S:
            warnings.append(
                f"the wall clock jumped by {jump:+.1f} s while recording; "
                "times are monotonic and not touched by it"
            )
    return session


def _clock(value: Mapping[str, Any]) -> SessionClock:
    return SessionClock(
        int(value["session"]),
        str(value["boot_id"]),
        float(value["monotonic_s"]),
        float(value["utc_s"]),
    )


def _take_power(session: _Session, chunks: list[Chunk], path: Path) -> None:
    about = chunks[0].json(path)
    session.clock = _clock(about["clock"])
    session.rails = tuple(map(str, about["rails"]))
    session.total_rails = tuple(map(str, about["total_rails"]))
    session.settings = dict(about["settings"])
    session.period_s = float(about["period_s"])
    if len(set(session.rails)) != len(session.rails) or len(session.rails) > MAX_COLUMNS:
        raise ValueError("rails are named twice")
    if not set(session.total_rails) <= set(session.rails):
        raise ValueError("a total rail is not among the rails")
    width = 1 + len(session.rails)
    phases: list[int] = []
    tables: list[FloatArray] = []
    for chunk in chunks[1:]:
        if chunk.kind == ChunkKind.POWER:
            session.stats = POWER_STATS.unpack_from(chunk.payload)
            flat = np.frombuffer(chunk.payload, "<f8", offset=POWER_STATS.size)
            tables.append(flat.reshape(-1, width))
            phases.append(chunk.phase)
    if about["kind"] == "energy" and tables:
        lengths = np.cumsum([len(table) for table in tables])[:-1]
        tables = np.split(power_from_energy(np.concatenate(tables)), lengths)
    session.polls = list(zip(phases, tables, strict=True))


def _take_runs(session: _Session, chunks: list[Chunk], path: Path) -> None:
    about = chunks[0].json(path)
    session.clock = _clock(about["clock"])
    session.layer_names = tuple(map(str, about["layer_names"]))
    session.stamp_kind = str(about["stamp_kind"])
    if session.stamp_kind not in ("callback-burst", "layer-end", "none"):
        raise ValueError(f"unknown kind of stamps {session.stamp_kind!r}")
    width = 2 + 2 * len(session.layer_names)
    tables = [
        np.frombuffer(chunk.payload, "<f8").reshape(-1, width)
        for chunk in chunks[1:]
        if chunk.kind == ChunkKind.RUNS
    ]
    session.runs = np.concatenate(tables) if tables else np.empty((0, width))


def _take_events(session: _Session, chunks: list[Chunk], path: Path) -> None:
    session.events = [chunk.json(path) for chunk in chunks]
    if session.events[0].get("event") == "start":
        session.clock = _clock(session.events[0]["clock"])


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
        power = np.diff(energy[moved]) / np.diff(time[moved])
        power[power < 0] = np.nan  # a counter that was reset says nothing for that interval
        interval = np.searchsorted(moved, np.arange(len(time)), side="left") - 1
        inside = (interval >= 0) & (interval < len(power))
        result[inside, column] = power[interval[inside]]
    return result


def _shift_later_boots(sessions: list[_Session], warnings: list[str]) -> None:
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
        warnings.append(
            f"session {session.number} has a clock of its own (the machine was restarted); "
            f"its times were moved by {shift:.0f} s"
        )


def _shifted(table: FloatArray, columns: list[int], shift_s: float) -> FloatArray:
    moved: FloatArray = table.copy()
    moved[:, columns] += shift_s
    return moved


def _timeline(layers: tuple[str, ...], sessions: list[_Session]) -> Timeline:
    width = len(layers)
    parts = [s.runs for s in sessions if s.runs is not None and len(s.runs)]
    table = np.concatenate(parts) if parts else np.empty((0, 2 + 2 * width))
    kinds = [s.stamp_kind for s in sessions if s.runs is not None]
    starts, stamps = table[:, 1], table[:, 2 + width :]
    return Timeline(
        layer_names=layers,
        duration_s=_fixed(table[:, 2 : 2 + width]),
        run_end_s=_fixed(table[:, 0]),
        run_start_s=_fixed(starts) if np.isfinite(starts).any() else None,
        stamp_s=_fixed(stamps) if np.isfinite(stamps).any() else None,
        stamp_kind=kinds[0] if kinds else "none",  # type: ignore[arg-type]  # checked on reading
    )


def _sampler_report(sessions: list[_Session], events: list[Mapping[str, Any]]) -> SamplerReport:
    for event in reversed(events):
        if event.get("event") == "sampler":
            return SamplerReport(
                **{
                    name: event[name]
                    for name in (
                        "target_period_s", "ticks", "missed_ticks", "cpu_share", "latency_change",
                    )
                }
            )  # fmt: skip
    sampled = [s for s in sessions if s.rails]
    cpu = sum(s.stats[2] for s in sampled)
    elapsed = sum(s.stats[3] for s in sampled)
    changes = [e["latency_change"] for e in events if "latency_change" in e]
    return SamplerReport(
        target_period_s=sampled[0].period_s if sampled else math.nan,
        ticks=sum(s.stats[0] for s in sampled),
        missed_ticks=sum(s.stats[1] for s in sampled),
        cpu_share=cpu / elapsed if elapsed > 0 else math.nan,
        latency_change=float(changes[-1]) if changes else math.nan,
    )


def _state(value: Any) -> DeviceState | None:
    if not isinstance(value, dict):
        return None
    try:
        reasons = tuple(map(str, value.get("throttle_reasons", ())))
        return DeviceState(**{**value, "throttle_reasons": reasons})
    except TypeError as error:
        raise InvalidInput(
            "recording", f"holds a device state with unknown facts ({error})"
        ) from None


def _fixed(values: FloatArray) -> FloatArray:
    result = np.ascontiguousarray(values, np.float64)
    result.setflags(write=False)
    return result


def _blocks(table: FloatArray) -> list[FloatArray]:
    rows = max(1, 8_000_000 // (8 * table.shape[1]))
    return [table[start : start + rows] for start in range(0, max(1, len(table)), rows)]
