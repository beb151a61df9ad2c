"""A profile for a person: what it is, what to know before trusting it, its totals and layers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edgeprofiler.core.listing import first_output
from edgeprofiler.core.quantity import Estimate, Quantity
from edgeprofiler.core.table import (
    Column,
    Content,
    Field,
    Line,
    Table,
    Words,
    row,
    tabulate,
)
from edgeprofiler.core.text import short_name
from edgeprofiler.core.units import engineering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeprofiler.core.profile.memory import EngineMemory
    from edgeprofiler.core.profile.profile import LayerCost, Part, Profile

FIXED = "fixed part"
HOST_GAP = "host gap"

LONG_TITLE = 120
"""Characters up to which a title shows a network's name whole; a terminal folds it."""

INTERVAL_KINDS = {
    "source": "a source and a family that were never seen",
    "family": "calibrated by you on few networks, none like this one",
    "network": "calibrated by you on few networks, some like this one",
    "board-calibrated": "calibrated by you on five networks or more",
}
"""Kinds of interval from wide to narrow, and what each stands for."""


def outside(profile: Profile) -> tuple[tuple[str, Part], ...]:
    """Return the parts of an inference that belong to no layer and take time, by name."""
    parts = ((FIXED, profile.fixed), (HOST_GAP, profile.host_gap))
    return tuple((name, part) for name, part in parts if part.runtime_s > 0)


def subtitle(profile: Profile) -> str:
    """Return what was predicted or measured, how, and where."""
    network, device = profile.network, profile.device
    return (
        f"batch {network.batch}, {network.precision}, {len(network)} layers, on "
        f"{device.name}@{device.mode} with {device.runtime}; {profile.origin.kind} by "
        f"{profile.origin.by}{', SIMULATED' if profile.simulated else ''}"
    )


def label(profile: Profile) -> str:
    """Return what tells a profile from others: network, device, precision and batch."""
    network, device = profile.network, profile.device
    where = f"{device.name}@{device.mode}"
    return f"{network.name}, {where}, {network.precision}, batch {network.batch}"


def in_a_line(profile: Profile) -> str:
    """Return what a profile is and what it comes to, in one line."""
    totals = profile.totals
    numbers = ", ".join(
        Quantity(found, unit).words
        for found, unit in (
            (totals.energy_j, "J"), (totals.end_to_end_s, "s"), (totals.power_w, "W"),
        )
    )  # fmt: skip
    layers, origin = f"{len(profile)} layers", profile.origin
    return f"Profile({label(profile)}: {numbers}; {layers}, {origin.kind} by {origin.by})"


def in_short(profile: Profile) -> str:
    """Return a profile's totals with their intervals and its warnings, a line each."""
    table = totals_table(profile)
    lines = [f"{short_name(profile.network.name, LONG_TITLE)}: {subtitle(profile)}"]
    for each in table.rows:
        if each.tone == "strong":
            name, value, interval, _ = (cell.text for cell in table.cells(each))
            lines.append(f"  {name}: {value}" + (f" ({interval})" if interval != "-" else ""))
    lines.append(f"  Intervals: {profile.confidence:.0%}.")
    lines += [f"  warning: {text}" for text in cautions(profile)]
    return "\n".join(lines)


def profiles_table(profiles: Sequence[Profile], title: str = "") -> Table:
    """Return the totals of profiles, a row each, for a paper or a page."""
    rated = [p.at_rate for p in profiles if p.at_rate is not None]
    fields: list[Field[Profile]] = [
        (Column("network", kind="name"), lambda p: p.network.name),
        (Column("device"), lambda p: f"{p.device.name}@{p.device.mode}"),
        (Column("type"), lambda p: p.network.precision),
        (Column("batch", kind="count"), lambda p: p.network.batch),
        (Column("energy", "mJ", "estimate"), lambda p: p.totals.energy_j),
        (Column("interval", "mJ", "interval"), lambda p: p.totals.energy_j),
        (Column("end to end", "ms", "estimate"), lambda p: p.totals.end_to_end_s),
        (Column("interval", "ms", "interval"), lambda p: p.totals.end_to_end_s),
        (Column("power", "W", "estimate"), lambda p: p.totals.power_w),
        (Column("interval", "W", "interval"), lambda p: p.totals.power_w),
    ]
    if len(rated) == len(profiles) and rated:
        fields += [
            (Column("power at the rate", "W", "estimate"),
             lambda p: None if p.at_rate is None else p.at_rate.power_w),
            (Column("keeps up"), lambda p: "" if p.at_rate is None else p.at_rate.keeps_up),
        ]  # fmt: skip
    warnings = (text for profile in profiles for text in cautions(profile))
    notes = [f"warning: {text}" for text in dict.fromkeys(warnings)]
    shares = sorted({f"{profile.confidence:.0%}" for profile in profiles})
    intervals = [f"Totals of one inference; intervals: {', '.join(shares)}."] if shares else []
    return tabulate(title, profiles, fields, (*intervals, *notes))


