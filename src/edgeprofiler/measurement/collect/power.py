"""Where a collection's power comes from: a live sampler, a trace had afterwards, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import Unavailable
from edgeprofiler.measurement.collect.sampling import SamplerProcess
from edgeprofiler.measurement.recording.chunks import Phase
from edgeprofiler.measurement.recording.session import PowerWriter, SessionClock, stream_path
from edgeprofiler.measurement.runners.protocol import Clock
from edgeprofiler.measurement.sensors.protocol import Sensor, TraceSensor

_ROWS = 100_000


class PowerSource(Protocol):
    """What `collect` needs of any kind of power."""

    settings: Mapping[str, Any]

    def enter(self, phase: Phase) -> None:
        """Let all polls from now on belong to `phase`."""

    def check(self) -> None:
        """Raise what has ended the source, if something has."""

    def close(self) -> None:
        """Bring everything to the disk and end; harmless a second time."""


class NoPower:
    """No sensor: run times only."""

    settings: Mapping[str, Any] = {}

    def enter(self, phase: Phase) -> None:
        """Nothing is sampled."""

    def check(self) -> None:
        """Nothing can fail."""

    def close(self) -> None:
        """Nothing is held."""


class LivePower:
    """A sampler process that polls a live sensor."""

    def __init__(
        self, sensor: Sensor, folder: Path, session: SessionClock, period_s: float
    ) -> None:
        self._process = SamplerProcess(sensor, folder, session, period_s)
        self._closed = False
        self._whole = True
        self.settings = self._process.settings

    @property
    def pid(self) -> int:
        """Number of the sampler's process."""
        return self._process.pid

    def enter(self, phase: Phase) -> None:
        """Tell the sampler; returns once it has polled in that phase."""
        self._process.enter(phase)

    def check(self) -> None:
        """Raise what has ended the sampler: a lost sensor, a full disk, a signal."""
        if not self._closed:
            self._process.check()
        elif self._process.failure is not None:
            raise self._process.failure
        elif not self._whole:
            raise Unavailable(
                "the sampler was ended before it wrote its last polls",
                "what it wrote is kept; `resume` goes on",
            )

    def close(self) -> None:
        """Stop the sampler and wait for its last polls."""
        if not self._closed:
            self._closed = True
            self._whole = self._process.stop() is not None


class TracePower:
    """A replayed or simulated trace, asked for when all is over."""

    def __init__(
        self, sensor: TraceSensor, clock: Clock, folder: Path, session: SessionClock
    ) -> None:
        self._sensor = sensor
        self._clock = clock
        self._folder = folder
        self._session = session
        self._phases: list[tuple[Phase, float]] = []
        self.settings = sensor.settings()

    def enter(self, phase: Phase) -> None:
        """Remember when the phase began."""
        self._phases.append((phase, self._clock.now_s()))

    def check(self) -> None:
        """A trace cannot end early."""

    def close(self) -> None:
        """Ask for the trace of every phase and write it."""
        if not self._phases:
            return
        with plugins.guarded("sensors", self._sensor.name):
            self._write()

    def _write(self) -> None:
        phases, self._phases = self._phases, []
        starts = [start for _, start in phases]
        traces = [
            self._sensor.trace(start, end)
            for start, end in zip(starts, [*starts[1:], self._clock.now_s()], strict=True)
        ]
        steps = np.concatenate([np.diff(trace.time_s) for trace in traces])
        writer = PowerWriter(
            stream_path(self._folder, "power", self._session.session),
            kind="power",
            rails=tuple(traces[0].rails_w),
            total_rails=traces[0].total_rails,
            period_s=float(np.median(steps)) if len(steps) else float("nan"),
            clock=self._session,
            settings=self._sensor.settings(),
            registers=traces[0].registers,
        )
        ticks = 0
        try:
            for (phase, _), trace in zip(phases, traces, strict=True):
                table = trace.table
                for start in range(0, len(table), _ROWS):
                    part = table[start : start + _ROWS]
                    ticks += len(part)
                    writer.append(phase, part, (ticks, 0, float("nan"), float("nan")))
            writer.sync()
        finally:
            writer.close()
