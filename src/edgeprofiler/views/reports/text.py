"""A profile as a table in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgeprofiler.core.profile import Estimate, LayerCost, Profile
from edgeprofiler.core.units import engineering
from edgeprofiler.views.names import short_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_KINDS = {"convolutional": "conv", "pooling": "pool", "dense": "dense", "other": "other"}


def print_profile(console: Console, profile: Profile, *, layers: bool = True) -> None:
    """Print the layers (unless `layers` is false), the totals and the warnings."""
    from rich.text import Text

    network, device = profile.network, profile.device
    console.print(
        Text.assemble(
            (network.name, "bold"),
            f"  batch {network.batch}, {network.precision}, on {device.name}@{device.mode}, "
            f"{device.runtime}; {profile.origin.kind} by {profile.origin.by}",
            "  SIMULATED" if profile.simulated else "",
        )
    )
    if layers:
        console.print(_layer_table(profile, console.width))
        console.print()
    console.print(_totals_table(profile))
    if math.isfinite(profile.idle_power_w):
        console.print(
            "Energy and power are the board's over one inference in a back-to-back loop; "
            f"idle {profile.idle_power_w:.3g} W.",
            style="dim",
        )
    if profile.interval_kind:
        console.print(f"Intervals: {profile.confidence:.0%}, {profile.interval_kind}.", style="dim")
    if profile.uncovered:
        bound = engineering(profile.time_lower_bound_s, "s")
        console.print(
            f"Not covered: {len(profile.uncovered)} of {len(profile)} layers "
            f"({1 - profile.covered_bytes:.1%} of the bytes moved; they add at least {bound}).",
            style="yellow",
        )
    for warning in dict.fromkeys((*network.warnings, *profile.warnings)):
        console.print(Text.assemble(("warning:", "yellow"), f" {warning}"))


def _layer_table(profile: Profile, width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    name_width = max(14, min(48, width - 62))
    table.add_column("layer", no_wrap=True, width=name_width)
    table.add_column("kind", no_wrap=True)
    table.add_column("output", no_wrap=True, max_width=13)
    for heading in ("MACs", "ms", "W", "mJ", "%"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("bound", no_wrap=True)
    total = profile.totals.energy_j.value
    for cost in profile:
        table.add_row(
            Text(short_name(cost.layer.name, name_width)),
            *_cells(cost, total),
            style="" if cost.covered else "yellow",
        )
    for label, part in (("(fixed part)", profile.fixed), ("(host gap)", profile.host_gap)):
        if part.runtime_s > 0:
            table.add_row(
                label, "", "", "",
                _number(part.runtime_s * 1e3), _number(part.power_w),
                _number(part.energy_j * 1e3), _share(part.energy_j, total), "",
                style="dim",
            )  # fmt: skip
    return table


def _cells(cost: LayerCost, total_j: float) -> list[str]:
    layer = cost.layer
    shape = layer.output_shapes[0][1:] if layer.output_shapes else ()
    return [
        _KINDS[layer.kind] if layer.kind != "other" else layer.op[:9],
        "x".join(map(str, shape)),
        engineering(layer.macs, "", 3).replace(" ", "") if layer.macs else "",
        _number(cost.runtime_s.value * 1e3),
        _number(cost.power_w.value),
        _number(cost.energy_j.value * 1e3),
        _share(cost.energy_j.value, total_j),
        cost.bound if cost.covered else "unknown",
    ]


def _totals_table(profile: Profile) -> Table:
    from rich.table import Table

    totals, gap = profile.totals, profile.host_gap
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    rows: list[tuple[str, Estimate, str, str]] = [
        ("GPU time", totals.runtime_s, "s", f"{_ms(profile.fixed.runtime_s)} of it fixed"),
        ("end to end", totals.end_to_end_s, "s", f"{_ms(gap.runtime_s)} of it host gap"),
        ("power", totals.power_w, "W", "board input, average"),
        ("above idle", totals.power_above_idle_w, "W", ""),
        ("energy", totals.energy_j, "J", "idle included"),
        ("above idle", totals.energy_above_idle_j, "J", ""),
    ]
    for label, estimate, unit, remark in rows:
        table.add_row(label, engineering(estimate.value, unit), _interval(estimate, unit), remark)
    batch = profile.network.batch
    if batch > 1 and totals.energy_j.known:
        per_image = engineering(totals.energy_j.value / batch, "J")
        table.add_row("an image", per_image, "", f"one of {batch}, idle included")
    return table


def _interval(estimate: Estimate, unit: str) -> str:
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return ""
    return f"{engineering(estimate.low, unit)} to {engineering(estimate.high, unit)}"


def _ms(seconds: float) -> str:
    return engineering(seconds, "s")


def _number(value: float) -> str:
    """Three digits, trailing zeros kept so that a column lines up."""
    if not math.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    if abs(value) < 1:
        return f"{value:.3f}"
    return f"{value:#.3g}".rstrip(".") if abs(value) < 1000 else f"{value:.0f}"


def _share(part: float, total: float) -> str:
    if not math.isfinite(part) or not total or not math.isfinite(total):
        return "-"
    return f"{100 * part / total:.1f}"
