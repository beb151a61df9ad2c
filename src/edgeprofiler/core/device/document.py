"""A device as the table of its TOML file, read with every key and number checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgeprofiler.core.choices import RUNTIMES
from edgeprofiler.core.device.device import Calibration, Datasheet, Device, PowerMode
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.values import Value

SCHEMA = "edgeprofiler.device/1"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LANE_FLOPS = 256
"""FP32 operations a clock and multiprocessor: 128 lanes, as on the shipped boards but Volta's."""
_DEVICE = ("schema", "name", "description", "family", "like", "default_mode", "total_rails",
           "other_rails", "idle_power_source", "datasheet", "modes", "calibrations")  # fmt: skip
_ON_A_BASE = ("schema", "base", "name", "mode", "idle_power_w", "idle_power_source",
              "calibrations")  # fmt: skip
_DTYPES = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "uint8", "int4")
_RANGES: Mapping[str, tuple[float, float, str]] = {
    "sms": (1, 1024, "write how many multiprocessors it has"),
    "gpu_clock_hz": (1e6, 1e10, "write it in Hz"),
    "bandwidth_bytes_per_s": (1e8, 1e14, "write it in bytes a second"),
    "l2_bytes": (1024, 1e10, "write it in bytes"),
    "compute_capability": (1, 20, "write CUDA's number, such as 8.7"),
    "idle_power_w": (1e-3, 1e4, "write it in watts"),
    "power_budget_w": (0.1, 1e5, "write it in watts"),
    **dict.fromkeys(_DTYPES, (1e8, 1e17, "write it in operations a second")),
}
"""What no board lies outside of: a number beyond is one in another unit."""


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
    sheet = _datasheet(table["datasheet"])
    modes = tuple(_mode(entry, sheet) for entry in table["modes"].default([]).items())
    if not modes:
        raise table.fail("has no power mode", "add at least one [[modes]] table")
    names = [mode.name for mode in modes]
    if len(set(names)) < len(names):
        raise table["modes"].fail("have one name twice", f"it has {', '.join(names)}")
    default = table["default_mode"].default(modes[0].name).text()
    like = table["like"].maybe(Value.name) or ""
    device = Device(
        name=_name(table, ""),
        mode=modes[0],
        runtime="trtexec",
        datasheet=sheet,
        modes=modes,
        default_mode=default,
        total_rails=table["total_rails"].default([]).texts(),
        other_rails=table["other_rails"].default([]).texts(),
        idle_power_source=_words(table, "idle_power_source"),
        calibrations=_calibrations(table, names),
        like=like,
        stand_ins=_stand_ins(table, like, others) if like else (),
        description=_words(table, "description"),
        family=_words(table, "family", "jetson"),
        source=source,
    )
    try:
        return device.with_mode(default)
    except UsageError as error:
        raise table.fail(f"default_mode: {error}") from None


