"""What a page shows of several profiles side by side: each against the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.words import label
from edgeprofiler.core.table import Column, Table, row
from edgeprofiler.decision.compare.difference import difference
from edgeprofiler.decision.compare.tables import (
    changes_table,
    comparison_table,
    labels,
    letter,
    side_by_side,
)
from edgeprofiler.views.plots.pictures import compared_figure
from edgeprofiler.views.plots.series import COLOURS, by_kind
from edgeprofiler.views.reports.view import Plot

MAX_CHANGES = 30
"""Layers in a table of what changed."""


@dataclass(frozen=True)
class Pair:
    """One profile against the first."""

    totals: Table
    layers: Table


@dataclass(frozen=True)
class Differences:
    """Everything a page shows of several profiles together."""

    names: tuple[str, ...]
    """What each profile is called, behind its letter."""
    totals: Table
    plot: Plot
    pairs: tuple[Pair, ...]


def differences(profiles: Sequence[Profile]) -> Differences:
    """Return each of two or more profiles against the first."""
    pairs = []
    for number, profile in enumerate(profiles[1:], start=1):
        found = difference(profiles[0], profile)
        pairs.append(
            Pair(comparison_table(found, letter(number)), changes_table(found, MAX_CHANGES))
        )
    names = [f"{label(profile)}, {profile.origin.kind}" for profile in profiles]
    totals = side_by_side(profiles, names)
    return Differences(labels(names), totals, compared_plot(profiles), tuple(pairs))


def compared_plot(profiles: Sequence[Profile]) -> Plot:
    """Return the energy by type of layer of several profiles, as a figure and its table."""
    letters = [letter(n) for n in range(len(profiles))]
    groups = [by_kind(profile) for profile in profiles]
    kinds = [kind for kind in COLOURS if any(s.kind == kind for shares in groups for s in shares)]
    rows = tuple(
        row(
            kind,
            *(sum(share.energy_j for share in shares if share.kind == kind) for shares in groups),
        )
        for kind in kinds
    )
    columns = (Column("type"), *(Column(name, "mJ", "number") for name in letters))
    return Plot(
        "compared",
        "Energy by type of layer",
        "Energy of one inference of each profile, by what the layers do.",
        compared_figure(profiles, letters),
        Table("Energy by type of layer", columns, rows),
    )
