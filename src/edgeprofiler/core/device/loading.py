"""From a name or a path to a device.

Shipped devices lie in `boards` beside this module; a user's own file has the same form, or names
a device with `base = "jetson-orin-nano"` and says what differs.
"""

from __future__ import annotations

import difflib
from functools import cache
from importlib import resources
from pathlib import Path

from edgeprofiler.core.choices import DEFAULT_DEVICE, DEFAULT_RUNTIME
from edgeprofiler.core.device.device import Device
from edgeprofiler.core.device.document import Others, device_from_document
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.values import Value, read_toml, shipped_toml

_DEEPEST = 8
"""Files that may build on one another by `base`."""


@cache
def device_names() -> tuple[str, ...]:
    """Return the names of the shipped devices.

    >>> import edgeprofiler
    >>> "jetson-orin-nano" in edgeprofiler.device_names()
    True
    """
    folder = resources.files("edgeprofiler.core.device") / "boards"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


def load_device(spec: str | Path | Device = DEFAULT_DEVICE, runtime: str | None = None) -> Device:
    """Return the device that `spec` names.

    Args:
        spec: `NAME`, `NAME@MODE`, `NAME@CLOCKS`, `NAME@MODE,CLOCKS` with clocks such as
            `gpu=612MHz,cores=4`, or the path of a TOML file in place of the name.
        runtime: host runtime, one of `RUNTIMES`; `trtexec` where nothing else is said.

    Raises:
        UsageError: no such device, mode or runtime.
        InvalidInput: the file is not a device.

    >>> import edgeprofiler
    >>> edgeprofiler.load_device("jetson-nano@5w", "cpp").mode.power_budget_w
    5.0
    """
    if isinstance(spec, Device):
        return spec if runtime is None else spec.with_runtime(runtime)
    return _named(str(spec), Path(), 0).with_runtime(runtime or DEFAULT_RUNTIME)


def _named(spec: str, folder: Path, depth: int) -> Device:
    """Return the device of `NAME[@SETTING]` or `PATH[@SETTING]`; a path starts at `folder`."""
    name, at, mode = spec.rpartition("@")
    if not at or spec.endswith(".toml"):  # a folder may have an @ in its name
        name, mode = spec, ""
    if name.endswith(".toml") or "/" in name:
        path = folder / name
        device = _device(read_toml(path), str(path), depth)
    else:
        device = _shipped(name.lower())
    return device.with_mode(mode) if mode else device


@cache
def _shipped(name: str) -> Device:
    if name not in device_names():
        close = difflib.get_close_matches(name, device_names(), n=2)
        hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
        raise UsageError(
            f"unknown device {name[:64]!r}; {hint}`edgeprofiler devices` lists the boards; any "
            "other GPU is `generic` with its own numbers in a .toml file, whose path is "
            "a device too (docs/devices.md)"
        )
    return _device(shipped_toml("edgeprofiler.core.device", f"boards/{name}.toml"), "shipped")


def _device(table: Value, source: str, depth: int = 0) -> Device:
    """Return the device of a file that `depth` other files build on."""

    def base(name: str) -> Device:
        if depth >= _DEEPEST:
            raise table.fail(f"builds on {name} after {depth} other files", "change base")
        return _named(name, Path(source).parent, depth + 1)

    return device_from_document(table, Others(base, _shipped), source)