def calibration_table(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as the table that stands in a device's TOML file."""
    return {
        "mode": calibration.mode,
        "runtime": calibration.runtime,
        "software": calibration.software,
        "provenance": calibration.provenance,
        "rows": calibration.rows,
        "networks": list(calibration.networks),
        "parameters": dict(calibration.parameters),
        "errors": dict(calibration.errors),
    }


def _on_a_base(table: Value, others: Others, source: str) -> Device:
    """Return the device of a file that says only what differs from another device."""
    table.allow(_ON_A_BASE)
    mode = table["mode"].maybe(Value.name)
    try:
        base = others.base(table["base"].name())
        base = base if mode is None else base.with_mode(mode)
    except UsageError as error:
        raise table.fail(str(error)) from None
    own = _calibrations(table, [mode.name for mode in base.modes])
    # Calibrations of a user's own come first: the first that fits is used.
    device = replace(base, calibrations=own + base.calibrations, source=source)
    device = replace(device, name=_name(table, base.name))
    if "idle_power_w" in table:
        idle = _number(table, "idle_power_w")
        device = replace(
            device,
            mode=replace(device.mode, idle_power_w=idle),
            modes=tuple(replace(m, idle_power_w=idle) for m in device.modes),
            idle_power_source=_words(table, "idle_power_source", "stated by the user"),
        )
    return device


def _stand_ins(table: Value, like: str, others: Others) -> tuple[Calibration, ...]:
    try:
        return others.like(like).calibrations
    except UsageError:
        raise table.fail(
            f"like: no shipped device {like!r}", "see `edgeprofiler devices`"
        ) from None


def _datasheet(sheet: Value) -> Datasheet:
    sheet.allow((*Datasheet.__dataclass_fields__,))
    peaks, vector = _rates(sheet["peak_flops"]), _rates(sheet["vector_flops"])
    if "fp16" not in peaks and "fp32" not in peaks:
        raise sheet["peak_flops"].fail("has neither fp16 nor fp32", "give at least one of them")
    tensor_cores = sheet["tensor_cores"].default(raw=False).boolean()
    sms, clock = _whole(sheet, "sms"), _number(sheet, "gpu_clock_hz")
    if not vector:  # a peak of tensor cores is not one of the lanes beside them
        lanes = peaks.get("fp32", _LANE_FLOPS * sms * clock)
        vector = {"fp32": lanes, "fp16": 2 * lanes} if tensor_cores else peaks
    return Datasheet(
        gpu=_words(sheet, "gpu"),
        sms=sms,
        gpu_clock_hz=clock,
        peak_flops=peaks,
        vector_flops=vector,
        bandwidth_bytes_per_s=_number(sheet, "bandwidth_bytes_per_s"),
        l2_bytes=_whole(sheet, "l2_bytes", 1 << 20),
        tensor_cores=tensor_cores,
        compute_capability=_number(sheet, "compute_capability", 8.0 if tensor_cores else 6.0),
        sources=sheet["sources"].default([]).texts(),
    )


def _rates(table: Value) -> dict[str, float]:
    rates = table.default({})
    rates.allow(_DTYPES)
    return {dtype: _number(rates, dtype) for dtype in rates.mapping()}


def _mode(mode: Value, sheet: Datasheet) -> PowerMode:
    mode.allow((*PowerMode.__dataclass_fields__,))
    budget = _number(mode, "power_budget_w", math.nan)
    idle = _number(mode, "idle_power_w")
    if idle >= budget:
        raise mode.fail(f"has an idle_power_w of {idle:g} of a power_budget_w of {budget:g}")
    return PowerMode(
        name=mode["name"].name().lower(),
        gpu_clock_hz=_number(mode, "gpu_clock_hz", sheet.gpu_clock_hz),
        bandwidth_bytes_per_s=_number(mode, "bandwidth_bytes_per_s", sheet.bandwidth_bytes_per_s),
        sms=_whole(mode, "sms", sheet.sms),
        power_budget_w=budget,
        idle_power_w=idle,
        note=_words(mode, "note"),
    )


def _calibrations(table: Value, modes: Sequence[str]) -> tuple[Calibration, ...]:
    return tuple(_calibration(entry, modes) for entry in table["calibrations"].default([]).items())


def _calibration(entry: Value, modes: Sequence[str]) -> Calibration:
    entry.allow((*Calibration.__dataclass_fields__,))
    mode = entry["mode"].name().lower()
    if mode not in modes:
        raise entry.fail(f"is for an unknown mode {mode!r}", f"it has {', '.join(modes)}")
    parameters, errors = entry["parameters"].default({}), entry["errors"].default({})
    return Calibration(
        mode=mode,
        runtime=entry["runtime"].choice(RUNTIMES),
        software=_words(entry, "software"),
        parameters={name: value.number(0) for name, value in parameters.entries()},
        provenance=_words(entry, "provenance"),
        rows=entry["rows"].default(0).whole(0),
        networks=entry["networks"].default([]).texts(),
        errors={name: value.number() for name, value in errors.entries()},
    )


def _name(table: Value, default: str) -> str:
    name = table["name"].default(default)
    if not _NAME.fullmatch(name.text()):
        raise name.fail("is odd or missing", "use letters, digits, '.', '_', '-'")
    return name.text()


def _words(table: Value, key: str, default: str = "") -> str:
    return table[key].default(default).words()


def _number(table: Value, key: str, default: float | None = None) -> float:
    """Return a number that a board can have; `default` where it is missing."""
    value = table[key]
    if value.null and default is not None:
        return default
    number = value.number(above=0)
    least, most, fix = _RANGES[key]
    if not least <= number <= most:
        raise value.fail(f"is {number:g}, which no board has", fix)
    return number


def _whole(table: Value, key: str, default: int | None = None) -> int:
    number = _number(table, key, default)
    return int(number) if default == number else table[key].whole()
