"""The boards that come with the package, in the files of `boards` beside this module."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import resources

from edgeprofiler.core.device.device import Device
from edgeprofiler.core.device.document import Others, device_from_document
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.values import shipped_toml

_PACKAGE = "edgeprofiler.core.device"


@cache
def device_names() -> tuple[str, ...]:
    """Return the names of the shipped devices.

    >>> import edgeprofiler
    >>> "jetson-orin-nano" in edgeprofiler.device_names()
    True
    """
    folder = resources.files(_PACKAGE) / "boards"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def shipped_device(name: str) -> Device:
    """Return a shipped device.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in device_names():
        close = difflib.get_close_matches(name, device_names(), n=2)
        hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
        raise UsageError(
            f"unknown device {name[:64]!r}; {hint}`edgeprofiler devices` lists the boards; any "
            "other GPU is `generic` with its own numbers in a .toml file, whose path is "
            "a device too (docs/devices.md)"
        )
    table = shipped_toml(_PACKAGE, f"boards/{name}.toml")
    return device_from_document(table, Others(shipped_device, shipped_device))
