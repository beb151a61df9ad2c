"""The sampler: a process of its own that polls a sensor and brings every poll to the disk.

Started as `python -m edgeprofiler.measurement.collect.sampler`. It takes one line of JSON (the
job) and then one line for each change of phase on standard input, and answers with lines of JSON
on standard output. When standard input ends, because of `stop` or because the other process
died, it writes what it has and ends.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import chain, repeat, starmap, takewhile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from edgeprofiler.core import plugins
from edgeprofiler.core.children import told
from edgeprofiler.core.errors import CannotWrite, EdgeProfilerError, Unavailable
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.collect.ticks import Ticker, TimerTicker, make_ticker
from edgeprofiler.measurement.recording.chunks import Phase
from edgeprofiler.measurement.recording.session import PowerWriter, SessionClock
from edgeprofiler.measurement.sensors.protocol import (
    Polling,
    Sensor,
    polling_of,
    registers_of,
)

FLUSH_S = 0.4
"""How often polls are written and synced; a crash loses at most what came since."""
BATCH_S = 0.05
"""How often a change of phase, the end and trouble are looked for, and flushing is."""
CHANGE_S = 0.001
"""How often they are while a phase changes, which the other process waits for."""
SWITCH_S = 0.0005
"""How long another thread may hold the interpreter when a tick comes."""
SILENCE_S, SILENT_POLLS = 2.0, 5
"""A sensor that gives no total power for so long, and so often, is gone."""

Stats = tuple[int, int, float, float]
_Poll = Sequence[Any]
"""What the gate and the tick gave, the time, the parts of the sensor's reading, the time again."""


class _Polls:
    """Polls at ticks: a stream that goes on as far as it is pulled.

    At a thousand polls a second it is the interpreter that costs, not the arithmetic: after each
    wait it runs from cold caches. So a poll is one item of a `zip` whose columns wait for the
    tick, take the time, read the sensor and take the time again, and pulling it runs no bytecode.
    """

    def __init__(self, polling: Polling, ticker: Ticker | TimerTicker) -> None:
        self._rescue = polling.rescue
        self._ticker = ticker
        self._stamps = starmap(time.monotonic, repeat(()))
        parts = [chain(part, starmap(_ended, repeat(()))) for part in polling.parts]
        self._columns = (ticker.waits, self._stamps, *parts, self._stamps)
        self._fetched: list[_Poll] = []
        self._count = 0
        self._last_s = time.monotonic()

    def pull(self, until_s: float) -> None:
        """Poll at every tick until that time has passed or the sensor fails.

        Raises:
            OSError: the sensor is gone.
            RuntimeError: its readings ended, as where `read` is a generator's `next`.
        """
        # the gate comes first, so that a stream that ends has taken nothing of a poll
        gate = takewhile(until_s.__ge__, self._stamps)
        stream = zip(gate, *self._columns, strict=False)
        try:
            # keeps what came before an error, as list.extend does not promise to
            deque(map(self._fetched.append, stream), maxlen=0)
        except OSError as error:
            before_s = time.monotonic()
            parts = self._rescue(error)
            self._fetched.append((None, None, before_s, *parts, time.monotonic()))

    def __len__(self) -> int:
        """How many polls `take` would return."""
        return len(self._fetched)

    def take(self) -> list[_Poll]:
        """Return all polls since the last time."""
        fetched, self._fetched = self._fetched, []
        self._count += len(fetched)
        if fetched:
            self._last_s = fetched[-1][-1]
        return fetched

    def ticks(self, until_s: float) -> tuple[int, int]:
        """Return how many ticks were due and how many were missed.

        Args:
            until_s: a tick's poll is missing for certain if it was due by then.
        """
        due = max(self._count, self._ticker.due(max(self._last_s, until_s)))
        return due, due - self._count


def _ended() -> NoReturn:
    """Follows a sensor's readings, which must not end."""
    raise RuntimeError("its readings ended")


