"""RAPL: energy counters of Intel and AMD processors under Linux's powercap."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.plugins import Optioned
from edgeprofiler.measurement.sensors.protocol import SensorKind
from edgeprofiler.measurement.sensors.sysfs import text_of, unique_names

_FOLDER = "sys/class/powercap"


class Counter:
    """A counter of microjoules that wraps, read as joules that never do."""

    def __init__(self, path: Path, range_uj: int) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._range_uj = range_uj
        self._last_uj = -1
        self._wrapped_uj = 0

    def read_j(self) -> float:
        """Return joules so far; raise `OSError` when the counter is gone or holds no number."""
        text = os.pread(self._descriptor, 32, 0)
        try:
            value = int(text)
        except ValueError:
            raise OSError(f"RAPL's counter holds no number but {text!r}") from None
        if value < self._last_uj:
            # max_energy_range_uj is the largest value, so the next one after it is 0
            self._wrapped_uj += self._range_uj + 1
        self._last_uj = value
        return (self._wrapped_uj + value) * 1e-6

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


@dataclass(kw_only=True, eq=False)
class RaplSensor(Optioned):
    """Reads every RAPL zone: packages, cores, memory, and the platform where there is one.

    The total is `psys` (the platform) where the processor has it, else the packages and their
    memory; that is the processor's power, not the power of the computer's input.

    Args:
        root: root of the file system; another one in tests.
    """

    root: str = "/"
    kind: SensorKind = field(default="energy", init=False)
    _rails: tuple[str, ...] = field(default=(), init=False)
    _counters: list[Counter] = field(default_factory=list, init=False)

    name = "rapl"

    @property
    def rails(self) -> tuple[str, ...]:
        """Names of the zones: `package-0`, `package-0/dram`, `psys`."""
        return self._rails

    @property
    def total_rails(self) -> tuple[str, ...]:
        """The platform, or packages with their memory."""
        if "psys" in self._rails:
            return ("psys",)
        return tuple(r for r in self._rails if "/" not in r or r.endswith("/dram"))

    def probe(self) -> None:
        """Return if counters are there and can be read; raise `Unavailable` otherwise."""
        for counter in self._open_all(self._zones()):
            counter.close()

    def open(self) -> None:
        """Find the zones and keep their counters open."""
        self.close()
        zones = self._zones()
        self._counters = self._open_all(zones)
        self._rails = tuple(name for name, _ in zones)

    def close(self) -> None:
        """Close the counters."""
        for counter in self._counters:
            counter.close()
        self._counters = []

    def read(self) -> Sequence[float]:
        """Return joules so far of each zone."""
        if not self._counters:
            raise OSError("RAPL is not open")
        return [counter.read_j() for counter in self._counters]

    def settings(self) -> Mapping[str, Any]:
        """Return where each counter wraps, in microjoules."""
        ranges = {name: _range_uj(folder) for name, folder in self._zones()}
        return {"interface": "powercap", "max_energy_range_uj": ranges}

    def _zones(self) -> list[tuple[str, Path]]:
        base = Path(self.root) / _FOLDER
        # intel-rapl-mmio shows the same package a second time
        folders = sorted(base.glob("intel-rapl:*"))
        zones: list[tuple[str, Path]] = []
        names = {folder.name: text_of(folder / "name") for folder in folders}
        for folder in folders:
            parent = names.get(folder.name.rpartition(":")[0], "")
            name = names[folder.name]
            if name and (folder / "energy_uj").exists():
                zones.append((f"{parent}/{name}" if parent else name, folder))
        if not zones:
            raise Unavailable(
                f"no RAPL counters under {base}",
                "RAPL needs an Intel or AMD processor, no virtual machine, and the kernel "
                "module intel_rapl_common",
            )
        unique = unique_names([name for name, _ in zones])
        return [(name, folder) for name, (_, folder) in zip(unique, zones, strict=True)]

    def _open_all(self, zones: Sequence[tuple[str, Path]]) -> list[Counter]:
        counters: list[Counter] = []
        try:
            for _, folder in zones:
                counters.append(Counter(folder / "energy_uj", _range_uj(folder)))
                counters[-1].read_j()
        except OSError as error:
            for counter in counters:
                counter.close()
            raise Unavailable(
                f"RAPL's counters cannot be read ({error.strerror or error})",
                f"run as root, or `sudo chmod a+r {Path(self.root) / _FOLDER}/*/energy_uj`",
            ) from None
        return counters


def _range_uj(folder: Path) -> int:
    text = text_of(folder / "max_energy_range_uj")
    return int(text) if text.isdigit() else 2**32 - 1
