"""A recording's folder: what is whole is read, what is lost is said.

docs/recording-format.md describes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np

from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.errors import CannotWrite
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.values import Value
from edgeprofiler.measurement.recording.chunks import Phase
from edgeprofiler.measurement.recording.impossible import without_impossible
from edgeprofiler.measurement.recording.recording import (
    DeviceState,
    PowerTrace,
    Recording,
    SamplerReport,
    Timeline,
)
from edgeprofiler.measurement.recording.session import (
    HEADER,
    EventsWriter,
    PowerWriter,
    RunsWriter,
    SessionClock,
    read_header,
    session_numbers,
    stream_path,
    write_header,
)
from edgeprofiler.measurement.recording.streams import (
    SessionData,
    named,
    number_or_nan,
    read_session,
    shift_later_boots,
)


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
            **attributes(recording, "name started_utc simulated device sensor_settings"),
            "network": None if recording.network is None else dict(recording.network),
        },
    )
    clock = SessionClock(1, "", 0.0, 0.0)
    report = recording.sampler
    trace = recording.trace
    if trace.rails_w:
        writer = PowerWriter(
            stream_path(folder, "power", 1),
            kind="power",
            rails=tuple(trace.rails_w),
            total_rails=trace.total_rails,
            period_s=report.target_period_s,
            clock=clock,
            settings=recording.sensor_settings,
            registers=trace.registers,
        )
        stats = (report.ticks, report.missed_ticks, math.nan, math.nan)
        phases = (
            (Phase.IDLE_BEFORE, recording.idle_before),
            (Phase.RUN, trace),
            (Phase.IDLE_AFTER, recording.idle_after),
        )
        with closing(writer) as power:
            for phase, part in phases:
                if part is not None:
                    power.append(phase, _like(part, trace).table, stats)
            power.sync()
    if recording.timeline.layer_names or recording.timeline.runs:
        with closing(RunsWriter(stream_path(folder, "runs", 1), clock)) as runs:
            runs.append(recording.timeline)
    with closing(EventsWriter(stream_path(folder, "events", 1), clock)) as events:
        events.append("sampler", **asdict(report))
        for name in ("state_before", "state_after"):
            state = getattr(recording, name)
            if state is not None:
                events.append(name, state=asdict(state))
        for warning in recording.warnings:
            events.append("warning", text=warning)
        if recording.complete:
            events.append("complete")


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
    sessions = [read_session(folder, n, warnings) for n in session_numbers(folder)]
    warnings += _missing(folder, header, sessions)
    shift_later_boots(sessions, warnings)
    layers = next((s.layer_names for s in sessions if s.layer_names), ())
    rails = next((s.rails for s in sessions if s.rails), ())
    totals = next((s.total_rails for s in sessions if s.rails), ())
    registers = next((s.registers for s in sessions if s.rails), ())
    for session in sessions:
        if session.layer_names and session.layer_names != layers:
            warnings.append(f"session {session.number} ran other layers and is left out")
            session.runs = None
        if session.rails and session.rails != rails:
            warnings.append(f"session {session.number} watched other rails and is left out")
            session.polls = []
        session.polls = [
            (phase, _with(polls, session, registers)) for phase, polls in session.polls
        ]
    events = [event for session in sessions for event in session.events]
    networks = [event["network"].mapping() for event in named(events, "network")]
    before, after = named(events, "state_before"), named(events, "state_after")

    def trace(phase: Phase) -> PowerTrace:
        parts = [polls for s in sessions for p, polls in s.polls if p == phase]
        width = 1 + len(rails) + 2 * len(registers)
        table = np.concatenate(parts) if parts else np.empty((0, width))
        return PowerTrace.of_table(table, rails, totals, registers)

    idle_before, idle_after = trace(Phase.IDLE_BEFORE), trace(Phase.IDLE_AFTER)
    settings = header["sensor_settings"].maybe(Value.mapping) or next(
        (s.settings for s in sessions if s.settings), {}
    )
    warnings += [event["text"].text() for event in named(events, "warning")]
    warnings += Value(dict(settings), folder, "sensor's settings")["warnings"].default([]).texts()
    recording = Recording(
        name=header["name"].default(folder.name).text(),
        trace=trace(Phase.RUN),
        timeline=_timeline(layers, sessions),
        idle_before=idle_before if len(idle_before) else None,
        idle_after=idle_after if len(idle_after) else None,
        sampler=_sampler_report(sessions, events),
        state_before=_state(before[0]["state"]) if before else None,
        state_after=_state(after[-1]["state"]) if after else None,
        device={key: value.words() for key, value in header["device"].default({}).entries()},
        sensor_settings=dict(settings),
        network=header["network"].maybe(Value.mapping) or next(iter(networks), None),
        started_utc=header["started_utc"].default("").text(),
        complete=bool(sessions and named(sessions[-1].events, "complete")),
        warnings=tuple(dict.fromkeys(warnings)),
        simulated=header["simulated"].default(raw=False).boolean(),
    )
    return without_impossible(recording)


def _like(part: PowerTrace, trace: PowerTrace) -> PowerTrace:
    """Return a trace with the rails and registers of another; NaN where it lacks one."""
    unknown = np.full(len(part), np.nan)
    return PowerTrace(
        part.time_s,
        {rail: part.rails_w.get(rail, unknown) for rail in trace.rails_w},
        trace.total_rails,
        {rail: part.currents_a.get(rail, unknown) for rail in trace.registers},
        {rail: part.voltages_v.get(rail, unknown) for rail in trace.registers},
    )


def _with(polls: FloatArray, session: SessionData, registers: tuple[str, ...]) -> FloatArray:
    """Return polls of a session with the columns of other registers; NaN where it has none."""
    if session.registers == registers:
        return polls
    trace = PowerTrace.of_table(polls, session.rails, session.total_rails, session.registers)
    unknown = np.full(len(polls), np.nan)
    wanted = PowerTrace(
        trace.time_s, trace.rails_w, trace.total_rails,
        dict.fromkeys(registers, unknown), dict.fromkeys(registers, unknown),
    )  # fmt: skip
    return _like(trace, wanted).table


def _missing(folder: Path, header: Value, sessions: list[SessionData]) -> Iterator[str]:
    """Yield which files of a collection are gone though what they held was recorded."""
    sensor = header["sensor"].default("none").text()
    for session in sessions:
        runs = stream_path(folder, "runs", session.number)
        complete = named(session.events, "complete")
        ended, ran = bool(complete), any(event["runs"].default(1).raw for event in complete)
        if "runner" in header and ran and not runs.exists():
            yield f"{runs.name} is missing: the runs of its session are lost"
        power = stream_path(folder, "power", session.number)
        if sensor != "none" and (ended or session.runs is not None) and not power.exists():
            yield f"{power.name} is missing: the polls of the sensor {sensor} are lost"


def _timeline(layers: tuple[str, ...], sessions: list[SessionData]) -> Timeline:
    width = len(layers)
    parts = [s.runs for s in sessions if s.runs is not None and len(s.runs)]
    table = np.concatenate(parts) if parts else np.empty((0, 2 + 2 * width))
    kinds = [s.stamp_kind for s in sessions if s.runs is not None]
    starts, stamps = table[:, 1], table[:, 2 + width :]
    return Timeline(
        layer_names=layers,
        duration_s=read_only(table[:, 2 : 2 + width]),
        run_end_s=read_only(table[:, 0]),
        run_start_s=read_only(starts) if np.isfinite(starts).any() else None,
        stamp_s=read_only(stamps) if np.isfinite(stamps).any() else None,
        stamp_kind=kinds[0] if kinds else "none",  # type: ignore[arg-type]  # checked on reading
    )


def _sampler_report(sessions: list[SessionData], events: list[Value]) -> SamplerReport:
    for event in named(events, "sampler")[-1:]:
        return SamplerReport(
            target_period_s=number_or_nan(event["target_period_s"]),
            ticks=event["ticks"].integer(0),
            missed_ticks=event["missed_ticks"].integer(0),
            cpu_share=number_or_nan(event["cpu_share"]),
            latency_change=number_or_nan(event["latency_change"]),
        )
    sampled = [s for s in sessions if s.rails]
    timed = [s for s in sampled if math.isfinite(s.stats[3])]  # the others died at once
    cpu = sum(s.stats[2] for s in timed)
    elapsed = sum(s.stats[3] for s in timed)
    changes = [number_or_nan(e["latency_change"]) for e in events if "latency_change" in e]
    return SamplerReport(
        target_period_s=sampled[0].period_s if sampled else math.nan,
        ticks=sum(s.stats[0] for s in sampled),
        missed_ticks=sum(s.stats[1] for s in sampled),
        cpu_share=cpu / elapsed if elapsed > 0 else math.nan,
        latency_change=changes[-1] if changes else math.nan,
    )


def _state(value: Value) -> DeviceState:
    value.allow((*DeviceState.__dataclass_fields__,))
    temperatures, clocks = (value[name].default({}) for name in ("temperatures_c", "clocks_hz"))
    return DeviceState(
        time_s=value["time_s"].number(),
        temperatures_c={name: number_or_nan(one) for name, one in temperatures.entries()},
        clocks_hz={name: number_or_nan(one) for name, one in clocks.entries()},
        clocks_pinned=value["clocks_pinned"].maybe(Value.boolean),
        throttled=value["throttled"].maybe(Value.boolean),
        throttle_reasons=value["throttle_reasons"].default([]).texts(),
    )
