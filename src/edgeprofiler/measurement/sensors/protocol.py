"""What a sensor is: something that tells the power (or the energy so far) of named rails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat, starmap
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.recording import PowerTrace

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


class Polling(Protocol):
    """How a sensor is polled where each microsecond counts: fetched now, decoded later.

    A poll consists of parts, such as the texts of the rails' files.
    """

    @property
    def parts(self) -> Sequence[Iterator[Any]]:
        """Endless iterators: the next item of each, in their order, is one poll.

        An `OSError` of any of them ends the poll; `rescue` is called, and they go on.
        """
        ...

    def rescue(self, error: OSError) -> Sequence[Any]:
        """Return the parts of the poll that ended with `error`, as far as they can be had.

        Raises:
            OSError: the sensor is gone or does not answer.
        """
        ...

    def decode(self, parts: Sequence[Sequence[Any]]) -> FloatArray:
        """Return what `Sensor.read` gives, shape (polls, rails), of each part of many polls.

        A sensor with `registers` gives the amperes and then the volts of those behind the rails.
        """
        ...


@runtime_checkable
class RawSensor(Sensor, Protocol):
    """A sensor whose polls are cheaper when decoding waits, as where rails are files."""

    def polling(self) -> Polling:
        """Return how it is polled while it is open.

        Raises:
            OSError: it is not open.
        """
        ...


def registers_of(sensor: Sensor) -> tuple[str, ...]:
    """Return the rails whose current and voltage a sensor's polls hold apart, beside power.

    A chip converts the two in turn, so their product belongs to no moment. A `RawSensor` may name
    such rails in `registers`, known after `open`.
    """
    if not isinstance(sensor, RawSensor):
        return ()
    return tuple(getattr(sensor, "registers", ()))


class _PlainPolling:
    """Polls with `read`: one part, which needs no decoding but may be changed by the next one."""

    def __init__(self, sensor: Sensor) -> None:
        self.parts = (map(tuple, starmap(sensor.read, repeat(()))),)

    def rescue(self, error: OSError) -> Sequence[Any]:
        raise error

    def decode(self, parts: Sequence[Sequence[Any]]) -> FloatArray:
        return np.array(parts[0], np.float64)


def polling_of(sensor: Sensor) -> Polling:
    """Return how an open sensor is polled."""
    if isinstance(sensor, RawSensor) and callable(sensor.polling):
        return sensor.polling()
    return _PlainPolling(sensor)


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
