"""Small files of /sys that hold one value: found under an injected root, kept open, read fast."""

from __future__ import annotations

import errno
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat, starmap
from pathlib import Path

import numpy as np

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.plugins import Optioned
from edgeprofiler.measurement.sensors.boards import total_rails
from edgeprofiler.measurement.sensors.protocol import SensorKind

_VALUE_BYTES = 32
_PASSING = frozenset(
    {errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ETIMEDOUT, errno.EREMOTEIO}
)
"""Errors of a busy bus: this poll gives NaN, the next one may succeed."""


@dataclass(frozen=True)
class Channel:
    """One rail: either power (of `power_unit_w`) or millivolts and milliamperes."""

    name: str
    power: Path | None = None
    power_unit_w: float = 1e-3
    voltage: Path | None = None
    current: Path | None = None

    @property
    def has_registers(self) -> bool:
        """Whether voltage and current are read apart."""
        return self.power is None and self.voltage is not None and self.current is not None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files to read in one poll."""
        if self.power is not None:
            return (self.power,)
        return tuple(path for path in (self.voltage, self.current) if path is not None)


class ChannelReader:
    """Keeps the files of channels open; a poll is one `pread` of each, decoded later."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._descriptors: list[int] = []
        self._channels: list[tuple[list[int], float]] = []
        self._registers: list[list[int]] = []
        try:
            for channel in channels:
                parts = []
                for path in channel.paths:
                    parts.append(len(self._descriptors))
                    self._descriptors.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
                unit = channel.power_unit_w if channel.power is not None else 1e-6
                self._channels.append((parts, unit))
                if channel.has_registers:
                    self._registers.append(parts)
        except OSError as error:
            self.close()
            raise Unavailable(
                f"{error.filename} cannot be read ({error.strerror})",
                "run as root, or give yourself the right to read it",
            ) from None

    @property
    def parts(self) -> Sequence[Iterator[bytes]]:
        """The text of each file, read anew for each item."""
        return [starmap(os.pread, repeat((file, _VALUE_BYTES, 0))) for file in self._descriptors]

    def rescue(self, error: OSError) -> Sequence[bytes]:
        """Return the text of each file; empty where its bus was busy.

        Raises:
            OSError: the chip is gone.
        """
        if error.errno not in _PASSING:
            raise error
        return [_patient_read(descriptor) for descriptor in self._descriptors]

    def decode(self, parts: Sequence[Sequence[bytes]]) -> FloatArray:
        """Return watts of channels, then amperes, then volts of those with registers.

        NaN where a value was missing or torn; shape (polls, channels + 2 * registers).
        """
        values = [_numbers(texts) for texts in parts]
        watts = [
            np.prod([values[part] for part in files], axis=0) * unit
            for files, unit in self._channels
        ]
        amperes = [values[current] * 1e-3 for _, current in self._registers]
        volts = [values[voltage] * 1e-3 for voltage, _ in self._registers]
        return np.stack([*watts, *amperes, *volts], axis=1)

    def read_w(self) -> list[float]:
        """Return watts of each channel; NaN where its bus was busy.

        Raises:
            OSError: the chip is gone.
        """
        texts = [_patient_read(descriptor) for descriptor in self._descriptors]
        values: list[float] = self.decode([(text,) for text in texts])[0].tolist()
        return values[: len(self._channels)]

    def close(self) -> None:
        """Close all files; harmless when closed."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []


@dataclass(kw_only=True, eq=False)
class ChannelSensor(Optioned, ABC):
    """A sensor whose rails are small files.

    Args:
        root: root of the file system; another one in tests.
        total: rails that make up the board, joined by `+`, where the board table has no answer.
    """

    root: str = "/"
    total: str = ""
    kind: SensorKind = field(default="power", init=False)
    channels: list[Channel] = field(default_factory=list, init=False)
    reader: ChannelReader | None = field(default=None, init=False)

    name = ""

    @abstractmethod
    def found(self) -> list[Channel]:
        """Return the rails that are there, or raise `Unavailable`."""

    def find(self) -> list[Channel]:
        """Return the rails that are there, each under a name of its own."""
        channels = self.found()
        names = unique_names([channel.name for channel in channels])
        return [replace(c, name=name) for name, c in zip(names, channels, strict=True)]

    @property
    def at(self) -> Path:
        """Root of the file system."""
        return Path(self.root)

    @property
    def rails(self) -> tuple[str, ...]:
        """Labels of the rails."""
        return tuple(channel.name for channel in self.channels)

    @property
    def total_rails(self) -> tuple[str, ...]:
        """Rails whose sum is the power of the board's input."""
        return total_rails(self.rails, self.total) if self.channels else ()

    @property
    def registers(self) -> tuple[str, ...]:
        """Rails whose current and voltage are read apart."""
        return tuple(channel.name for channel in self.channels if channel.has_registers)

    def probe(self) -> None:
        """Return if rails are there and tell the board's power; raise `Unavailable` otherwise."""
        channels = self.find()
        ChannelReader(channels).close()
        total_rails([channel.name for channel in channels], self.total)

    def open(self) -> None:
        """Find the rails by label and keep their files open."""
        self.close()
        self.channels = self.find()
        total_rails(self.rails, self.total)
        self.reader = ChannelReader(self.channels)

    def close(self) -> None:
        """Close the files."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def read(self) -> Sequence[float]:
        """Return watts of each rail."""
        return self.polling().read_w()

    def polling(self) -> ChannelReader:
        """Return the reader of the rails' files."""
        if self.reader is None:
            raise OSError(f"the {self.name.upper()} is not open")
        return self.reader


def _patient_read(descriptor: int) -> bytes:
    try:
        return os.pread(descriptor, _VALUE_BYTES, 0)
    except OSError as error:
        if error.errno not in _PASSING:
            raise
        return b""


def _numbers(texts: Sequence[bytes]) -> FloatArray:
    try:
        return np.array([*map(int, texts)], np.float64)
    except ValueError:  # an empty or torn value: the driver was just writing it
        return np.array([*map(_number, texts)], np.float64)


def _number(text: bytes) -> float:
    try:
        return float(int(text))
    except ValueError:
        return math.nan


def text_of(path: Path) -> str:
    """Return the stripped text of a small file; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4096).decode("utf-8", "replace").strip().strip("\0")
    except OSError:
        return ""


def hwmon_folders(root: Path, driver: str) -> Iterator[Path]:
    """Yield the hwmon folders of a driver's chips, each once, in a steady order."""
    found: dict[Path, Path] = {}
    places = [
        *sorted((root / "sys/bus/i2c/drivers" / driver).glob("*/hwmon/hwmon*")),
        *sorted((root / "sys/class/hwmon").glob("hwmon*")),
    ]
    for folder in places:
        listed_by_class = folder.parent == root / "sys/class/hwmon"
        if listed_by_class and text_of(folder / "name") != driver:
            continue
        found.setdefault(folder.resolve(), folder)
    yield from found.values()


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names with ` (2)`, ` (3)` behind those that came before."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result
