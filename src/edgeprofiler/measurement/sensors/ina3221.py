"""The INA3221 power monitor of Jetson boards, as Linux shows it under hwmon or iio."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.measurement.sensors.sysfs import (
    Channel,
    ChannelReader,
    ChannelSensor,
    hwmon_folders,
    text_of,
)

_LOG = logging.getLogger(__name__)

_SETTINGS = ("samples", "update_interval", "in7_label", "curr4_label")
_CHANNELS = (1, 2, 3)
_STATE = "run/edgeprofiler-ina3221.json"


@dataclass(kw_only=True, eq=False)
class Ina3221Sensor(ChannelSensor):
    """Reads voltage and current of every labelled rail; rails are found by label, never by path.

    Args:
        fast: with root rights, average one sample, convert as fast as the chip can and switch
            off channels that are no part of the total; put back by `close`, and after a crash
            by the next `open` or `probe`.
    """

    fast: bool = False
    _state: IO[bytes] | None = field(default=None, init=False)

    name = "ina3221"

    def find(self) -> list[Channel]:
        """Return the rails, with the settings put back that a crash left."""
        restore_settings(self.at)
        return super().find()

    def open(self) -> None:
        """Find the rails by label and keep their files open."""
        super().open()
        if self.fast:
            try:
                self._make_fast()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the files and put the chip's settings back."""
        super().close()
        if self._state is not None:
            state, self._state = self._state, None
            with state:
                _put_back(self.at / _STATE)

    def settings(self) -> Mapping[str, Any]:
        """Return averaging, update interval (ms), shunts and enabled channels of each chip."""
        chips = {}
        for folder in hwmon_folders(self.at, "ina3221"):
            names = [
                *_SETTINGS,
                *(f"in{n}_enable" for n in _CHANNELS),
                *(f"shunt{n}_resistor" for n in _CHANNELS),
                *(f"in{n}_label" for n in _CHANNELS),
            ]
            texts = {name: text_of(folder / name) for name in names}
            chips[_chip_name(folder)] = {
                name: int(text) if text.lstrip("-").isdigit() else text
                for name, text in texts.items()
                if text
            }
        return {"chip": "ina3221", "fast": self.fast, "chips": chips}

    def found(self) -> list[Channel]:
        """Return the labelled rails, under hwmon or, with older kernels, under iio."""
        channels = [
            channel
            for folder in hwmon_folders(self.at, "ina3221")
            for channel in _hwmon_channels(folder)
        ]
        if not channels:
            places = (self.at / "sys/bus").glob("i2c/drivers/ina3221*/*/iio:device*")
            for folder in sorted(places):
                channels += _iio_channels(folder)
        if not channels:
            raise Unavailable(
                f"no labelled INA3221 rail under {self.at / 'sys/bus/i2c/drivers'}",
                "run on the Jetson itself, or choose another sensor (see `edgeprofiler doctor`)",
            )
        return channels

    def _make_fast(self) -> None:
        changes: dict[Path, str] = {}
        for folder in hwmon_folders(self.at, "ina3221"):
            labels = {n: text_of(folder / f"in{n}_label") for n in _CHANNELS}
            wanted = [n for n in _CHANNELS if labels[n] in self.total_rails]
            changes[folder / "samples"] = "1"
            if wanted:
                for n in _CHANNELS:
                    if n not in wanted and text_of(folder / f"in{n}_enable") == "1":
                        changes[folder / f"in{n}_enable"] = "0"
            changes[folder / "update_interval"] = "1"
        state = self.at / _STATE
        try:
            found = {str(path): path.read_text().strip() for path in changes if path.exists()}
            state.parent.mkdir(parents=True, exist_ok=True)
            self._state = state.open("ab")
            if not _locked(self._state):
                self._state.close()
                self._state = None
                raise Unavailable(
                    "another recording has changed the INA3221's settings",
                    "wait until it ends, or leave out fast",
                )
            # what an earlier recording found and could not put back is what must come back
            before = {**found, **(_left_in(state) or {})}
            self._state.truncate(0)
            self._state.write(json.dumps(before).encode())
            self._state.flush()
            os.fsync(self._state.fileno())
            for path, value in changes.items():
                if str(path) in found:
                    path.write_text(value)
        except OSError as error:
            raise Unavailable(
                f"the INA3221's settings cannot be changed ({error.strerror})",
                "run as root, or leave out fast",
            ) from None
        off = {path.parent / path.name.replace("enable", "label") for path in changes}
        dark = {text_of(path) for path in off if path.name.endswith("_label")}
        self.channels = [c for c in self.channels if c.name not in dark]
        if self.reader is not None:
            self.reader.close()
        self.reader = ChannelReader(self.channels)


def restore_settings(root: Path = Path("/")) -> bool:
    """Put back the chip's settings that a fast recording left which crashed.

    Returns:
        Whether they were put back; false while that recording still lives, without the right, or
        where the chip refused one: it stays in the state file, for the next time.
    """
    try:
        with (root / _STATE).open("rb") as state:
            return _locked(state) and _put_back(root / _STATE)
    except OSError:
        return False


def _locked(state: IO[bytes]) -> bool:
    """Take the state file's lock, which ends with the process that holds it."""
    import fcntl

    try:
        fcntl.flock(state, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _left_in(state: Path) -> dict[str, str] | None:
    """Return the chip's settings that a state file keeps; `None` where it is no such file."""
    try:
        found = json.loads(state.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    return {
        path: str(value)
        for path, value in found.items()
        if re.fullmatch(r"samples|update_interval|in[123]_enable", Path(path).name)
    }


def _put_back(state: Path) -> bool:
    before = _left_in(state)
    if before is None:
        return False
    left: dict[str, str] = {}
    reason = ""
    # the update interval last: the driver derives the conversion time from the other settings
    for path, value in sorted(before.items(), key=lambda item: "update_interval" in item[0]):
        try:
            if Path(path).exists():
                Path(path).write_text(value)
        except OSError as error:
            left[path], reason = value, error.strerror or str(error)
    with contextlib.suppress(OSError):
        if not left:
            state.unlink(missing_ok=True)
        elif left != before:
            # in place: the lock of whoever looks at the same time is on this very file
            state.write_text(json.dumps(left))
    if left:
        _LOG.warning(
            "warning: the INA3221's %s cannot be put back (%s); run `edgeprofiler doctor` as "
            "root to try again, or restart the board",
            ", ".join(f"{Path(path).name}={value}" for path, value in left.items()),
            reason,
        )
    return not left


def _chip_name(folder: Path) -> str:
    device = folder.parent.parent.name if folder.parent.name == "hwmon" else ""
    return device if re.fullmatch(r"\d+-[0-9a-f]{4}", device) else folder.name


def _hwmon_channels(folder: Path) -> list[Channel]:
    channels = []
    for n in _CHANNELS:
        label = text_of(folder / f"in{n}_label")
        enabled = text_of(folder / f"in{n}_enable") != "0"
        voltage, current = folder / f"in{n}_input", folder / f"curr{n}_input"
        if label and label != "NC" and enabled and voltage.exists() and current.exists():
            channels.append(Channel(label, voltage=voltage, current=current))
    return channels


def _iio_channels(folder: Path) -> list[Channel]:
    channels = []
    for n in range(3):
        label = text_of(folder / f"rail_name_{n}")
        power = folder / f"in_power{n}_input"
        if label and label != "NC" and power.exists():
            channels.append(Channel(label, power=power, power_unit_w=1e-3))
    return channels
