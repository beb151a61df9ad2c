"""From a model, a runner and a sensor to a recording: idle, warm-up, runs, idle."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.errors import (
    FREE_SPACE,
    CannotWrite,
    EdgeProfilerError,
    InvalidInput,
    Unavailable,
    UsageError,
)
from edgeprofiler.core.files import digest_of_file
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.core.progress import Progress, silent
from edgeprofiler.core.text import first_line
from edgeprofiler.measurement.collect.choose import probe
from edgeprofiler.measurement.collect.device_state import device_state, machine_facts
from edgeprofiler.measurement.collect.layers import layers_for
from edgeprofiler.measurement.collect.plan import RecordingPlan, dither_for
from edgeprofiler.measurement.collect.power import LivePower, NoPower, PowerSource, TracePower
from edgeprofiler.measurement.recording import (
    DeviceState,
    Recording,
    Timeline,
    is_recording,
    load_recording,
    network_to_json,
)
from edgeprofiler.measurement.recording.chunks import Phase
from edgeprofiler.measurement.recording.session import (
    EventsWriter,
    RunsWriter,
    SessionClock,
    read_header,
    session_numbers,
    stream_path,
    write_header,
)
from edgeprofiler.measurement.runners.protocol import Runner, StatefulRunner
from edgeprofiler.measurement.sensors.protocol import AnySensor, TraceSensor

BLOCK_S = 0.4
"""Runs come to the disk in blocks of about this long."""
VIRTUAL_BLOCK_RUNS = 1000
MOST_VIRTUAL_LAYERS = 30_000_000
"""Layers' times of a simulation, all of which are held in memory until its end."""
MARGIN_S = 0.1
"""The sensor is watched this much longer than the last run: its values come late."""
COMPARE_RUNS = 50
_FREE_OPTIONS = frozenset({"build_timeout_s", "events_per_session", "program", "trust_engine"})
"""Options that change nothing of what is measured: a recording may go on with others."""


def record_model(
    source: str,
    runner: Runner,
    sensor: AnySensor | None,
    folder: Path,
    *,
    plan: RecordingPlan | None = None,
    network: Network | None = None,
    name: str | None = None,
    resume: bool = False,
    progress: Progress = silent,
    root: Path = Path("/"),
) -> Recording:
    """Record a model's runs and the power they draw into `folder`, and return the recording.

    Args:
        source: the model, as `runner` takes it.
        sensor: what measures power; `None` records run times only.
        network: the layers to run, for a runner that needs them; those of `source` on its device
            where `None`.
        name: the recording's name; the model's file name where `None`.
        resume: go on with the recording in `folder` where it broke off.
        progress: is told how far it is.
        root: root of the file system for facts of the device; another one in tests.

    Raises:
        Unavailable: sensor or runner cannot run, or were lost; what was recorded is kept.
        CannotWrite: the disk is full or not writable; what was recorded is kept.
        UsageError: `folder` holds a recording and `resume` is false, or one of another model.
        KeyboardInterrupt: the user stopped it; what was recorded is kept.
    """
    plan = plan or RecordingPlan()
    probe(runner, sensor)
    header = header_of(name or recording_name(source), source, runner, sensor, plan)
    there = _already_there(folder, header, resume)
    done_runs = 0 if there is None else there.timeline.runs
    if there is not None and there.complete and done_runs >= plan.runs:
        return there
    progress("load", 0, 1)
    runner.load(source, layers_for(source, runner) if network is None else network)
    progress("load", 1, 1)
    return record(
        runner, sensor, folder, plan, header, done_runs=done_runs, progress=progress, root=root
    )


@contextmanager
def _told_to_resume() -> Iterator[None]:
    """Add to the error of a full disk what may be done once there is room."""
    try:
        yield
    except CannotWrite as error:
        if str(error).endswith(FREE_SPACE):
            error.add("then go on with `resume`; what was recorded is kept")
        raise