def cautions(profile: Profile) -> tuple[str, ...]:
    """Return what a reader must know before trusting the numbers, each once."""
    found = [*profile.network.warnings, *profile.warnings]
    if profile.uncovered:
        macs = (
            f"MACs of {profile.uncounted} cannot be counted"
            if profile.uncounted
            else f"{1 - profile.covered_macs:.1%} of the MACs"
        )
        found.insert(
            0,
            f"{len(profile.uncovered)} of {len(profile)} layers are not covered "
            f"({1 - profile.covered_bytes:.1%} of the bytes moved, {macs}). Totals leave them out; "
            f"they add at least {engineering(profile.time_lower_bound_s, 's')}.",
        )
    return tuple(dict.fromkeys([*memory_caution(profile.memory), *found]))


def memory_caution(memory: EngineMemory) -> list[str]:
    """Return what must be known of an engine's memory, if anything."""
    if memory.fits != "no":
        return []
    least, most = (engineering(size, "B") for size in (memory.total.low, memory.board_bytes))
    return [f"does not fit: the engine takes at least {least}, more than the board's {most}"]


def profile_tables(profile: Profile, *, layers: bool = True) -> tuple[Table, ...]:
    """Return all that is shown of a profile: its layers, if they are wanted, totals, warnings."""
    name = f"{short_name(profile.network.name, LONG_TITLE)}: {subtitle(profile)}"
    totals = totals_table(profile)
    warnings = (Words(f"warning: {text}", "doubt") for text in cautions(profile))
    totals = replace(totals, notes=(*totals.notes, *warnings))
    if not layers:
        return (replace(totals, title=name),)
    return replace(layer_table(profile, parts=True), title=name), totals


def totals_table(profile: Profile) -> Table:
    """Return the totals of one inference: those that a reader came for first, and strong."""
    totals, batch = profile.totals, profile.network.batch

    def line(label: str, found: Estimate, unit: str, remark: str, *, strong: bool = True) -> Line:
        number = Quantity(found, unit)
        return row(label, number, number, remark, tone="strong" if strong else "")

    def words(found: Estimate, unit: str) -> str:
        return Quantity(found, unit).words

    rows = [
        line("Energy of one inference", totals.energy_j, "J",
             f"{words(totals.energy_above_idle_j, 'J')} above idle"),
        line("Time, end to end", totals.end_to_end_s, "s",
             f"{words(totals.runtime_s, 's')} of it on the GPU"),
        line("Average power", totals.power_w, "W",
             f"{words(totals.power_above_idle_w, 'W')} above idle"),
    ]  # fmt: skip
    wall = totals.end_to_end_s
    if wall.known and wall.value > 0:
        per_image = f"{engineering(totals.energy_j.value / batch, 'J')} an image"
        rows.append(line("Images a second", wall.inverse(batch), "images", per_image))
    there = profile.at_rate
    if there is not None:
        keeps_up = {"yes": "keeps up", "no": "does not keep up", "undecided":
                    "whether it keeps up is undecided"}[there.keeps_up]  # fmt: skip
        busy = Quantity(there.busy_share, "%")
        rows += [
            line(f"Power at {there.rate_hz:g} images/s", there.power_w, "W",
                 f"idle in between; {keeps_up}"),
            row("Busy at that rate", busy, busy, "", tone="strong"),
        ]  # fmt: skip
    memory = profile.memory
    if memory.total.known:
        parts = (("weights", memory.weight_bytes), ("activations", memory.activation_bytes),
                 ("workspace, assumed", memory.workspace_bytes))  # fmt: skip
        words_of = ", ".join(f"{engineering(size, 'B')} {name}" for name, size in parts)
        rows.append(line("Memory of the engine", memory.total, "B", words_of, strong=False))
    rows += [
        line("Energy above idle", totals.energy_above_idle_j, "J", "", strong=False),
        line("Power above idle", totals.power_above_idle_w, "W",
             f"idle {engineering(profile.idle_power_w, 'W')}", strong=False),
        line("GPU time", totals.runtime_s, "s", ", ".join(
            f"{engineering(part.runtime_s, 's')} {name}" for name, part in outside(profile)
        ), strong=False),
    ]  # fmt: skip
    columns = (
        Column("one inference"),
        Column("value", kind="quantity"),
        Column("interval", kind="interval"),
        Column("remark"),
    )
    meaning = (
        "Energy and power are the board's, idle included, over one inference in a back-to-back "
        "loop."
    )
    intervals = f"Intervals: {profile.confidence:.0%}{interval_words(profile)}."
    return Table("", columns, tuple(rows), (f"{meaning} {intervals}",))


