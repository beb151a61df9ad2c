"""A budget that continuous integration can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import read_toml
from edgeprofiler.core.network import Shape
from edgeprofiler.core.profile import Estimate, Profile
from edgeprofiler.decision.compare.difference import Comparison, compare

LIMITS: Mapping[str, tuple[str, float, str]] = {
    "energy_mj": ("energy_j", 1e-3, "mJ"),
    "energy_above_idle_mj": ("energy_above_idle_j", 1e-3, "mJ"),
    "latency_ms": ("end_to_end_s", 1e-3, "ms"),
    "gpu_time_ms": ("runtime_s", 1e-3, "ms"),
    "power_w": ("power_w", 1.0, "W"),
    "power_above_idle_w": ("power_above_idle_w", 1.0, "W"),
}
"""Name in the file: field of the totals, its unit in SI, and the unit's name."""

CHANGES: Mapping[str, str] = {
    "energy_percent": "energy_j",
    "latency_percent": "runtime_s",
}
"""Name in the file: field of the comparison with the baseline."""

_SETTINGS = ("model", "device", "runtime", "precision")


@dataclass(frozen=True)
class Budget:
    """What one inference may cost, absolutely and against a baseline."""

    source: str
    limits: Mapping[str, float]
    """By the names of `LIMITS`, in the units that these names say."""
    changes: Mapping[str, float] = field(default_factory=dict)
    """Largest increase over the baseline in percent, by the names of `CHANGES`."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """`model`, `device`, `runtime` and `precision`, where the file says them."""
    batch: int | None = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One line of a budget, judged."""

    name: str
    limit: float
    estimate: Estimate
    """In the unit of the limit."""
    unit: str
    verdict: Literal["pass", "unsure", "fail"]
    """`unsure`: the value is over the limit, its interval is not."""


def read_budget(path: Path) -> Budget:
    """Return the budget of a TOML file.

    Raises:
        InvalidInput: unknown names, limits that are no positive numbers, or no limit at all.
    """
    table = read_toml(path)
    known = {*_SETTINGS, "batch", "shapes", "limits", "change"}
    for key in table:
        if key not in known:
            raise InvalidInput(path, f"unknown key {key!r}", f"known: {', '.join(sorted(known))}")
    limits = _numbers(table, "limits", LIMITS, path)
    changes = _numbers(table, "change", CHANGES, path)
    if not limits and not changes:
        raise InvalidInput(path, "sets no limit", "add for example [limits] with energy_mj = 50")
    batch = table.get("batch")
    if batch is not None and (type(batch) is not int or batch < 1):
        raise InvalidInput(path, "batch is no whole number above 0")
    settings = {}
    for key in _SETTINGS:
        if key in table:
            if not isinstance(table[key], str):
                raise InvalidInput(path, f"{key} is no text")
            settings[key] = table[key]
    return Budget(str(path), limits, changes, settings, batch, _shapes(table, path))


def check(
    profile: Profile, budget: Budget, baseline: Profile | None = None, *, strict: bool = False
) -> tuple[tuple[Finding, ...], Comparison | None]:
    """Judge a profile by a budget.

    A limit fails when the whole interval lies above it (`strict`: when the value does).

    Raises:
        InvalidInput: the baseline is for another device or batch, or there is none and the budget
            limits nothing but a change.
    """
    findings = [
        _judge(name, limit, _in_unit(getattr(profile.totals, quantity), unit), unit_name, strict)
        for name, limit in budget.limits.items()
        for quantity, unit, unit_name in [LIMITS[name]]
    ]
    if baseline is None:
        if not findings:
            raise InvalidInput(
                budget.source, "limits only a [change], but there is no baseline", "give --baseline"
            )
        return tuple(findings), None
    _require_comparable(profile, baseline)
    comparison = compare(baseline, profile)
    for name, limit in budget.changes.items():
        quantity = CHANGES[name]
        total = "end_to_end_s" if quantity == "runtime_s" else quantity
        base = getattr(baseline.totals, total).value
        if not base > 0:
            raise InvalidInput("baseline", f"knows no {total}", "make the baseline anew")
        percent = _in_unit(getattr(comparison, quantity), base / 100)
        findings.append(_judge(f"{name} (change)", limit, percent, "%", strict))
    return tuple(findings), comparison


def require_settings(profile: Profile, budget: Budget) -> None:
    """Refuse a saved profile of another device, runtime, precision or batch than the budget's.

    Raises:
        InvalidInput: what differs, and how.
    """
    settings = budget.settings
    pairs: list[tuple[str, object, object]] = [("batch", budget.batch, profile.network.batch)]
    pairs.append(("precision", settings.get("precision"), profile.network.precision))
    pairs.append(("runtime", settings.get("runtime"), profile.device.runtime))
    if "device" in settings:
        device = load_device(settings["device"])
        label = f"{profile.device.name}@{profile.device.mode}"
        pairs.append(("device", device.spec, label))
    for what, wanted, found in pairs:
        if wanted is not None and wanted != found:
            raise InvalidInput(
                budget.source, f"its {what} is {wanted}, the saved profile's {found}",
                "give a profile of that kind, or change the budget",
            )  # fmt: skip


def _judge(name: str, limit: float, estimate: Estimate, unit: str, strict: bool) -> Finding:
    if not estimate.known:
        raise InvalidInput(name, "cannot be judged: the profile does not know it")
    sure = estimate.value if strict or math.isnan(estimate.low) else estimate.low
    over = estimate.value > limit
    return Finding(
        name, limit, estimate, unit, "fail" if sure > limit else "unsure" if over else "pass"
    )


def _require_comparable(profile: Profile, baseline: Profile) -> None:
    for what, ours, theirs in (
        ("device", profile.device.name, baseline.device.name),
        ("power mode", profile.device.mode, baseline.device.mode),
        ("host runtime", profile.device.runtime, baseline.device.runtime),
        ("batch", profile.network.batch, baseline.network.batch),
        ("origin", profile.origin.kind, baseline.origin.kind),
    ):
        if ours != theirs:
            raise InvalidInput(
                "baseline", f"its {what} is {theirs}, not {ours}", "make the baseline anew"
            )


def _in_unit(estimate: Estimate, unit: float) -> Estimate:
    return Estimate(estimate.value / unit, estimate.low / unit, estimate.high / unit)


def _numbers(
    table: Mapping[str, Any], key: str, known: Mapping[str, object], path: Path
) -> dict[str, float]:
    entries = table.get(key, {})
    if not isinstance(entries, dict):
        raise InvalidInput(path, f"{key} is no table", f"write [{key}]")
    for name, value in entries.items():
        if name not in known:
            raise InvalidInput(path, f"unknown {key} {name!r}", f"known: {', '.join(known)}")
        number = not isinstance(value, bool) and isinstance(value, (int, float))
        if not number or not math.isfinite(value) or value < 0:
            raise InvalidInput(path, f"{key}.{name} is no number from 0 up")
    return {name: float(value) for name, value in entries.items()}


def _shapes(table: Mapping[str, Any], path: Path) -> dict[str, Shape]:
    shapes = table.get("shapes", {})
    if not isinstance(shapes, dict):
        raise InvalidInput(
            path, "shapes is no table", "write [shapes] with input = [1, 3, 224, 224]"
        )
    for name, shape in shapes.items():
        if not isinstance(shape, list) or not all(type(n) is int and n > 0 for n in shape):
            raise InvalidInput(path, f"shapes.{name} is no list of whole numbers above 0")
    return {name: tuple(shape) for name, shape in shapes.items()}
