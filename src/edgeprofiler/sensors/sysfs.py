"""Small files of /sys that hold one value: found under an injected root, kept open, read fast."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeprofiler.errors import Unavailable

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
    def paths(self) -> tuple[Path, ...]:
        """The files to read in one poll."""
        if self.power is not None:
            return (self.power,)
        return tuple(path for path in (self.voltage, self.current) if path is not None)


class ChannelReader:
    """Keeps the files of channels open and reads all of them with one `pread` each."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._descriptors: list[int] = []
        self._plan: list[tuple[int, int, float]] = []
        try:
            for channel in channels:
                files = [self._open(path) for path in channel.paths]
                unit = channel.power_unit_w if channel.power is not None else 1e-6
                self._plan.append((files[0], files[-1] if len(files) == 2 else -1, unit))
        except OSError as error:
            self.close()
            raise Unavailable(
                f"{error.filename} cannot be read ({error.strerror})",
                "run as root, or give yourself the right to read it",
            ) from None

    def _open(self, path: Path) -> int:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._descriptors.append(descriptor)
        return descriptor

    def read_w(self) -> list[float]:
        """Return watts of each channel; NaN where its bus was busy.

        Raises:
            OSError: the chip is gone.
        """
        values = []
        pread = os.pread
        for first, second, unit in self._plan:
            try:
                value = float(int(pread(first, _VALUE_BYTES, 0)))
                if second >= 0:
                    value *= int(pread(second, _VALUE_BYTES, 0))
                values.append(value * unit)
            except ValueError:  # an empty or torn value: the driver is just writing it
                values.append(math.nan)
            except OSError as error:
                if error.errno not in _PASSING:
                    raise
                values.append(math.nan)
        return values

    def close(self) -> None:
        """Close all files; harmless when closed."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors, self._plan = [], []


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
