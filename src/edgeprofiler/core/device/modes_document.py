"""Power modes as they stand in a board's TOML file."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from edgeprofiler.core.device.clocks import Clocks
from edgeprofiler.core.device.datasheet import Datasheet
from edgeprofiler.core.device.modes import PowerMode, mode_name
from edgeprofiler.core.device.numbers import number, optional, whole, words
from edgeprofiler.core.values import Value

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}")
_NVPMODEL = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})?")
_CLOCK_KEYS = ("gpu_clock_hz", "emc_clock_hz", "cpu_clock_hz", "cpu_cores", "sms")
_MODE = ("name", "nvpmodel", *_CLOCK_KEYS, "bandwidth_bytes_per_s", "power_budget_w",
         "idle_power_w", "note")  # fmt: skip


def modes_of(
    entries: Value, sheet: Datasheet, known: Sequence[PowerMode] = ()
) -> tuple[PowerMode, ...]:
    """Return the modes of a file: those of its base, changed where it says so, then its own."""
    modes = {mode.name: mode for mode in known}
    own: list[str] = []
    for entry in entries.default([]).items():
        name = mode_name(entry["name"].name())
        if not _NAME.fullmatch(name):
            raise entry["name"].fail(f"is odd: {name[:40]!r}", "use letters, digits, '.', '-'")
        own.append(name)
        modes[name] = _mode(entry, name, sheet, modes.get(name))
    if len(set(own)) < len(own):
        raise entries.fail("have one name twice", f"it has {', '.join(own)}")
    called = Counter(name for mode in modes.values() for name in mode.names)
    for name, times in called.items():
        if times > 1:
            raise entries.fail(f"have two modes that {name!r} names", "change name or nvpmodel")
    return tuple(modes.values())


def _mode(entry: Value, name: str, sheet: Datasheet, start: PowerMode | None) -> PowerMode:
    """Return a mode; what its table does not say is as in `start`, or as the board can do most."""
    entry.allow(_MODE)
    clocks = _clocks(entry, sheet, start.clocks if start else sheet.clocks)
    if clocks.emc_hz is not None:
        bandwidth = sheet.bandwidth_at(clocks.emc_hz)
    else:
        most = sheet.bandwidth_bytes_per_s
        bandwidth = number(
            entry, "bandwidth_bytes_per_s", start.bandwidth_bytes_per_s if start else most
        )
        if bandwidth > most:
            raise entry["bandwidth_bytes_per_s"].fail(
                f"is {bandwidth:g}", f"its datasheet: {most:g}"
            )
    kept = start.power_budget_w if start and clocks.within(start.clocks) else math.nan
    budget = number(entry, "power_budget_w", kept)
    idle = number(entry, "idle_power_w", start.idle_power_w if start else math.nan)
    if idle >= budget:
        raise entry.fail(f"has an idle_power_w of {idle:g} of a power_budget_w of {budget:g}")
    nvpmodel = words(entry, "nvpmodel", start.nvpmodel if start else "")
    if not _NVPMODEL.fullmatch(nvpmodel):
        raise entry["nvpmodel"].fail(
            f"is odd: {nvpmodel[:64]!r}", "use letters, digits, '.', '_', '-'"
        )
    return PowerMode(
        name=name,
        clocks=clocks,
        bandwidth_bytes_per_s=bandwidth,
        power_budget_w=budget,
        idle_power_w=idle,
        nvpmodel=nvpmodel,
        note=words(entry, "note", start.note if start else ""),
    )


def _clocks(entry: Value, sheet: Datasheet, base: Clocks) -> Clocks:
    """Return what a mode caps; a bandwidth means the memory clock that it takes."""
    emc_hz = optional(entry, "emc_clock_hz", base.emc_hz)
    if "bandwidth_bytes_per_s" in entry:
        if "emc_clock_hz" in entry:
            raise entry.fail("has emc_clock_hz and bandwidth_bytes_per_s", "give one of them")
        share = number(entry, "bandwidth_bytes_per_s") / sheet.bandwidth_bytes_per_s
        emc_hz = None if sheet.clocks.emc_hz is None else sheet.clocks.emc_hz * share
    clocks = Clocks(
        gpu_hz=number(entry, "gpu_clock_hz", base.gpu_hz),
        emc_hz=emc_hz,
        cpu_hz=optional(entry, "cpu_clock_hz", base.cpu_hz),
        cpu_cores=base.cpu_cores if entry["cpu_cores"].null else whole(entry, "cpu_cores"),
        sms=whole(entry, "sms", base.sms),
    )
    fitting = {}
    for (axis, value), key in zip(clocks.items(), _CLOCK_KEYS, strict=True):
        if value is None:
            continue
        allowed = sheet.ranges.get(axis)
        if allowed is None:
            raise entry[key].fail("is stated", "state it in [datasheet] too")
        found = allowed.fit(axis, value)
        if found is None:
            limits = f"its datasheet has {allowed.least:g} to {allowed.most:g}"
            raise entry[key].fail(f"is {value:g}", limits)
        fitting[axis] = found
    return clocks.changed(fitting)