@_told_to_resume()
def record(
    runner: Runner,
    sensor: AnySensor | None,
    folder: Path,
    plan: RecordingPlan,
    header: Mapping[str, Any],
    *,
    done_runs: int = 0,
    progress: Progress = silent,
    root: Path = Path("/"),
) -> Recording:
    """Record a runner that is loaded; `collect` says what is raised."""
    clock = runner.clock
    _check_virtual_runs(runner, plan.runs)
    numbers = session_numbers(folder)
    session = SessionClock.now(numbers[-1] + 1 if numbers else 1, root)
    if clock.virtual:
        session = SessionClock(session.session, "simulated", clock.now_s(), session.utc_s)
    if not is_recording(folder):
        simulated = runner.simulated or (isinstance(sensor, TraceSensor) and sensor.simulated)
        facts = {} if clock.virtual else machine_facts(root)
        device = {**facts, **runner.describe(), "runner": runner.name}
        device["sensor"] = "none" if sensor is None else sensor.name
        write_header(
            folder, {**header, "started_utc": session.utc, "simulated": simulated, "device": device}
        )
    events = EventsWriter(stream_path(folder, "events", session.session), session)
    power: PowerSource = NoPower()
    try:
        power = _power_source(sensor, runner, folder, session, plan.period_s)
        session_run = _SessionRun(runner, power, plan, progress, events, root)
        runs = max(0, plan.runs - done_runs)
        session_run.go(folder, session, runs)
        if not clock.virtual:
            events.append("end", utc_s=time.time())
        events.append("complete", runs=runs)
    except KeyboardInterrupt:
        with suppress(EdgeProfilerError):
            events.append("interrupted")
            events.append("warning", text="interrupted before its end")
        raise
    except EdgeProfilerError as error:
        with suppress(EdgeProfilerError):  # the disk may be what failed
            events.append("warning", text=f"ended before its time: {error}")
        raise
    except (RuntimeError, OSError, ValueError, ArithmeticError) as error:
        failure = Unavailable(
            f"the runner {runner.name} failed ({first_line(error, typed=True)})",
            f"what was recorded lies in {folder}; `resume` goes on",
        )
        with suppress(EdgeProfilerError):
            events.append("warning", text=f"ended before its time: {failure}")
        raise failure from error
    finally:
        try:
            power.close()  # fails where the disk is full
        finally:
            events.close()
    return load_recording(folder)


def _check_virtual_runs(runner: Runner, runs: int) -> None:
    network = runner.network() if runner.clock.virtual else None
    most = MOST_VIRTUAL_LAYERS // max(1, 0 if network is None else len(network.layers))
    if runner.clock.virtual and runs > most:
        raise UsageError(
            f"{runs:,} runs are more than a simulation can hold; ask for {most:,} or fewer"
        )


