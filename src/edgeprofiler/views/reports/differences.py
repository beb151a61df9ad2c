"""What a page shows of several profiles side by side: each against the first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edgeprofiler.core.profile import Estimate, Profile
from edgeprofiler.core.units import engineering
from edgeprofiler.decision.compare import Comparison, difference
from edgeprofiler.views.names import short_name
from edgeprofiler.views.plots.interactive import compared_figure
from edgeprofiler.views.plots.series import COLOURS, by_kind
from edgeprofiler.views.reports.view import Cell, Column, Plot, Row, Table, number_cell

MAX_CHANGES = 30
"""Layers in a table of what changed."""

PAIRED = "Errors that both share cancel, so only layers that differ add to the interval."
UNPAIRED = (
    "Device, precision, batch, predictor or origin differ, so a verdict needs the intervals of "
    "both totals to separate."
)


@dataclass(frozen=True)
class Change:
    """The difference of one total: how much, how sure."""

    quantity: str
    difference: str
    interval: str
    verdict: str
    """`less`, `more`, `same` or `undecided`."""


@dataclass(frozen=True)
class Pair:
    """One profile against the first."""

    label: str
    changes: tuple[Change, ...]
    remark: str
    layers: Table


@dataclass(frozen=True)
class Differences:
    """Everything a page shows of several profiles together."""

    totals: Table
    plot: Plot
    pairs: tuple[Pair, ...]


def letter(number: int) -> str:
    """Return what a profile is called beside others: A, B, ..., Z, 27, ..."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def labels(profiles: Sequence[Profile]) -> tuple[str, ...]:
    """Return a name for each profile that tells it from the others."""
    return tuple(
        f"{letter(number)}: {short_name(p.network.name, 40)}, batch {p.network.batch}, "
        f"{p.network.precision}, {p.device.name}@{p.device.mode}, {p.origin.kind}"
        for number, p in enumerate(profiles)
    )


def differences(profiles: Sequence[Profile]) -> Differences:
    """Return each of two or more profiles against the first."""
    names = labels(profiles)
    pairs = tuple(
        pair_of(difference(profiles[0], profile), f"{letter(number)} against A")
        for number, profile in enumerate(profiles[1:], start=1)
    )
    return Differences(_totals(profiles, names), compared_plot(profiles), pairs)


def compared_plot(profiles: Sequence[Profile]) -> Plot:
    """Return the energy by type of layer of several profiles, as a figure and its table."""
    letters = [letter(n) for n in range(len(profiles))]
    groups = [by_kind(profile) for profile in profiles]
    kinds = [kind for kind in COLOURS if any(s.kind == kind for shares in groups for s in shares)]
    rows = tuple(
        Row((
            Cell(kind),
            *(
                number_cell(1e3 * sum(share.energy_j for share in shares if share.kind == kind))
                for shares in groups
            ),
        ))
        for kind in kinds
    )  # fmt: skip
    columns = (Column("type"), *(Column(f"{name}, mJ", numeric=True) for name in letters))
    return Plot(
        "compared",
        "Energy by type of layer",
        "Energy of one inference of each profile, by what the layers do.",
        compared_figure(profiles, letters),
        Table("Energy by type of layer", columns, rows),
    )


def pair_of(comparison: Comparison, label: str) -> Pair:
    """Return what a page shows of one comparison."""
    base = comparison.a.totals
    found = Counter(change.pair.status for change in comparison.changes)
    counts = ", ".join(f"{count} {status}" for status, count in found.items())
    rows = tuple(
        Row((
            Cell(short_name(change.name, 44), title=change.name),
            Cell(change.pair.status),
            _signed_cell(change.runtime_s * 1e3),
            _signed_cell(change.energy_j * 1e3),
        ))
        for change in comparison.largest(MAX_CHANGES)
    )  # fmt: skip
    columns = (
        Column("layer"),
        Column("what"),
        Column("time, ms", numeric=True),
        Column("energy, mJ", numeric=True),
    )
    return Pair(
        label,
        (
            _change("Energy", comparison.energy_j, base.energy_j, "J", comparison.energy_verdict),
            _change(
                "Time, end to end", comparison.runtime_s, base.end_to_end_s, "s",
                comparison.runtime_verdict,
            ),
        ),
        f"Layers: {counts}. {PAIRED if comparison.paired else UNPAIRED}",
        Table("Layers that change energy most", columns, rows),
    )  # fmt: skip


def _totals(profiles: Sequence[Profile], names: Sequence[str]) -> Table:
    columns = (
        Column("profile"),
        *(
            Column(label, numeric=numeric)
            for quantity in ("energy, mJ", "time, ms", "power, W")
            for label, numeric in ((quantity, True), ("low to high", False))
        ),
        Column("energy an image, mJ", numeric=True),
    )
    rows = []
    for name, profile in zip(names, profiles, strict=True):
        totals = profile.totals
        cells = [Cell(name)]
        quantities = ((totals.energy_j, 1e3), (totals.end_to_end_s, 1e3), (totals.power_w, 1.0))
        for estimate, scale in quantities:
            low, high = number_cell(estimate.low * scale), number_cell(estimate.high * scale)
            known = math.isfinite(estimate.low) and math.isfinite(estimate.high)
            cells.append(number_cell(estimate.value * scale))
            cells.append(Cell(f"{low.text} to {high.text}" if known else "-"))
        cells.append(number_cell(totals.energy_j.value * 1e3 / profile.network.batch))
        rows.append(Row(tuple(cells)))
    return Table("Totals of one inference", columns, tuple(rows))


def _change(quantity: str, found: Estimate, base: Estimate, unit: str, verdict: str) -> Change:
    if verdict == "same":
        return Change(quantity, "the same", "", verdict)
    text = _signed(found.value, unit)
    if base.value and found.known:
        text += f" ({100 * found.value / base.value:+.1f} %)"
    known = math.isfinite(found.low) and math.isfinite(found.high)
    interval = f"{_signed(found.low, unit)} to {_signed(found.high, unit)}" if known else ""
    return Change(quantity, text, interval, verdict)


def _signed(value: float, unit: str) -> str:
    return ("+" if value > 0 else "") + engineering(value, unit)


def _signed_cell(value: float) -> Cell:
    cell = number_cell(value)
    return Cell("+" + cell.text, key=cell.key) if value > 0 else cell
