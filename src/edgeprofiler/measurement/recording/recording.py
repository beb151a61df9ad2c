"""The nouns of a measurement. Times are seconds on one monotonic clock for both processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from edgeprofiler.core.network import FloatArray

StampKind = Literal["callback-burst", "layer-end", "none"]


@dataclass(frozen=True, eq=False)
class PowerTrace:
    """Polls of a power sensor, as they came: values repeat where the sensor held them."""

    time_s: FloatArray
    """Time of each poll, ascending; shape (polls,)."""
    rails_w: Mapping[str, FloatArray]
    """Power of each rail at each poll; shape (polls,) each, NaN where a rail gave nothing."""
    total_rails: tuple[str, ...]
    """Rails whose sum is the power of the board's input."""
    currents_a: Mapping[str, FloatArray] = field(default_factory=dict)
    """Current of each rail whose chip holds it in a register of its own; shape (polls,) each."""
    voltages_v: Mapping[str, FloatArray] = field(default_factory=dict)
    """Voltage of the same rails. The registers are converted in turn, so power changes twice."""

    @property
    def total_w(self) -> FloatArray:
        """Power of the board's input at each poll; NaN where no rail tells it."""
        if not self.total_rails:
            return np.full(len(self.time_s), np.nan)
        total: FloatArray = np.sum([self.rails_w[name] for name in self.total_rails], axis=0)
        return total

    @property
    def registers(self) -> tuple[str, ...]:
        """Rails whose current and voltage are known apart."""
        return tuple(r for r in self.rails_w if r in self.currents_a and r in self.voltages_v)

    @property
    def table(self) -> FloatArray:
        """All columns as a stream holds them: time, rails, currents, voltages of registers."""
        known = self.registers
        return np.column_stack(
            [
                self.time_s,
                *self.rails_w.values(),
                *(self.currents_a[rail] for rail in known),
                *(self.voltages_v[rail] for rail in known),
            ]
        )

    @staticmethod
    def of_table(
        table: FloatArray, rails: Sequence[str], total_rails: tuple[str, ...],
        registers: Sequence[str] = (),
    ) -> PowerTrace:  # fmt: skip
        """Return the trace whose `table` this is."""
        columns = [np.ascontiguousarray(column) for column in table.T]
        for column in columns:
            column.setflags(write=False)
        first, second = 1 + len(rails), 1 + len(rails) + len(registers)
        return PowerTrace(
            columns[0],
            dict(zip(rails, columns[1:first], strict=True)),
            total_rails,
            dict(zip(registers, columns[first:second], strict=True)),
            dict(zip(registers, columns[second:], strict=True)),
        )

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, eq=False)
class Timeline:
    """Which layer ran how long in which run, in order of execution.

    A profiler that calls back after the whole run (TensorRT's IProfiler) gives true durations
    and stamps that lie in a burst after the run's end: `stamp_kind="callback-burst"`.
    """

    layer_names: tuple[str, ...]
    duration_s: FloatArray
    """Shape (runs, layers); NaN where the profiler gave none."""
    run_end_s: FloatArray
    """When each run was complete; shape (runs,), ascending."""
    run_start_s: FloatArray | None = None
    """When each run was started, where the runner knows it; shape (runs,)."""
    stamp_s: FloatArray | None = None
    """Time stamp of each layer as the profiler gave it; shape (runs, layers)."""
    stamp_kind: StampKind = "none"

    @property
    def runs(self) -> int:
        """Number of complete runs."""
        return len(self.run_end_s)


@dataclass(frozen=True)
class SamplerReport:
    """How the sampling itself went."""

    target_period_s: float
    ticks: int
    missed_ticks: int
    cpu_share: float
    """Share of one core that the sampler's process used; NaN where not measured."""
    latency_change: float = float("nan")
    """Relative change of the network's latency with the sampler on; NaN where not measured."""


@dataclass(frozen=True)
class DeviceState:
    """The device at one moment; empty or NaN where it could not be read."""

    time_s: float
    temperatures_c: Mapping[str, float] = field(default_factory=dict)
    clocks_hz: Mapping[str, float] = field(default_factory=dict)
    clocks_pinned: bool | None = None
    throttled: bool | None = None
    throttle_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Recording:
    """A measurement, raw: what the sensor saw, what ran when, idle power and device state."""

    name: str
    """Name of the network that ran."""
    trace: PowerTrace
    timeline: Timeline
    idle_before: PowerTrace | None
    idle_after: PowerTrace | None
    sampler: SamplerReport
    state_before: DeviceState | None
    state_after: DeviceState | None
    device: Mapping[str, str] = field(default_factory=dict)
    """board, mode, jetpack, driver, runtime, sensor, runner, ... as text."""
    sensor_settings: Mapping[str, Any] = field(default_factory=dict)
    """The chip's own settings where they can be read: samples, update_interval, shunts, ..."""
    network: Mapping[str, Any] | None = None
    """Layers as engine-style JSON, so that a measured profile knows its shapes; may be absent."""
    started_utc: str = ""
    """Wall clock at the start, ISO 8601; for people only."""
    complete: bool = True
    """False if collecting was interrupted; what is here is still good."""
    warnings: tuple[str, ...] = ()
    simulated: bool = False

    def lost(self, stream: str) -> str:
        """Return what the warnings tell of lost parts of a stream's files; empty if nothing.

        Args:
            stream: `power`, `runs` or `events`.
        """
        return "; ".join(text for text in self.warnings if text.startswith(f"{stream}-"))
