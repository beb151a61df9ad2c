"""A device as the table of its TOML file, read with every key and number checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from edgeprofiler.core.choices import RUNTIMES
from edgeprofiler.core.device.datasheet_document import datasheet_of, with_memory
from edgeprofiler.core.device.device import Calibration, Device
from edgeprofiler.core.device.modes_document import modes_of
from edgeprofiler.core.device.numbers import number, words
from edgeprofiler.core.device.software import DEFAULT_TENSORRT, JETPACKS, version_of
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.values import Value

SCHEMA = "edgeprofiler.device/1"

NAME = re.compile(r"(?!.*\.toml\Z)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a board of a user's own may be called: what `NAME@MODE` takes for a name and no path."""
_SHARED = ("schema", "name", "description", "jetpack", "tensorrt", "total_rails", "other_rails",
           "idle_power_w", "carrier", "idle_power_source", "datasheet", "modes",
           "calibrations")  # fmt: skip
_DEVICE = (*_SHARED, "family", "like", "default_mode", "jetpacks", "fitted_rows")
_ON_A_BASE = (*_SHARED, "base", "mode")


@dataclass(frozen=True)
class Others:
    """How the devices that a file names are found; both raise `UsageError` for an unknown one."""

    base: Callable[[str], Device]
    """Returns the device that the file builds on: a shipped one, or that of another file."""
    like: Callable[[str], Device]
    """Returns the shipped device of a name."""


def device_from_document(table: Value, others: Others, source: str = "shipped") -> Device:
    """Return the device that a file describes.

    Args:
        table: what TOML holds.
        others: finds the devices that the file names.
        source: what `Device.source` is to say.

    Raises:
        InvalidInput: an unknown key, a value missing or odd, or a number that no board has.
    """
    table["schema"].default(SCHEMA).choice((SCHEMA,))
    if "base" in table:
        return _on_a_base(table, others, source)
    table.allow(_DEVICE)
    table["datasheet"].mapping()
    sheet = datasheet_of(table["datasheet"])
    modes = modes_of(table["modes"], sheet)
    if not modes:
        raise table.fail("has no power mode", "add at least one [[modes]] table")
    idle = number(table, "idle_power_w", math.nan)
    if math.isnan(idle) and any(math.isnan(mode.idle_power_w) for mode in modes):
        raise table.fail("idle_power_w is missing", "write what the board takes at rest, in watts")
    jetpacks = table["jetpacks"].default([])
    jetpack = _jetpack(table, "".join(jetpacks.texts()[-1:]))
    like = table["like"].maybe(Value.name) or ""
    if like:
        _check_like(table, like, others)
    device = Device(
        name=_name(table, ""),
        mode=modes[0],
        runtime="trtexec",
        datasheet=sheet,
        modes=modes,
        default_mode=modes[0].name,
        board_idle_power_w=idle,
        carrier=words(table, "carrier"),
        idle_power_source=words(table, "idle_power_source"),
        total_rails=table["total_rails"].default([]).texts(),
        other_rails=table["other_rails"].default([]).texts(),
        jetpacks=tuple(item.choice((*JETPACKS,)) for item in jetpacks.items()),
        jetpack=jetpack,
        tensorrt=_tensorrt(table, JETPACKS.get(jetpack, DEFAULT_TENSORRT)),
        like=like,
        fitted_rows=table["fitted_rows"].default(0).whole(0),
        description=words(table, "description"),
        family=words(table, "family", "jetson"),
        source=source,
    )
    if "default_mode" in table:
        device = _in_mode(table, device, "default_mode")
    return replace(device, calibrations=_calibrations(table, device))


