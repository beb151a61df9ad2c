"""Boards in a stated power mode, and the TOML files that describe them."""

from edgeprofiler.core.device.device import Calibration, Datasheet, Device, PowerMode
from edgeprofiler.core.device.document import calibration_table
from edgeprofiler.core.device.loading import device_names, load_device

__all__ = [
    "Calibration",
    "Datasheet",
    "Device",
    "PowerMode",
    "calibration_table",
    "device_names",
    "load_device",
]
