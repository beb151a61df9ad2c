"""Energy of anything that runs: a context manager and decorator around a live sensor."""

from __future__ import annotations

import functools
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import InsufficientData, Unavailable, UsageError
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.plain import attributes
from edgeprofiler.measurement.collect.choose import auto_sensor, probe
from edgeprofiler.measurement.collect.sampling import SamplerProcess
from edgeprofiler.measurement.recording import PowerTrace, load_recording
from edgeprofiler.measurement.recording.chunks import Phase
from edgeprofiler.measurement.recording.session import SessionClock, write_header
from edgeprofiler.measurement.sensors.protocol import Sensor, TraceSensor
from edgeprofiler.measurement.sensors.sim import SimulatedSensor

_P = ParamSpec("_P")
_R = TypeVar("_R")

SETTLE_S = 0.12
"""The sensor is read this long before and after, so that values it holds belong to the block."""
FEW_VALUES = 10
"""With fewer distinct values than this, energy is a guess and is marked so."""


@dataclass(frozen=True)
class Measurement:
    """What a block of code drew. Powers are of the rails in `rails`, idle included.

    Energy and powers are NaN, and a warning says so, where the sensor gave no value (`polls` is 0).
    """

    duration_s: float
    energy_j: float
    mean_w: float
    peak_w: float
    """Highest value that the sensor gave; shorter peaks are averaged away by the sensor."""
    polls: int
    distinct_values: int
    """Changes of the sensor's value: how many conversions the figures rest on, at least."""
    missed_ticks: int
    sampler_cpu_share: float
    sensor: str
    rails: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON holds them; NaN becomes null."""
        return attributes(self, *self.__dataclass_fields__)


class measure:  # noqa: N801  used like a function: `with measure() as power:`
    """Measure the energy of a block, or of every call of a function.

    >>> import edgeprofiler
    >>> with edgeprofiler.measure("sim") as power:
    ...     total = sum(range(1_000_000))
    >>> 3 < power.result.mean_w < 12  # a simulated board at rest, or at work
    True

    As a decorator, the function keeps its results in `function.measurements`, a list with one
    `Measurement` a call. Starting takes about 0.3 s before the block and 0.2 s after it.

    Args:
        sensor: a sensor, the name of one, or `None` for the first that works here.
        options: options of the named sensor.
        period_s: time between polls.

    Raises:
        Unavailable: no sensor works here, or it was lost while measuring.
        InsufficientData: the sensor gave no value in the block's time.
        UsageError: the sensor replays a file, so it cannot watch this machine.
    """

    result: Measurement
    """What was measured; there once the block has ended."""

    def __init__(
        self,
        sensor: Sensor | str | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        period_s: float = 1e-3,
    ) -> None:
        self._sensor = live_sensor(sensor, options or {})
        self._period_s = period_s
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._sampler: SamplerProcess | None = None
        self._start_s = math.nan

    def __enter__(self) -> measure:
        probe(None, self._sensor)
        self._folder = tempfile.TemporaryDirectory(prefix="edgeprofiler-")
        folder = Path(self._folder.name)
        try:
            write_header(folder, {"name": "monitor"})
            clock = SessionClock.now(1)
            self._sampler = SamplerProcess(self._sensor, folder, clock, self._period_s)
            self._sampler.enter(Phase.RUN)
            time.sleep(SETTLE_S)
        except BaseException:
            if self._sampler is not None:
                self._sampler.stop()
            self._folder.cleanup()
            raise
        self._start_s = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        end_s = time.monotonic()
        assert self._sampler is not None
        assert self._folder is not None
        try:
            time.sleep(SETTLE_S)
            if kind is None:
                self._sampler.check()
            self._sampler.stop()
            recording = load_recording(Path(self._folder.name))
        finally:
            self._sampler.stop()
            self._folder.cleanup()
        self.result = evaluate(
            recording.trace,
            self._start_s,
            end_s,
            sensor=self._sensor.name,
            missed_ticks=recording.sampler.missed_ticks,
            cpu_share=recording.sampler.cpu_share,
            warnings=recording.warnings,
            required=False,
        )
        # an error inside the block matters more than that its time was too short to measure
        if kind is None and not self.result.polls:
            raise InsufficientData("; ".join(self.result.warnings))

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Return the function, measured at every call."""
        measurements: list[Measurement] = []

        @functools.wraps(function)
        def measured(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with measure(self._sensor, period_s=self._period_s) as power:
                value = function(*args, **kwargs)
            measurements.append(power.result)
            return value

        measured.measurements = measurements  # type: ignore[attr-defined]  # told in the docstring
        return measured


def evaluate(
    trace: PowerTrace,
    start_s: float,
    end_s: float,
    *,
    sensor: str,
    missed_ticks: int = 0,
    cpu_share: float = math.nan,
    warnings: tuple[str, ...] = (),
    required: bool = True,
) -> Measurement:
    """Return energy and power between two times from a trace that holds each value.

    Power is the sensor's last value at each moment; energy is its integral, exact for a sensor
    that averages and holds, up to one value at each end.

    Raises:
        InsufficientData: the sensor gave nothing in that time, and values are `required`; else
            the figures are NaN, and the last warning says why.
    """
    power = trace.total_w
    known = np.isfinite(power)
    time_s, power = trace.time_s[known], power[known]
    duration_s = end_s - start_s
    inside = (time_s >= start_s) & (time_s <= end_s)
    values = power[inside] if duration_s > 0 else power[:0]
    notes = list(warnings)
    energy_j = mean_w = peak_w = math.nan
    distinct = 0
    if len(values):
        energy_j = _held_integral(time_s, power, start_s, end_s)
        mean_w, peak_w = energy_j / duration_s, float(values.max())
        distinct = 1 + int(np.count_nonzero(np.diff(values)))
    else:
        notes.append(
            f"the sensor {sensor} gave no value within {duration_s * 1e3:.3g} ms; "
            "measure something longer, or many repetitions"
        )
    if 0 < distinct < FEW_VALUES:
        notes.append(
            f"the sensor changed its value only {distinct - 1} times: energy and mean power are "
            "uncertain; measure something longer, or many repetitions"
        )
    if required and not len(values):
        raise InsufficientData(notes[-1])
    return Measurement(
        duration_s=duration_s,
        energy_j=energy_j,
        mean_w=mean_w,
        peak_w=peak_w,
        polls=len(values),
        distinct_values=distinct,
        missed_ticks=missed_ticks,
        sampler_cpu_share=cpu_share,
        sensor=sensor,
        rails=trace.total_rails,
        warnings=tuple(notes),
    )


def _held_integral(time_s: FloatArray, power: FloatArray, start_s: float, end_s: float) -> float:
    """Return the integral of a step function that holds each value until the next poll."""
    first = max(int(np.searchsorted(time_s, start_s, side="right")) - 1, 0)
    last = int(np.searchsorted(time_s, end_s, side="left"))
    edges = np.concatenate([[start_s], time_s[first + 1 : last], [end_s]])
    return float((np.diff(edges) * power[first : first + len(edges) - 1]).sum())


def live_sensor(sensor: Sensor | str | None, options: Mapping[str, Any]) -> Sensor:
    """Return a sensor that watches this machine: as given, by its name, or the first that works.

    Raises:
        Unavailable: none works here.
        UsageError: it replays a file.
    """
    found: Any = sensor
    if isinstance(sensor, str):
        found = plugins.make("sensors", sensor, options)
    elif sensor is None:
        found, reasons = auto_sensor()
        if found is None:
            raise Unavailable(
                "no power sensor works here (" + "; ".join(reasons) + ")",
                "run on a Jetson, an NVIDIA GPU or a machine with RAPL",
            )
    if isinstance(found, SimulatedSensor):
        found = found.live()
    if isinstance(found, TraceSensor):
        raise UsageError(f"the sensor {found.name} cannot watch this machine")
    live: Sensor = found
    return live