def interval_words(profile: Profile) -> str:
    """Return whom a profile's intervals are for, and what would make them narrower."""
    kind = profile.interval_kind
    said = f"{kind} ({INTERVAL_KINDS[kind]})" if kind in INTERVAL_KINDS else kind
    narrower = f"; narrower by {profile.narrowed_by}" if profile.narrowed_by else ""
    return f", {said}{narrower}" if said else ""


def layer_table(profile: Profile, *, most: int | None = None, parts: bool = False) -> Table:
    """Return what the layers cost, in order of execution.

    Args:
        most: layers to show where there are more: those that need most energy.
        parts: show the time outside of all layers too, so that energies add up to the total.
    """
    chosen, note = list(profile), ""
    if most is not None and len(chosen) > most:
        chosen = sorted(_heaviest(chosen)[:most], key=lambda cost: cost.index)
        note = (
            f"The {most} layers that need most energy; {len(profile) - most} more are in the CSV "
            "and JSON."
        )
    table = _table("Layers in order of execution", profile, chosen)
    rows, notes = table.rows, [note] if note else []
    if profile.costs.standard_error_w is not None:
        notes.append("Layers of one group share one power, and its standard error.")
    if parts:
        rows += tuple(_part_row(table.columns, name, part, profile)
                      for name, part in outside(profile))  # fmt: skip
    return replace(table, rows=rows, notes=tuple(notes))


def heaviest_table(profile: Profile, count: int) -> Table:
    """Return the layers that need most energy, the heaviest first."""
    return _table("Layers that need most energy", profile, _heaviest(list(profile))[:count])


def _heaviest(costs: list[LayerCost]) -> list[LayerCost]:
    def energy(cost: LayerCost) -> float:
        return cost.energy_j.value if cost.energy_j.known else -1.0

    return sorted(costs, key=energy, reverse=True)


def _table(title: str, profile: Profile, costs: list[LayerCost]) -> Table:
    found, total = profile.costs, profile.totals.energy_j.value
    samples, errors = found.samples, found.standard_error_w
    fields: list[Field[LayerCost]] = [
        (Column("#", kind="count", rank=5), lambda cost: cost.index),
        (Column("layer", kind="name"), lambda cost: cost.layer.name),
        (Column("operation"), _operation),
        (Column("output", kind="shape", rank=6), lambda cost: first_output(cost.layer)),
        (Column("MACs", kind="amount", rank=4), lambda cost: cost.layer.macs),
        (Column("time", "ms", "number"), lambda cost: cost.runtime_s.value),
        (Column("power", "W", "number"), lambda cost: cost.power_w.value),
        (Column("energy", "mJ", "estimate"), lambda cost: cost.energy_j),
    ]
    if found.energy_j_low is not None:
        interval = Column(f"{profile.confidence:.0%} interval", "mJ", "interval", rank=7)
        fields.append((interval, lambda cost: cost.energy_j))
    share = Column("share", "%", "number")
    fields.append((share, lambda cost: cost.energy_j.value / total if total else None))
    if any(found.bound) or samples is None:
        bound = Column("bound by", rank=1)
        fields.append((bound, lambda cost: cost.bound if cost.covered else "not covered"))
    if samples is not None:
        known = Column("known by", rank=2)
        fields.append((known, lambda cost: cost.known_by if cost.covered else "not covered"))
        at = samples.tolist()
        fields.append((Column("samples", kind="number", rank=3), lambda cost: at[cost.index]))
    if errors is not None:
        off = errors.tolist()
        fields.append((Column("std. error", "W", "number"), lambda cost: off[cost.index]))
    return tabulate(
        title,
        costs,
        fields,
        group=lambda cost: cost.layer.kind,
        tone=lambda cost: "" if cost.covered else "doubt",
    )


def _part_row(columns: tuple[Column, ...], name: str, part: Part, profile: Profile) -> Line:
    total = profile.totals.energy_j.value
    values: dict[str, Content] = {
        "layer": f"({name})",
        "time": part.runtime_s,
        "power": part.power_w,
        "energy": part.energy_j,
        "share": part.energy_j / total if total else None,
    }
    return Line(tuple(values.get(column.label, "") for column in columns), tone="quiet")


def _operation(cost: LayerCost) -> Words:
    layer = cost.layer
    name = layer.op.replace("_", " ") + (" (depthwise)" if layer.depthwise else "")
    if not layer.fused_ops:
        return Words(name)
    return Words(f"{name} +{len(layer.fused_ops)}", whole=" + ".join((name, *layer.fused_ops)))
