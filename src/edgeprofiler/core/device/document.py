"""A device as the table of its TOML file, read with every key and number checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgeprofiler.core.choices import RUNTIMES
from edgeprofiler.core.device.device import Calibration, Datasheet, Device, PowerMode
from edgeprofiler.core.device.fields import DTYPES, Fields
from edgeprofiler.core.errors import UsageError

SCHEMA = "edgeprofiler.device/1"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LANE_FLOPS = 256
"""FP32 operations a clock and multiprocessor: 128 lanes, as on the shipped boards but Volta's."""
_DEVICE = ("schema", "name", "description", "family", "like", "default_mode", "total_rails",
           "other_rails", "idle_power_source", "datasheet", "modes", "calibrations")  # fmt: skip
_ON_A_BASE = ("schema", "base", "name", "mode", "idle_power_w", "idle_power_source",
              "calibrations")  # fmt: skip
_DATASHEET = ("gpu", "sms", "gpu_clock_hz", "bandwidth_bytes_per_s", "l2_bytes", "tensor_cores",
              "compute_capability", "sources", "peak_flops", "vector_flops")  # fmt: skip
_MODE = ("name", "gpu_clock_hz", "bandwidth_bytes_per_s", "sms", "power_budget_w", "idle_power_w",
         "note")  # fmt: skip
_CALIBRATION = ("mode", "runtime", "software", "parameters", "provenance", "rows", "networks",
                "errors")  # fmt: skip


@dataclass(frozen=True)
class Others:
    """How the devices that a file names are found; both raise `UsageError` for an unknown one."""

    base: Callable[[str], Device]
    """Returns the device that the file builds on: a shipped one, or that of another file."""
    like: Callable[[str], Device]
    """Returns the shipped device of a name."""


def device_from_document(
    table: Mapping[str, Any], where: str, others: Others, source: str = "shipped"
) -> Device:
    """Return the device that a file describes.

    Args:
        table: what TOML holds.
        where: the file, for messages.
        others: finds the devices that the file names.
        source: what `Device.source` is to say.

    Raises:
        InvalidInput: an unknown key, a value missing or odd, or a number that no board has.
    """
    fields = Fields(table, where)
    if "base" in fields:
        return _on_a_base(fields, others, source)
    fields.allow(_DEVICE)
    if table.get("schema", SCHEMA) != SCHEMA:
        raise fields.fail(f"schema is {table['schema']!r}", f"expected {SCHEMA!r}")
    sheet = _datasheet(fields.table("datasheet"))
    modes = tuple(_mode(entry, sheet) for entry in fields.tables("modes"))
    if not modes:
        raise fields.fail("has no power mode", "add at least one [[modes]] table")
    names = [mode.name for mode in modes]
    if len(set(names)) < len(names):
        raise fields.fail("two power modes have one name", f"it has {', '.join(names)}")
    default = fields.loose_text("default_mode", modes[0].name)
    like = fields.text("like") if "like" in fields else ""
    stand_ins = _stand_ins(fields, like, others) if like else ()
    device = Device(
        name=_name(fields, ""),
        mode=modes[0],
        runtime="trtexec",
        datasheet=sheet,
        modes=modes,
        default_mode=default,
        total_rails=fields.texts("total_rails"),
        other_rails=fields.texts("other_rails"),
        idle_power_source=fields.loose_text("idle_power_source"),
        calibrations=_calibrations(fields, modes),
        like=like,
        stand_ins=stand_ins,
        description=fields.loose_text("description"),
        family=fields.loose_text("family", "jetson"),
        source=source,
    )
    try:
        return device.with_mode(default)
    except UsageError as error:
        raise fields.fail(f"default_mode: {error}") from None


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


def _on_a_base(fields: Fields, others: Others, source: str) -> Device:
    """Return the device of a file that says only what differs from another device."""
    fields.allow(_ON_A_BASE)
    name = fields.text("base")
    try:
        base = others.base(name)
        if "mode" in fields:
            base = base.with_mode(fields.text("mode"))
    except UsageError as error:
        raise fields.fail(str(error)) from None
    own = _calibrations(fields, base.modes)
    # Calibrations of a user's own come first: the first that fits is used.
    device = replace(base, calibrations=own + base.calibrations, source=source)
    device = replace(device, name=_name(fields, base.name))
    if "idle_power_w" in fields:
        idle = fields.number("idle_power_w")
        device = replace(
            device,
            mode=replace(device.mode, idle_power_w=idle),
            modes=tuple(replace(m, idle_power_w=idle) for m in device.modes),
            idle_power_source=fields.loose_text("idle_power_source", "stated by the user"),
        )
    return device