class _Disk(threading.Thread):
    """Decodes and writes polls in the background: syncing may take longer than a tick."""

    def __init__(self, writer: PowerWriter, polling: Polling, sensor: Sensor) -> None:
        super().__init__(name="disk", daemon=True)
        self._writer = writer
        self._decode = polling.decode
        self._values = len(sensor.rails) + 2 * len(registers_of(sensor))
        total = [1 + n for n, rail in enumerate(sensor.rails) if rail in sensor.total_rails]
        self._total = total or slice(1, None)
        self._what = " + ".join(sensor.total_rails)
        self._heard_s = time.monotonic()
        self._silent = 0
        self._blocks: queue.SimpleQueue[tuple[int, list[_Poll], Stats] | None] = queue.SimpleQueue()
        self.gone: Exception | None = None
        """What was wrong with the sensor's values."""
        self.failure: Exception | None = None
        """What was wrong with writing."""

    def put(self, phase: int, polls: list[_Poll], stats: Stats) -> None:
        """Have polls of one phase written."""
        self._blocks.put((phase, polls, stats))

    def end(self) -> None:
        """Write all that was put, and end."""
        self._blocks.put(None)
        self.join()

    def run(self) -> None:
        # whatever goes wrong, `sample` raises it: no thread ends silently
        while (block := self._blocks.get()) is not None:
            phase, polls, stats = block
            if not polls or self.failure is not None:
                continue
            try:
                table = self._table(polls)
                self._watch(table)
            except Exception as error:
                self.gone = error
                table = self._good_part(polls)
            try:
                self._writer.append(phase, table, stats)
                self._writer.sync()
            except Exception as error:
                self.failure = error
            say(polls=len(table))
            if not gc.isenabled():
                gc.collect()  # of what a sensor's own cycles hold; `main` froze all older things

    def _table(self, polls: Sequence[_Poll]) -> FloatArray:
        """Return times and values of polls, with the columns of `PowerTrace.table`."""
        _, _, before_s, *parts, after_s = zip(*polls, strict=True)
        values = self._decode(parts)
        if values.shape != (len(polls), self._values):
            raise ValueError(f"it gave {values.shape[1:]} values for {self._values} columns")
        return np.column_stack([0.5 * (np.array(before_s) + np.array(after_s)), values])

    def _good_part(self, polls: Sequence[_Poll]) -> FloatArray:
        """Return the table of the polls before the first that cannot be decoded."""
        rows = [np.empty((0, 1 + self._values))]
        for poll in polls:
            try:
                rows.append(self._table([poll]))
            except Exception:  # of the whole block `run` caught it, and `gone` tells it
                break
        return np.concatenate(rows)

    def _watch(self, table: FloatArray) -> None:
        """Notice when the sensor gives nothing any more of what is the board's power."""
        lost = np.isnan(table[:, self._total])
        good = np.flatnonzero(~(lost.any(axis=1) if self._what else lost.all(axis=1)))
        if len(good):
            self._heard_s, self._silent = float(table[good[-1], 0]), -int(good[-1]) - 1
        self._silent += len(table)
        silence_s = table[-1, 0] - self._heard_s
        if self._silent >= SILENT_POLLS and silence_s > SILENCE_S:
            of = f" of {self._what}" if self._what else ""
            self.gone = OSError(f"nothing but errors{of} for {silence_s:.0f} s")


class _Control(threading.Thread):
    """Reads the other process's lines; `phase` changes under the sampling loop."""

    def __init__(self) -> None:
        super().__init__(name="control", daemon=True)
        self.phase = int(Phase.OTHER)
        self.stop = False

    def run(self) -> None:
        for line in sys.stdin:
            with suppress(ValueError):
                word = json.loads(line)
                if word == "stop":
                    break
                self.phase = int(word)
        self.stop = True


