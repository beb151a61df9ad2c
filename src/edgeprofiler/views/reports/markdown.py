"""A profile for a pull request or a paper's draft: Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.words import cautions, heaviest_table, subtitle, totals_table
from edgeprofiler.core.table import markdown_code, markdown_text
from edgeprofiler.views.plots.series import known_device
from edgeprofiler.views.reports.differences import differences
from edgeprofiler.views.reports.view import kind_table, provenance, stage_table

LAYERS = 10
"""Layers in the table of those that need most energy."""


def report_markdown(profiles: Sequence[Profile]) -> str:
    """Return a report as Markdown; with several profiles, each is compared with the first."""
    if len(profiles) == 1:
        return "\n".join(_one(profiles[0].network.name, profiles[0]))
    found = differences(profiles)
    parts = ["# Side by side\n", found.totals.to_markdown()]
    for pair in found.pairs:
        parts += [f"### {pair.totals.title}\n", replace(pair.totals, title="").to_markdown()]
        if pair.layers.rows:
            parts.append(pair.layers.top(LAYERS).to_markdown())
    for name, profile in zip(found.names, profiles, strict=True):
        parts += _one(name, profile)
    return "\n".join(parts)


def _one(name: str, profile: Profile) -> list[str]:
    simulated = ["**SIMULATED: nothing was measured.**\n"] if profile.simulated else []
    source = provenance(profile, known_device(profile.device))
    return [
        f"## {markdown_code(name)}\n",
        f"{markdown_text(subtitle(profile))}.\n",
        *simulated,
        totals_table(profile).to_markdown(),
        *(f"> **Warning:** {markdown_text(warning)}\n" for warning in cautions(profile)),
        kind_table(profile).to_markdown(),
        stage_table(profile).to_markdown(),
        heaviest_table(profile, LAYERS).to_markdown(),
        "**Where the numbers come from**\n",
        *(f"- {term}: {markdown_text(text)}" for term, text in source),
        "",
    ]
