"""A profile for a pull request or a paper's draft: Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence

from edgeprofiler.core.profile import Profile
from edgeprofiler.views.plots.series import by_kind, by_stage, known_device
from edgeprofiler.views.reports.differences import differences, labels
from edgeprofiler.views.reports.view import (
    Table,
    headlines,
    layer_table,
    provenance,
    share_table,
    warnings_of,
)

LAYERS = 10
"""Layers in the table of those that need most energy."""

_SPECIAL = str.maketrans({sign: "\\" + sign for sign in "\\`*_[]<>|~$"})


def report_markdown(profiles: Sequence[Profile]) -> str:
    """Return a report as Markdown; with several profiles, each is compared with the first."""
    parts = []
    if len(profiles) > 1:
        parts += _side_by_side(profiles)
    names = labels(profiles) if len(profiles) > 1 else [p.network.name for p in profiles]
    for name, profile in zip(names, profiles, strict=True):
        parts += _one(name, profile)
    return "\n".join(parts).rstrip() + "\n"


def _one(name: str, profile: Profile) -> list[str]:
    network, device = profile.network, profile.device
    lines = [
        f"## {_code(name)}",
        "",
        _text(
            f"batch {network.batch}, {network.precision}, {len(network)} layers, on "
            f"{device.name}@{device.mode} with {device.runtime}; {profile.origin.kind} by "
            f"{profile.origin.by}."
        ),
        "",
    ]
    if profile.simulated:
        lines += ["**SIMULATED: nothing was measured.**", ""]
    lines += ["| | | interval | |", "|---|--:|--:|---|"]
    lines += [
        f"| {item.label} | **{item.value}** | {item.interval} | {item.remark} |"
        for item in headlines(profile)
    ]
    lines += [""]
    lines += [f"> **Warning:** {_text(warning)}\n>" for warning in warnings_of(profile)]
    layers = layer_table(profile)
    heaviest = sorted(range(len(layers.rows)), key=lambda i: -_key(layers, i, "energy, mJ"))
    heaviest = heaviest[:LAYERS]
    shown = Table(
        "Layers that need most energy",
        layers.columns,
        tuple(layers.rows[i] for i in heaviest),
    )
    for table in (
        share_table("Energy by type of layer", "type", by_kind(profile)),
        share_table("Energy by stage of the network", "stage", by_stage(profile)),
        shown,
    ):
        lines += ["", *_table(table)]
    lines += ["", "**Where the numbers come from**", ""]
    board = known_device(device)
    lines += [f"- {term}: {_text(text)}" for term, text in provenance(profile, board)]
    return [*lines, ""]


def _side_by_side(profiles: Sequence[Profile]) -> list[str]:
    found = differences(profiles)
    lines = ["# Side by side", "", *_table(found.totals), ""]
    for pair in found.pairs:
        lines += [f"### {pair.label}", ""]
        lines += [
            f"- {change.quantity}: **{change.difference}**, {change.verdict}"
            + (f" ({change.interval})" if change.interval else "")
            for change in pair.changes
        ]
        lines += ["", _text(pair.remark), ""]
        if pair.layers.rows:
            lines += [*_table(pair.layers, LAYERS), ""]
    return lines


def _table(table: Table, most: int | None = None) -> list[str]:
    heads = " | ".join(_text(column.label) for column in table.columns)
    rules = "|".join("--:" if column.numeric else "---" for column in table.columns)
    named = [column.label in ("layer", "profile") for column in table.columns]
    rows = [
        " | ".join(
            _code(cell.text) if is_name else _text(cell.text)
            for cell, is_name in zip(row.cells, named, strict=True)
        )
        for row in table.rows[:most]
    ]
    return [f"**{table.caption}**", "", f"| {heads} |", f"|{rules}|", *(f"| {r} |" for r in rows)]


def _key(table: Table, row: int, label: str) -> float:
    place = next(i for i, column in enumerate(table.columns) if column.label == label)
    cell = table.rows[row].cells[place]
    try:
        return float(cell.key or cell.text)
    except ValueError:
        return -1.0


def _text(text: str) -> str:
    """A stranger's text that stays text: no markup, no link, no further column."""
    return _one_line(text).translate(_SPECIAL)


def _code(text: str) -> str:
    """A stranger's name as code, where nothing is markup or a mention."""
    return "`" + _one_line(text).replace("`", "'").replace("|", "/") + "`"


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)
