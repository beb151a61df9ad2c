"""Boards in a stated power mode, and the TOML files that describe them."""

from edgeprofiler.core.device.clocks import AXES, ClockRange, Clocks
from edgeprofiler.core.device.datasheet import Datasheet
from edgeprofiler.core.device.device import Calibration, Device
from edgeprofiler.core.device.document import calibration_table
from edgeprofiler.core.device.loading import load_device
from edgeprofiler.core.device.modes import PowerMode, mode_name
from edgeprofiler.core.device.shipped import device_names
from edgeprofiler.core.device.software import JETPACKS

__all__ = [
    "AXES",
    "JETPACKS",
    "Calibration",
    "ClockRange",
    "Clocks",
    "Datasheet",
    "Device",
    "PowerMode",
    "calibration_table",
    "device_names",
    "load_device",
    "mode_name",
]