@dataclass(eq=False)
class _SessionRun:
    """One session's steps, with what all of them need."""

    runner: Runner
    power: PowerSource
    plan: RecordingPlan
    progress: Progress
    events: EventsWriter
    root: Path
    told_network: bool = False

    def go(self, folder: Path, session: SessionClock, runs: int) -> None:
        """Idle, warm up, run, idle; each step's data are on the disk when it ends.

        Where only the end is missing, with 0 runs: warm up and idle.
        """
        plan, power = self.plan, self.power
        idle_s = plan.idling_s(watched=not isinstance(power, NoPower))
        random = np.random.default_rng([plan.seed, runs])
        last: Timeline | None = None
        if runs:
            power.enter(Phase.IDLE_BEFORE)
            self.events.append("state_before", state=asdict(self._state()))
            self._wait(idle_s, "idle")
        power.enter(Phase.WARMUP)
        block = self._warm_up()
        self._tell_network()
        if runs:
            with closing(
                RunsWriter(stream_path(folder, "runs", session.session), session)
            ) as writer:
                power.enter(Phase.RUN)
                last = self._run(writer, runs, block, random)
                self._wait(MARGIN_S, "")
        power.enter(Phase.IDLE_AFTER)
        self.events.append("state_after", state=asdict(self._state()))
        self._wait(idle_s, "idle again")
        power.close()
        power.check()
        change = math.nan if last is None else self._latency_change(last, random)
        if math.isfinite(change):
            self.events.append("overhead", latency_change=change)

    def _warm_up(self) -> int:
        """Warm up and return how many runs make a block."""
        done, block = 0, 1
        fixed = VIRTUAL_BLOCK_RUNS if self.runner.clock.virtual else 0
        while done < self.plan.warmup:
            block = min(block, self.plan.warmup - done)
            start_s = self.runner.clock.now_s()
            self.runner.run(block)
            done += block
            block = _next_block(block, self.runner.clock.now_s() - start_s)
            self.power.check()
            self.progress("warm-up", done, self.plan.warmup)
        return fixed or max(1, block)

    def _run(
        self, writer: RunsWriter, runs: int, block: int, random: np.random.Generator
    ) -> Timeline:
        done = 0
        timeline: Timeline | None = None
        while done < runs:
            count = min(block, runs - done)
            pauses = self._pauses(random, count)
            start_s = self.runner.clock.now_s()
            timeline = self.runner.run(count, pauses)
            writer.append(timeline)
            self.power.check()
            done += count
            self.progress("runs", done, runs)
            if not self.runner.clock.virtual:
                block = _next_block(count, self.runner.clock.now_s() - start_s)
        self._tell_network()
        assert timeline is not None  # at least one run is asked for
        return timeline

    def _pauses(self, random: np.random.Generator, count: int) -> FloatArray | None:
        longest_s = dither_for(self.plan, self.power.settings)
        return random.uniform(0, longest_s, count) if longest_s > 0 else None

    def _tell_network(self) -> None:
        network = None if self.told_network else self.runner.network()
        if network is not None:
            self.events.append("network", network=network_to_json(network))
            self.told_network = True

    def _latency_change(self, last: Timeline, random: np.random.Generator) -> float:
        """Run a little without the sampler and return what the sampler changes, relatively.

        With pauses as before: what a pause does to caches and clocks is not the sampler's doing.
        """
        starts = last.run_start_s
        if self.runner.clock.virtual or starts is None or isinstance(self.power, NoPower):
            return math.nan
        with_s = float(np.median(last.run_end_s - starts))
        runs = max(5, min(COMPARE_RUNS, int(2.0 / max(with_s, 1e-6))))
        self.runner.run(max(1, runs // 5))
        without = self.runner.run(runs, self._pauses(random, runs))
        if without.run_start_s is None:
            return math.nan
        return with_s / float(np.median(without.run_end_s - without.run_start_s)) - 1

    def _wait(self, duration_s: float, stage: str) -> None:
        end_s = self.runner.clock.now_s() + duration_s
        step_s = duration_s if self.runner.clock.virtual else 0.2
        while (left_s := end_s - self.runner.clock.now_s()) > 0:
            self.runner.clock.sleep(min(step_s, left_s))
            self.power.check()
            if stage:
                self.progress(stage, min(duration_s, duration_s - left_s + step_s), duration_s)

    def _state(self) -> DeviceState:
        if isinstance(self.runner, StatefulRunner):
            return self.runner.state()
        return device_state(self.runner.clock.now_s(), self.root)


def recording_name(source: str) -> str:
    """Return a folder name for a model: the stem of its file, or the name after `zoo:`."""
    stem = Path(source.rpartition(":")[2]).name
    stem = stem.rpartition(".")[0] or stem
    kept = "".join(c if c.isalnum() or c in "-_.+" else "_" for c in stem)
    return kept.lstrip(".") or "recording"


def header_of(
    name: str, source: str, runner: Runner, sensor: AnySensor | None, plan: RecordingPlan
) -> dict[str, Any]:
    """Return what must be the same when a recording goes on, as JSON gives it back."""
    header: dict[str, Any] = {
        "name": name,
        "source": source,
        "runner": runner.name,
        "runner_options": _telling(runner.options),
        "sensor": "none" if sensor is None else sensor.name,
        "sensor_options": {} if sensor is None else _telling(sensor.options),
    }
    if sensor is not None and not isinstance(sensor, TraceSensor):
        header["period_s"] = plan.period_s
    model = Path(source)
    if model.is_file():
        header["model_sha256"] = digest_of_file(model)
    same: dict[str, Any] = json.loads(json.dumps(header))
    return same


def require_free(folder: Path) -> None:
    """Raise `UsageError` where a recording lies."""
    if is_recording(folder):
        raise UsageError(
            f"{folder} already holds a recording; go on with `resume` or choose another folder"
        )


def require_same(folder: Path, header: Mapping[str, Any]) -> None:
    """Raise `UsageError` where a recording is of another model, runner, option or sensor."""
    there = read_header(folder).mapping()
    for key, value in header.items():
        if key not in there or there[key] == value:
            continue
        if key == "model_sha256":
            raise UsageError(
                f"{header['source']} has changed since {folder} was recorded (SHA-256 then "
                f"{str(there[key])[:12]}, now {value[:12]}); choose another folder"
            )
        what, then, now = key.removesuffix("_s").replace("_", " "), there[key], value
        if isinstance(then, dict) and isinstance(now, dict):
            # An option that a newer version added is `None` where it changes nothing.
            option = next((o for o in {**then, **now} if then.get(o) != now.get(o)), None)
            if option is None:
                continue
            what = f"{what.removesuffix('s')} {option}"
            then, now = then.get(option), now.get(option)
        raise UsageError(
            f"{folder} was recorded with {what} {then!r}, not {now!r}; "
            "resume with the same, or choose another folder"
        )


def _telling(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in _FREE_OPTIONS}


def _next_block(runs: int, took_s: float) -> int:
    return max(1, min(runs * 4, int(BLOCK_S * runs / max(took_s, 1e-6)), 100_000))


def _power_source(
    sensor: AnySensor | None, runner: Runner, folder: Path, session: SessionClock, period_s: float
) -> PowerSource:
    if sensor is None:
        return NoPower()
    if isinstance(sensor, TraceSensor):
        sensor.attach(runner)
        return TracePower(sensor, runner.clock, folder, session)
    if runner.clock.virtual:
        raise UsageError(
            f"the sensor {sensor.name} measures this machine, but {runner.name} is simulated; "
            "choose `sensor` sim or `sensor` none"
        )
    return LivePower(sensor, folder, session, period_s)


def _already_there(folder: Path, header: Mapping[str, Any], resume: bool) -> Recording | None:
    """Return the recording that goes on."""
    if not is_recording(folder):
        if folder.is_dir() and session_numbers(folder):
            raise InvalidInput(folder, "holds streams but no recording.json", "choose another")
        return None
    if not resume:
        require_free(folder)
    require_same(folder, header)
    return load_recording(folder)
