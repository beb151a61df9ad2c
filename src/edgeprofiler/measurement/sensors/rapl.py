"""RAPL: energy counters of Intel and AMD processors under Linux's powercap."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.plugins import Optioned
from edgeprofiler.measurement.sensors.boards import total_rails
from edgeprofiler.measurement.sensors.protocol import SensorKind
from edgeprofiler.measurement.sensors.sysfs import text_of, unique_names

_FOLDER = "sys/class/powercap"
_WATCHED_S = 0.1
"""How long psys is watched: counters are renewed every millisecond or two."""
_WHOLE = 0.95
"""The platform may count this little less than the packages, as they are not read at one moment."""


class EnergyCounter:
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

    The total is `psys` (the platform) where the processor has it and it counts no less than the
    packages do, else the packages and their memory; that is the processor's power, not the power
    of the computer's input.

    Args:
        root: root of the file system; another one in tests.
        total: zones that make up the total, joined by `+`.
    """

    root: str = "/"
    total: str = ""
    kind: SensorKind = field(default="energy", init=False)
    _rails: tuple[str, ...] = field(default=(), init=False)
    _counters: list[EnergyCounter] = field(default_factory=list, init=False)
    _totals: tuple[str, ...] = field(default=(), init=False)
    _notes: list[str] = field(default_factory=list, init=False)

    name = "rapl"

    @property
    def rails(self) -> tuple[str, ...]:
        """Names of the zones: `package-0`, `package-0/dram`, `psys`."""
        return self._rails

    @property
    def total_rails(self) -> tuple[str, ...]:
        """The chosen zones, the platform, or packages with their memory; known after `open`."""
        return self._totals

    def probe(self) -> None:
        """Return if counters are there and can be read; raise `Unavailable` otherwise."""
        zones = self._zones()
        for counter in self._open_all(zones):
            counter.close()
        if self.total:
            total_rails([name for name, _ in zones], self.total)

    def open(self) -> None:
        """Find the zones and keep their counters open."""
        self.close()
        zones = self._zones()
        self._counters = self._open_all(zones)
        self._rails = tuple(name for name, _ in zones)
        self._notes = []
        self._totals = total_rails(self._rails, self.total) if self.total else self._found_total()

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
        lacks = {"warnings": list(self._notes)} if self._notes else {}
        return {"interface": "powercap", "max_energy_range_uj": ranges, **lacks}

    def _found_total(self) -> tuple[str, ...]:
        """Return the platform where it counts all that the packages do, else those."""
        packages = tuple(r for r in self._rails if r != "psys" and _is_part_of_total(r))
        if "psys" not in self._rails or not packages:
            return packages or self._rails
        before = self.read()
        time.sleep(_WATCHED_S)
        drawn = dict(zip(self._rails, np.subtract(self.read(), before), strict=True))
        inside = sum(drawn[rail] for rail in packages)
        if drawn["psys"] >= _WHOLE * inside:
            return ("psys",)
        what = "stands still" if not drawn["psys"] else "counts less than the packages"
        self._notes = [
            f"RAPL's psys {what}: the total is {' + '.join(packages)}; choose with `total`"
        ]
        return packages

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

    def _open_all(self, zones: Sequence[tuple[str, Path]]) -> list[EnergyCounter]:
        counters: list[EnergyCounter] = []
        try:
            for _, folder in zones:
                counters.append(EnergyCounter(folder / "energy_uj", _range_uj(folder)))
                counters[-1].read_j()
        except OSError as error:
            for counter in counters:
                counter.close()
            raise Unavailable(
                f"RAPL's counters cannot be read ({error.strerror or error})",
                f"run as root, or `sudo chmod a+r {Path(self.root) / _FOLDER}/*/energy_uj`",
            ) from None
        return counters


def _is_part_of_total(zone: str) -> bool:
    return "/" not in zone or zone.endswith("/dram")


def _range_uj(folder: Path) -> int:
    text = text_of(folder / "max_energy_range_uj")
    return int(text) if text.isdigit() else 2**32 - 1
