"""The collecting process's handle of the sampler process."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeprofiler.core.children import Child, retold
from edgeprofiler.core.errors import EdgeProfilerError, Unavailable, UsageError
from edgeprofiler.measurement.recording.session import SessionClock, stream_path
from edgeprofiler.measurement.sensors.protocol import Sensor

START_S = 30.0
"""A sampler that is not ready after so long has failed: a sensor's driver hangs."""
ANSWER_S = 10.0
"""How long it may take to answer, and to bring polls to the disk, beyond three of its periods."""
DOUBT_S = 2.0
"""How long its word is waited for once it is late: this process may itself have been stopped."""
STOP_S = 60.0
"""How long it may take to bring its last polls to a slow disk."""


class SamplerProcess:
    """A running sampler that writes `power-NNN.bin` into a recording's folder.

    Args:
        sensor: the sensor; it is made again in the other process from its class and options.

    Raises:
        Unavailable: the sensor cannot run here.
        CannotWrite: the folder cannot be written.
    """

    def __init__(self, sensor: Sensor, folder: Path, clock: SessionClock, period_s: float) -> None:
        self._name = sensor.name
        self._answer_s = ANSWER_S + 3 * period_s
        self._heard_s = time.monotonic()
        self._stalled = False
        self._sensor = sensor
        self._failure: EdgeProfilerError | None = None
        self._answers: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        kind = type(sensor)
        if "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
            raise UsageError(
                f"the sensor class {kind.__qualname__} cannot be imported by the sampler's "
                "process; define it at the top of a module"
            )
        job = {
            "module": kind.__module__,
            "class": kind.__qualname__,
            "options": dict(sensor.options),
            "sys_path": [path for path in sys.path if path],
            "path": str(stream_path(folder, "power", clock.session)),
            "period_s": period_s,
            "clock": asdict(clock),
        }
        self._process = Child("edgeprofiler.measurement.collect.sampler")
        threading.Thread(target=self._listen, name="sampler", daemon=True).start()
        try:
            self._process.tell(job)
            ready = self._answer(START_S)
            self.rails: tuple[str, ...] = tuple(ready["rails"])
            self.settings: Mapping[str, Any] = ready["settings"]
            self._answer(START_S)  # the first phase: sampling has begun
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def enter(self, phase: int) -> None:
        """Change the phase; returns once a poll carries it."""
        self.check()
        self._process.tell(int(phase))
        while self._answer(self._answer_s).get("phase") != int(phase):
            pass

    def check(self) -> None:
        """Raise what ended the sampler, if something did."""
        if self._failure is None and not self._process.alive:
            self._drain()
        if self._failure is None and self._late():
            self._stalled = True
            self._failure = Unavailable(
                f"the sampler of the sensor {self._name} has brought no poll to the disk for "
                f"{self._answer_s:.0f} s",
                "its driver or the disk may hang, see the kernel's log; `resume` goes on",
            )
        if self._failure is not None:
            raise self._failure

    def stop(self) -> tuple[int, int, float, float] | None:
        """End the sampler and wait until its polls lie on the disk; `None` if it had died."""
        self._process.tell("stop")
        stalled = self._stalled or time.monotonic() - self._heard_s > self._answer_s
        code = self._process.end(DOUBT_S if stalled else STOP_S + self._answer_s)
        done: tuple[int, int, float, float] | None = None
        while (message := self._answers.get()) is not None:
            self._note(message)
            if "done" in message:
                ticks, missed, cpu_s, elapsed_s = message["done"]
                done = (int(ticks), int(missed), float(cpu_s), float(elapsed_s))
        self._answers.put(None)
        self._process.close()
        if code:
            # a sampler that was killed has not put its sensor's settings back; probing does
            with suppress(Exception):  # of anyone's sensor
                self._sensor.probe()
        return done

    @property
    def failure(self) -> EdgeProfilerError | None:
        """What ended the sampler, as far as it is known."""
        return self._failure

    def _listen(self) -> None:
        while (message := self._process.hear()) is not None:
            self._heard_s = time.monotonic()
            if "polls" not in message:
                self._answers.put(message)
        self._answers.put(None)

    def _late(self) -> bool:
        """Return whether polls should have come and still do not."""
        heard_s, now_s = self._heard_s, time.monotonic()
        if now_s - heard_s < self._answer_s:
            return False
        while self._heard_s == heard_s and time.monotonic() - now_s < DOUBT_S:
            time.sleep(0.05)
        return self._heard_s == heard_s and self._process.alive

    def _answer(self, limit_s: float) -> Mapping[str, Any]:
        try:
            try:
                message = self._answers.get(timeout=limit_s)
            except queue.Empty:
                message = self._answers.get(timeout=DOUBT_S)
        except queue.Empty:
            self._stalled = True
            raise Unavailable(
                f"the sensor {self._name} does not answer for {limit_s:.0f} s",
                "its driver may hang; see the kernel's log",
            ) from None
        self._note(message)
        if self._failure is not None:
            raise self._failure
        assert message is not None  # `_note` makes the end a failure
        return message

    def _drain(self) -> None:
        message: Mapping[str, Any] | None = {}
        while message is not None:
            message = self._answers.get()
            self._note(message)

    def _note(self, message: Mapping[str, Any] | None) -> None:
        if message is None:
            self._answers.put(None)  # the end stays the end, however often it is asked for
        if self._failure is not None:
            return
        if message is None:
            code = self._process.end(STOP_S)
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            self._failure = Unavailable(
                f"the sampler of the sensor {self._name} was ended {how}",
                "what it wrote is kept; `resume` goes on",
            )
        elif "error" in message:
            self._failure = retold(message)