def _stand_ins(fields: Fields, like: str, others: Others) -> tuple[Calibration, ...]:
    try:
        return others.like(like).calibrations
    except UsageError:
        raise fields.fail(
            f"like: no shipped device {like!r}", "see `edgeprofiler devices`"
        ) from None


def _datasheet(fields: Fields) -> Datasheet:
    fields.allow(_DATASHEET)
    peak_table, vector_table = fields.nested("peak_flops"), fields.nested("vector_flops")
    for rates in (peak_table, vector_table):
        rates.allow(DTYPES)
    peaks = {dtype: peak_table.number(dtype) for dtype in peak_table.keys}
    vector = {dtype: vector_table.number(dtype) for dtype in vector_table.keys}
    if "fp16" not in peaks and "fp32" not in peaks:
        raise fields.fail(
            "datasheet.peak_flops has neither fp16 nor fp32", "give at least one of them"
        )
    tensor_cores = fields.flag("tensor_cores")
    sms, clock = fields.whole("sms"), fields.number("gpu_clock_hz")
    if not vector:  # a peak of tensor cores is not one of the lanes beside them
        lanes = peaks.get("fp32", _LANE_FLOPS * sms * clock)
        vector = {"fp32": lanes, "fp16": 2 * lanes} if tensor_cores else peaks
    return Datasheet(
        gpu=fields.loose_text("gpu"),
        sms=sms,
        gpu_clock_hz=clock,
        peak_flops=peaks,
        vector_flops=vector,
        bandwidth_bytes_per_s=fields.number("bandwidth_bytes_per_s"),
        l2_bytes=fields.whole("l2_bytes", 1 << 20),
        tensor_cores=tensor_cores,
        compute_capability=fields.number("compute_capability", 8.0 if tensor_cores else 6.0),
        sources=fields.texts("sources"),
    )


def _mode(fields: Fields, sheet: Datasheet) -> PowerMode:
    fields.allow(_MODE)
    budget = fields.number("power_budget_w", math.nan)
    idle = fields.number("idle_power_w")
    if idle >= budget:
        raise fields.fail(f"idle_power_w is {idle:g} of a power_budget_w of {budget:g}")
    return PowerMode(
        name=fields.text("name").lower(),
        gpu_clock_hz=fields.number("gpu_clock_hz", sheet.gpu_clock_hz),
        bandwidth_bytes_per_s=fields.number("bandwidth_bytes_per_s", sheet.bandwidth_bytes_per_s),
        sms=fields.whole("sms", sheet.sms),
        power_budget_w=budget,
        idle_power_w=idle,
        note=fields.loose_text("note"),
    )


def _calibrations(fields: Fields, modes: Sequence[PowerMode]) -> tuple[Calibration, ...]:
    names = [mode.name for mode in modes]
    return tuple(_calibration(entry, names) for entry in fields.tables("calibrations"))


def _calibration(fields: Fields, modes: Sequence[str]) -> Calibration:
    fields.allow(_CALIBRATION)
    mode = fields.text("mode").lower()
    if mode not in modes:
        raise fields.fail(f"calibration for an unknown mode {mode!r}", f"it has {', '.join(modes)}")
    runtime = fields.text("runtime")
    if runtime not in RUNTIMES:
        raise fields.fail(f"calibration for an unknown runtime {runtime!r}")
    parameters, errors = fields.nested("parameters"), fields.nested("errors")
    return Calibration(
        mode=mode,
        runtime=runtime,
        software=fields.loose_text("software"),
        parameters={name: parameters.at_least(name, 0) for name in parameters.keys},
        provenance=fields.loose_text("provenance"),
        rows=int(fields.at_least("rows", 0)) if "rows" in fields else 0,
        networks=fields.texts("networks"),
        errors={name: errors.finite(name) for name in errors.keys},
    )


def _name(fields: Fields, default: str) -> str:
    name = fields.loose("name", default)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise fields.fail("name is missing or odd", "use letters, digits, '.', '_', '-'")
    return name
