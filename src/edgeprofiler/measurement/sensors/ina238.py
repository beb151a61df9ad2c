"""The INA238 that measures the whole board of a Jetson Thor, under hwmon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.measurement.sensors import options
from edgeprofiler.measurement.sensors.boards import total_rails
from edgeprofiler.measurement.sensors.protocol import SensorKind
from edgeprofiler.measurement.sensors.sysfs import (
    Channel,
    ChannelReader,
    hwmon_folders,
    text_of,
    unique_names,
)

_DRIVERS = ("ina238", "ina237", "ina2xx")
_DEFAULT_LABEL = "VIN"


class Ina238Sensor:
    """Reads the chip's own power register, which multiplies each conversion on the chip.

    Args:
        root: root of the file system; another one in tests.
        total: rails that make up the board, joined by `+`, where several chips are there.
    """

    name = "ina238"
    kind: SensorKind = "power"

    def __init__(self, *, root: str = "/", total: str = "") -> None:
        self._root = Path(options.text("root", root))
        self._total = options.text("total", total)
        self._channels: list[Channel] = []
        self._totals: tuple[str, ...] = ()
        self._reader: ChannelReader | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal sensor."""
        return {"root": str(self._root), "total": self._total}

    @property
    def rails(self) -> tuple[str, ...]:
        """Labels of the rails; a chip without a label measures `VIN`."""
        return tuple(channel.name for channel in self._channels)

    @property
    def total_rails(self) -> tuple[str, ...]:
        """Rails whose sum is the power of the board's input."""
        return self._totals

    def probe(self) -> None:
        """Return if the chip is there and can be read; raise `Unavailable` otherwise."""
        ChannelReader(self._find()).close()

    def open(self) -> None:
        """Find the chip and keep its files open."""
        self.close()
        self._channels = self._find()
        self._totals = total_rails(self.rails, self._total)
        self._reader = ChannelReader(self._channels)

    def close(self) -> None:
        """Close the files."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def read(self) -> Sequence[float]:
        """Return watts of each rail."""
        return self.polling().read_w()

    def polling(self) -> ChannelReader:
        """Return the reader of the rails' files."""
        if self._reader is None:
            raise OSError("the INA238 is not open")
        return self._reader

    def settings(self) -> Mapping[str, Any]:
        """Return update interval (ms), averaging and shunt of each chip, where shown."""
        chips = {}
        for folder in self._folders():
            texts = {
                name: text_of(folder / name)
                for name in ("name", "update_interval", "samples", "shunt_resistor")
            }
            chips[folder.name] = {name: text for name, text in texts.items() if text}
        return {"chip": "ina238", "chips": chips}

    def _folders(self) -> list[Path]:
        return [f for driver in _DRIVERS for f in hwmon_folders(self._root, driver)]

    def _find(self) -> list[Channel]:
        channels = []
        for folder in dict.fromkeys(self._folders()):
            label = text_of(folder / "in1_label") or text_of(folder / "power1_label")
            power = folder / "power1_input"
            if power.exists():
                channels.append(Channel(label or _DEFAULT_LABEL, power=power, power_unit_w=1e-6))
        if not channels:
            raise Unavailable(
                f"no INA238 under {self._root / 'sys/class/hwmon'}",
                "only Jetson Thor has one; elsewhere choose `sensor` ina3221",
            )
        names = unique_names([channel.name for channel in channels])
        return [
            Channel(name, power=c.power, power_unit_w=c.power_unit_w)
            for name, c in zip(names, channels, strict=True)
        ]
