"""What a notebook shows of a profile or a network: a small table, no script, nothing loaded."""

from __future__ import annotations

from edgeprofiler.core.listing import network_table
from edgeprofiler.core.network import Network
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.words import cautions, layer_table, subtitle, totals_table
from edgeprofiler.core.table import Table
from edgeprofiler.core.units import engineering
from edgeprofiler.views.markup import escaped, prose
from edgeprofiler.views.tables import notebook_table

MAX_LAYERS = 400
"""Layers in a notebook's table; the report and the CSV have all."""


def render(shown: Profile | Network) -> str:
    """Return HTML of a profile or a network for a notebook's rich display."""
    return _profile(shown) if isinstance(shown, Profile) else _network(shown)


def _profile(profile: Profile) -> str:
    return _page(
        profile.network.name,
        subtitle(profile),
        notebook_table(totals_table(profile)),
        cautions(profile),
        layer_table(profile),
    )


def _network(network: Network) -> str:
    weights = sum(layer.weight_bytes or 0 for layer in network.layers)
    about = (
        f"batch {network.batch}, {network.precision}: {len(network)} layers, "
        f"{engineering(network.macs, 'MACs')}, {engineering(weights, 'B')} of weights"
    )
    return _page(network.name, about, "", network.warnings, network_table(network))


def _page(name: str, about: str, totals: str, warnings: tuple[str, ...], layers: Table) -> str:
    notes = "".join(f"<li>{prose(text)}</li>" for text in warnings)
    warned = f"<p>Warnings</p><ul>{notes}</ul>" if notes else ""
    count = len(layers.rows)
    cut = "" if count <= MAX_LAYERS else f", {MAX_LAYERS} of them shown"
    return (
        f"<div><p><strong>{escaped(name)}</strong>, {escaped(about)}.</p>{totals}{warned}"
        f"<details><summary>{count} layers{cut}</summary>"
        f"{notebook_table(layers.top(MAX_LAYERS))}</details></div>"
    )
