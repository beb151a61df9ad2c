"""What a sensor is: something that tells the power (or the energy so far) of named rails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from edgeprofiler.recording import PowerTrace

SensorKind = Literal["power", "energy"]


@runtime_checkable
class Sensor(Protocol):
    """A live sensor. Made with keyword options that JSON can hold; touches nothing until `open`.

    The sampler is a process of its own: it makes the sensor again from its class and `options`,
    so an instance never travels between processes.
    """

    name: str
    kind: SensorKind
    """What `read` gives: `power` in watts, or `energy`, a counter in joules that never wraps.

    Known after `open` at the latest.
    """

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal sensor; values that JSON can hold."""
        ...

    def probe(self) -> None:
        """Return if the sensor can be read here and now.

        Raises:
            Unavailable: it cannot; reason and remedy are said.
        """

    def open(self) -> None:
        """Find the rails and keep descriptors open; may be called again after `close`.

        Raises:
            Unavailable: as `probe`.
        """

    def close(self) -> None:
        """Give everything back, settings of the chip included; harmless when not open."""

    @property
    def rails(self) -> tuple[str, ...]:
        """Names of the rails in the order that `read` gives them; known after `open`."""
        ...

    @property
    def total_rails(self) -> tuple[str, ...]:
        """Rails whose sum is the power of the board's input; known after `open`."""
        ...

    def read(self) -> Sequence[float]:
        """Return watts (or joules so far) of each rail; NaN where a rail gave nothing.

        Raises:
            OSError: the sensor is gone or does not answer.
        """
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return the chip's own settings (averaging, update interval, shunts) for the record."""
        ...


@runtime_checkable
class TraceSensor(Protocol):
    """A sensor that gives a whole trace afterwards: a file that is replayed, or a simulation.

    It is not polled. `collect` attaches it to the runner first, so that a simulated sensor
    knows the simulated world; afterwards it asks for the trace between two times of the
    runner's clock.
    """

    name: str
    simulated: bool

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal sensor; values that JSON can hold."""
        ...

    def probe(self) -> None:
        """Return if the trace can be had here and now, or raise `Unavailable`."""

    def attach(self, runner: object) -> None:
        """Learn the runner whose power will be asked for; a replayed file has no use for it.

        Raises:
            UsageError: this sensor cannot watch this runner.
        """

    def trace(self, start_s: float, end_s: float) -> PowerTrace:
        """Return all polls from `start_s` to `end_s` (seconds of the runner's clock).

        Any part of the past may be asked for, in any order, and gives the same again.
        """
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return the settings that the trace was sampled with."""
        ...


AnySensor = Sensor | TraceSensor

_SensorT = TypeVar("_SensorT", bound=Sensor)


@contextmanager
def opened(sensor: _SensorT) -> Iterator[_SensorT]:
    """Open a sensor for a block and close it whatever happens."""
    sensor.open()
    try:
        yield sensor
    finally:
        sensor.close()
