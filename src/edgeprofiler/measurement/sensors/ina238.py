"""The INA238 that measures the whole board of a Jetson Thor, under hwmon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.measurement.sensors.sysfs import (
    Channel,
    ChannelSensor,
    hwmon_folders,
    text_of,
)

_DRIVERS = ("ina238", "ina237", "ina2xx")
_DEFAULT_LABEL = "VIN"


@dataclass(kw_only=True, eq=False)
class Ina238Sensor(ChannelSensor):
    """Reads the chip's own power register, which multiplies each conversion on the chip.

    A chip without a label measures `VIN`.
    """

    name = "ina238"

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
        return [f for driver in _DRIVERS for f in hwmon_folders(self.at, driver)]

    def found(self) -> list[Channel]:
        """Return the power register of each chip."""
        channels = []
        for folder in dict.fromkeys(self._folders()):
            label = text_of(folder / "in1_label") or text_of(folder / "power1_label")
            power = folder / "power1_input"
            if power.exists():
                channels.append(Channel(label or _DEFAULT_LABEL, power=power, power_unit_w=1e-6))
        if not channels:
            raise Unavailable(
                f"no INA238 under {self.at / 'sys/class/hwmon'}",
                "only Jetson Thor has one; elsewhere choose `sensor` ina3221",
            )
        return channels