def calibration_table(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as the table that stands in a device's TOML file."""
    names = "runtime software provenance rows networks parameters errors"
    return {"mode": calibration.mode.name, **attributes(calibration, names)}


def _on_a_base(table: Value, others: Others, source: str) -> Device:
    """Return the device of a file that says only what differs from another device."""
    table.allow(_ON_A_BASE)
    try:
        base = others.base(table["base"].name())
    except UsageError as error:
        raise table.fail(str(error)) from None
    sheet = with_memory(table["datasheet"], base.datasheet)
    share = sheet.bandwidth_bytes_per_s / base.datasheet.bandwidth_bytes_per_s
    modes = tuple(
        replace(mode, bandwidth_bytes_per_s=mode.bandwidth_bytes_per_s * share)
        for mode in base.modes
    )
    jetpack = _jetpack(table, base.jetpack)
    carried = base.tensorrt if jetpack == base.jetpack else JETPACKS[jetpack]
    rails = {
        key: table[key].default(list(getattr(base, key))).texts()
        for key in ("total_rails", "other_rails")
    }
    device = replace(
        base,
        name=_name(table, base.name),
        description=words(table, "description", base.description),
        datasheet=sheet,
        modes=modes_of(table["modes"], sheet, modes),
        total_rails=rails["total_rails"],
        other_rails=rails["other_rails"],
        jetpack=jetpack,
        tensorrt=_tensorrt(table, carried),
        source=source,
        base=base.base or base.name,
    )
    if "idle_power_w" in table:
        said = words(table, "idle_power_source", "stated by the user")
        try:
            device = device.with_idle_power(number(table, "idle_power_w"), said)
        except UsageError as error:
            raise table["idle_power_w"].fail(f"is {error}") from None
    device = replace(device, carrier=words(table, "carrier", device.carrier))
    device = (
        _in_mode(table, device, "mode") if "mode" in table else device.with_mode(base.mode.name)
    )
    # Calibrations of a user's own come first: the first that fits is used.
    return replace(device, calibrations=_calibrations(table, device) + base.calibrations)


def _in_mode(table: Value, device: Device, key: str) -> Device:
    """Return the device in the mode that `key` names, which is its default from now on."""
    try:
        device = device.with_mode(table[key].name())
    except UsageError as error:
        raise table.fail(f"{key}: {error}") from None
    return replace(device, default_mode=device.mode.name)


def _jetpack(table: Value, default: str) -> str:
    value = table["jetpack"]
    return default if value.null else value.choice((*JETPACKS,))


def _tensorrt(table: Value, default: str) -> str:
    version = words(table, "tensorrt", default)
    try:
        version_of(version)
    except UsageError as error:
        raise table.fail(f"tensorrt: {error}") from None
    return version


def _check_like(table: Value, like: str, others: Others) -> None:
    try:
        others.like(like)
    except UsageError:
        raise table.fail(
            f"like: no shipped device {like!r}", "see `edgeprofiler devices`"
        ) from None


def _calibrations(table: Value, device: Device) -> tuple[Calibration, ...]:
    return tuple(_calibration(entry, device) for entry in table["calibrations"].default([]).items())


def _calibration(entry: Value, device: Device) -> Calibration:
    entry.allow((*Calibration.__dataclass_fields__,))
    try:
        mode = device.with_mode(entry["mode"].name()).mode
    except UsageError as error:
        raise entry.fail(f"mode: {error}") from None
    parameters, errors = entry["parameters"].default({}), entry["errors"].default({})
    return Calibration(
        mode=mode,
        runtime=entry["runtime"].choice(RUNTIMES),
        software=words(entry, "software"),
        parameters={name: value.number(0) for name, value in parameters.entries()},
        provenance=words(entry, "provenance"),
        rows=entry["rows"].default(0).whole(0),
        networks=entry["networks"].default([]).texts(),
        errors={name: value.number() for name, value in errors.entries()},
    )


def _name(table: Value, default: str) -> str:
    name = table["name"].default(default)
    if not name.text():
        raise name.fail("is missing", "say what the board is called")
    if not NAME.fullmatch(name.text()):
        raise name.fail(
            f"is odd: {name.text()[:64]!r}",
            "use at most 64 letters, digits, '.', '_', '-', and another end than .toml",
        )
    return name.text()
