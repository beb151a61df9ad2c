"""From a name or a path to a device.

A user's own file has the form of the shipped ones, or names a device with
`base = "jetson-orin-nano"` and says what differs. A file that was published is named by its
registry's address.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from edgeprofiler.core import plugins
from edgeprofiler.core.choices import DEFAULT_DEVICE, DEFAULT_RUNTIME
from edgeprofiler.core.device.board_file import BoardFile
from edgeprofiler.core.device.device import Device
from edgeprofiler.core.device.document import Others, device_from_document
from edgeprofiler.core.device.shipped import shipped_device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import Value, read_toml

_DEEPEST = 8
"""Files that may build on one another by `base`."""

REGISTRY = "models:/"
_REGISTERED = re.compile(r"(models:/[^/@]+(?:@[^/@]+|/\d+)?)(?:@(.+))?")
"""An address in a registry, whose first @ is an alias, and a setting."""


def load_device(spec: str | Path | Device = DEFAULT_DEVICE, runtime: str | None = None) -> Device:
    """Return the device that `spec` names.

    Args:
        spec: `NAME`, `NAME@MODE`, `NAME@CLOCKS`, `NAME@MODE,CLOCKS` with clocks such as
            `gpu=612MHz,cores=4`; the path of a TOML file, or the address of a board that was
            published (`models:/NAME@ALIAS`, `models:/NAME/3`), in place of the name.
        runtime: host runtime, one of `RUNTIMES`; `trtexec` where nothing else is said.

    Raises:
        UsageError: no such device, mode or runtime.
        InvalidInput: the file is not a device.
        Unavailable: the registry cannot be reached.

    >>> import edgeprofiler
    >>> edgeprofiler.load_device("jetson-nano@5w", "cpp").mode.power_budget_w
    5.0
    """
    if isinstance(spec, Device):
        return spec if runtime is None else spec.with_runtime(runtime)
    return _named(str(spec), Path(), 0).with_runtime(runtime or DEFAULT_RUNTIME)


def _named(spec: str, folder: Path, depth: int) -> Device:
    """Return the device of `NAME[@SETTING]` or `PATH[@SETTING]`; a path starts at `folder`."""
    if spec.startswith(REGISTRY):
        return _registered(spec)
    name, at, mode = spec.rpartition("@")
    if not at or spec.endswith(".toml"):  # a folder may have an @ in its name
        name, mode = spec, ""
    if name.endswith(".toml") or "/" in name:
        path = folder / name
        device = _device(read_toml(path), str(path), depth)
    else:
        device = shipped_device(name.lower())
    return device.with_mode(mode) if mode else device


def _registered(spec: str) -> Device:
    """Return the device of `models:/NAME[@ALIAS|/VERSION][@SETTING]`."""
    found = _REGISTERED.fullmatch(spec)
    address, mode = (spec, None) if found is None else found.groups()
    kept = plugins.load("stores", "mlflow")().get(address)
    if not isinstance(kept, BoardFile):
        raise InvalidInput(address, "is a predictor and no board", "name it as `predictor`")
    device = replace(kept.device, source=address)
    return device.with_mode(mode) if mode else device


def _device(table: Value, source: str, depth: int = 0) -> Device:
    """Return the device of a file that `depth` other files build on."""

    def base(name: str) -> Device:
        if depth >= _DEEPEST:
            raise table.fail(f"builds on {name} after {depth} other files", "change base")
        return _named(name, Path(source).parent, depth + 1)

    return device_from_document(table, Others(base, shipped_device), source)