def sample(sensor: Sensor, writer: PowerWriter, period_s: float, control: Any) -> Stats:
    """Poll `sensor` until `control.stop`, changing phase with `control.phase`.

    Args:
        writer: where polls go, at the latest `FLUSH_S` after they were taken.
        control: an object with `phase` and `stop`, changed from outside.

    Raises:
        Unavailable: the sensor is gone; what it gave is written.
        CannotWrite: polls cannot be written; what was written stays readable.
    """
    polling = polling_of(sensor)
    disk = _Disk(writer, polling, sensor)
    disk.start()
    phase = control.phase
    cpu_start_s, start_s = time.process_time(), time.monotonic()
    ticker = make_ticker(period_s)
    polls = _Polls(polling, ticker)
    flushed_s = start_s
    gone: Exception | None = None
    say(phase=phase)
    told = True

    def flush() -> Stats:
        taken = polls.take()
        used_s, now_s = time.process_time() - cpu_start_s, time.monotonic()
        stats = (*polls.ticks(now_s - period_s), used_s, now_s - start_s)
        disk.put(phase, taken, stats)
        return stats

    while not control.stop and disk.failure is None and disk.gone is None:
        wanted = control.phase
        settled = told and wanted == phase
        now_s = time.monotonic()
        if now_s - flushed_s > FLUSH_S - BATCH_S:
            flush()
            flushed_s = now_s
        had = len(polls)
        try:
            polls.pull(now_s + (BATCH_S if settled else CHANGE_S))
        except Exception as error:  # of anyone's sensor: what it gave before is written first
            gone = error
            break
        if settled or len(polls) == had:
            continue
        # the old phase has had a poll since its end was asked for, or the new one its first
        if told:
            flush()
            phase, told = wanted, False
        else:
            say(phase=phase)
            told = True
    stats = flush()
    ticker.close()
    disk.end()
    gone = gone or disk.gone
    if isinstance(disk.failure, EdgeProfilerError):
        raise disk.failure
    if disk.failure is not None:
        raise CannotWrite(
            "the sensor's polls",
            f"could not be written ({type(disk.failure).__name__}: {disk.failure})",
            "what was written before is kept; `resume` goes on",
        ) from disk.failure
    if gone is not None and not isinstance(gone, OSError):
        raise Unavailable(
            f"the sensor {sensor.name} failed {time.monotonic() - start_s:.1f} s after its start "
            f"({type(gone).__name__}: {gone})",
            "what it gave before is kept; mend the sensor, then go on with `resume`",
        ) from gone
    if gone is not None:
        raise Unavailable(
            f"the sensor {sensor.name} vanished {time.monotonic() - start_s:.1f} s after its start "
            f"({gone.strerror or gone})",
            "see that it is still there (`edgeprofiler doctor`), then go on with `resume`",
        )
    return stats


def say(**message: Any) -> None:
    """Write one line for the other process, if it still lives."""
    with suppress(OSError, ValueError):
        sys.stdout.write(json.dumps(message) + "\n")  # in one piece: two threads say things
        sys.stdout.flush()


def make_sensor(job: Mapping[str, Any]) -> Sensor:
    """Return the sensor that a job names by module, class and options."""
    found: Any = import_module(job["module"])
    for part in str(job["class"]).split("."):
        found = getattr(found, part)
    sensor: Sensor = found(**job["options"])
    return sensor


def main() -> int:
    """Do the job on standard input; 0 when it was stopped, 1 when sensor or disk failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the collecting process decides
    job = json.loads(sys.stdin.readline())
    sys.path[:] = [*dict.fromkeys([*sys.path, *job["sys_path"]])]
    try:
        sensor = make_sensor(job)
        sensor.open()
    except Exception as error:
        _say_error(error, job["class"])
        return 1
    control = _Control()

    def end(_signal: int, _frame: object) -> None:
        control.stop = True

    signal.signal(signal.SIGTERM, end)
    try:
        writer = PowerWriter(
            Path(job["path"]),
            kind=sensor.kind,
            rails=sensor.rails,
            total_rails=sensor.total_rails,
            period_s=job["period_s"],
            clock=SessionClock(**job["clock"]),
            settings=sensor.settings(),
            registers=registers_of(sensor),
        )
        writer.sync()
        say(rails=sensor.rails, total_rails=sensor.total_rails, settings=dict(sensor.settings()))
        control.start()
        with suppress(OSError, AttributeError):
            # only this thread, and where we may: else ticks are missed when all cores are busy
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        sys.setswitchinterval(SWITCH_S)
        gc.freeze()
        gc.disable()  # a collection at any time would cost ticks
        stats = sample(sensor, writer, job["period_s"], control)
        writer.close()
        say(done=stats)
    except Exception as error:
        _say_error(error, sensor.name)
        return 1
    finally:
        sensor.close()
    return 0


def _say_error(error: Exception, sensor: str) -> None:
    """Tell the other process; what a stranger's sensor raises becomes `Unavailable`."""
    if not isinstance(error, EdgeProfilerError):
        error = plugins.failed("sensors", sensor, error)
    say(**told(error))


if __name__ == "__main__":
    sys.exit(main())
