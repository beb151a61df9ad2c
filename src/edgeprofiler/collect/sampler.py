"""The sampler: a process of its own that polls a sensor and brings every poll to the disk.

Started as `python -m edgeprofiler.collect.sampler`. It takes one line of JSON (the job) and
then one line for each change of phase on standard input, and answers with lines of JSON on
standard output. When standard input ends, because of `stop` or because the other process
died, it writes what it has and ends.
"""

from __future__ import annotations

import array
import gc
import json
import math
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.collect.ticks import make_ticker
from edgeprofiler.errors import CannotWrite, EdgeProfilerError, Unavailable
from edgeprofiler.recording.chunks import Phase
from edgeprofiler.recording.session import PowerWriter, SessionClock
from edgeprofiler.sensors.protocol import Sensor

FLUSH_S = 0.4
"""How often polls are written and synced; a crash loses at most what came since."""
SILENCE_S = 2.0
"""A sensor that gives nothing but NaN for so long is gone."""

Stats = tuple[int, int, float, float]
_Block = tuple[int, "array.array[float]", Stats]


class _Disk(threading.Thread):
    """Writes blocks in the background: syncing may take longer than a tick."""

    def __init__(self, writer: PowerWriter, width: int) -> None:
        super().__init__(name="disk", daemon=True)
        self._writer = writer
        self._width = width
        self._blocks: queue.SimpleQueue[_Block | None] = queue.SimpleQueue()
        self.failure: Exception | None = None

    def put(self, block: _Block | None) -> None:
        self._blocks.put(block)

    def run(self) -> None:
        while (block := self._blocks.get()) is not None:
            phase, values, stats = block
            try:
                polls = np.frombuffer(values, np.float64).reshape(-1, self._width)
                self._writer.append(phase, polls, stats)
                self._writer.sync()
            except (
                Exception
            ) as error:  # whatever it is, `sample` raises it: no thread ends silently
                self.failure = error
                return


class _Control(threading.Thread):
    """Reads the other process's lines; `phase` changes under the sampling loop."""

    def __init__(self) -> None:
        super().__init__(name="control", daemon=True)
        self.phase = int(Phase.OTHER)
        self.stop = False

    def run(self) -> None:
        for line in sys.stdin:
            word = line.strip()
            if word == "stop":
                break
            if word.isdigit():
                self.phase = int(word)
        self.stop = True


def sample(sensor: Sensor, writer: PowerWriter, period_s: float, control: Any) -> Stats:
    """Poll `sensor` until `control.stop`, changing phase with `control.phase`.

    Args:
        sensor: an open sensor.
        writer: where polls go, at the latest `FLUSH_S` after they were taken.
        period_s: time between polls.
        control: an object with `phase` and `stop`, changed from outside.

    Raises:
        Unavailable: the sensor is gone; what it gave is written.
        CannotWrite: polls cannot be written; what was written stays readable.
    """
    width = 1 + len(sensor.rails)
    disk = _Disk(writer, width)
    disk.start()
    values = array.array("d")
    phase = control.phase
    gone: Exception | None = None
    now, read, extend = time.monotonic, sensor.read, values.extend
    cpu_start_s, start_s = time.process_time(), now()
    heard_s = flushed_s = start_s
    ticker = make_ticker(period_s)
    say(phase=phase)

    def flush() -> Stats:
        stats = (
            ticker.ticks, ticker.missed, time.process_time() - cpu_start_s, now() - start_s,
        )  # fmt: skip
        if len(values):
            disk.put((phase, values, stats))
        return stats

    while not control.stop and disk.failure is None:
        ticker.wait()
        if control.phase != phase:
            flush()
            values = array.array("d")
            extend = values.extend
            phase = control.phase
            say(phase=phase)
        before_s = now()
        try:
            rails = read()
        except Exception as error:  # of anyone's sensor: what it gave before is written first
            gone = error
            break
        after_s = now()
        extend((0.5 * (before_s + after_s), *rails))
        if rails[0] == rails[0] or not all(map(math.isnan, rails)):
            heard_s = after_s
        elif after_s - heard_s > SILENCE_S:
            gone = OSError(f"nothing but errors for {SILENCE_S:.0f} s")
            break
        if after_s - flushed_s > FLUSH_S:
            flush()
            values = array.array("d")
            extend = values.extend
            flushed_s = after_s
    stats = flush()
    ticker.close()
    disk.put(None)
    disk.join()
    if isinstance(disk.failure, EdgeProfilerError):
        raise disk.failure
    if disk.failure is not None:
        raise CannotWrite(
            "the sensor's polls",
            f"could not be written ({type(disk.failure).__name__}: {disk.failure})",
            "what was written before is kept; --resume goes on",
        ) from disk.failure
    if gone is not None and not isinstance(gone, OSError):
        raise Unavailable(
            f"the sensor {sensor.name} failed {now() - start_s:.1f} s after its start "
            f"({type(gone).__name__}: {gone})",
            "what it gave before is kept; mend the sensor, then go on with --resume",
        ) from gone
    if gone is not None:
        raise Unavailable(
            f"the sensor {sensor.name} vanished {now() - start_s:.1f} s after its start "
            f"({gone.strerror or gone})",
            "see that it is still there (`edgeprofiler doctor`), then go on with --resume",
        )
    return stats


def say(**message: Any) -> None:
    """Write one line for the other process, if it still lives."""
    with suppress(OSError, ValueError):
        print(json.dumps(message), flush=True)


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
    except EdgeProfilerError as error:
        say(error=type(error).__name__, text=str(error))
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
        )
        writer.sync()
        say(rails=sensor.rails, total_rails=sensor.total_rails, settings=dict(sensor.settings()))
        control.start()
        with suppress(OSError, AttributeError):
            # only this thread, and where we may: else ticks are missed when all cores are busy
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        gc.disable()  # nothing here makes cycles; a collection would cost ticks
        stats = sample(sensor, writer, job["period_s"], control)
        writer.close()
        say(done=stats)
    except EdgeProfilerError as error:
        say(error=type(error).__name__, text=str(error))
        return 1
    finally:
        sensor.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
