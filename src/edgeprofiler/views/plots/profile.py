"""Pictures of a profile for papers and pull requests."""

from __future__ import annotations

import math
from typing import Any

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.text import short_name
from edgeprofiler.core.units import engineering
from edgeprofiler.views.plots.figure import new_figure
from edgeprofiler.views.plots.graph import NO_GRAPH, graph_of
from edgeprofiler.views.plots.paint import paint, plain
from edgeprofiler.views.plots.pictures import (
    kinds_figure,
    roofline_figure,
    stages_figure,
    timeline_figure,
)

GRAPH = "graph"
"""The network as boxes and lines, which is SVG alone."""

KINDS = ("timeline", "roofline", "kinds", "stages", "report")
"""What `draw` can draw; `report` is all four on one sheet."""

_SHARES = {"kinds": "type of layer", "stages": "stage"}


def draw(
    profile: Profile,
    kind: str = "timeline",
    *,
    device: Device | None = None,
    width_in: float | None = None,
    height_in: float | None = None,
) -> Any:
    """Return a matplotlib figure of a profile.

    Args:
        kind: `timeline` (layers in order: width time, height power, area energy), `roofline`,
            `kinds` and `stages` (energy by type of layer and by stage), or `report` (all four);
            `graph` is no figure of matplotlib but SVG: layers by what they read, colour energy.
        device: whose roofs to draw; the shipped device that the profile names where `None`.

    Raises:
        UsageError: no such kind.
        InsufficientData: a graph is asked for, and nobody knows what the layers read.
        Unavailable: matplotlib is not installed.
    """
    if kind == GRAPH:
        graph = graph_of(profile)
        if graph is None:
            raise InsufficientData(f"{profile.network.name}: {NO_GRAPH}")
        return graph
    if kind not in KINDS:
        raise UsageError(f"no plot {kind!r}; choose one of: {', '.join((*KINDS, GRAPH))}")
    if kind == "report":
        figure = new_figure(width_in or 10.0, height_in or 9.5)
        axes = figure.subplot_mosaic([["timeline"] * 2, ["kinds", "stages"], ["roofline"] * 2])
        for name, ax in axes.items():
            _draw_one(ax, profile, name, device)
    else:
        figure = new_figure(width_in or 7.5, height_in or 4.0)
        _draw_one(figure.add_subplot(), profile, kind, device)
    figure.suptitle(_title(profile), fontsize=10, x=0.01, ha="left")
    return figure


def _title(profile: Profile) -> str:
    network, device, energy = profile.network, profile.device, profile.totals.energy_j
    title = (
        f"{short_name(network.name, 40)}, batch {network.batch}, {network.precision}, on "
        f"{device.name}@{device.mode}: {engineering(energy.value, 'J')}"
    )
    if math.isfinite(energy.low):
        title += f" ({engineering(energy.low, 'J')} to {engineering(energy.high, 'J')})"
    title += f" in {engineering(profile.totals.end_to_end_s.value, 's')}, {profile.origin.kind}"
    return plain(title + (", SIMULATED" if profile.simulated else ""))


def _draw_one(ax: Any, profile: Profile, kind: str, device: Device | None) -> None:
    pictures = {
        "timeline": lambda: timeline_figure(profile),
        "roofline": lambda: roofline_figure(profile, device),
        "kinds": lambda: kinds_figure(profile),
        "stages": lambda: stages_figure(profile),
    }
    paint(ax, pictures[kind]())
    if kind in ("kinds", "stages"):
        ax.set_title(f"energy by {_SHARES[kind]}", fontsize=9, loc="left")
