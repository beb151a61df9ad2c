"""Pictures of a profile for papers and pull requests."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.units import engineering
from edgeprofiler.views.names import short_name
from edgeprofiler.views.plots.figure import new_figure, picture_format, save_figure
from edgeprofiler.views.plots.series import (
    COLOURS,
    IDLE_COLOUR,
    Share,
    by_kind,
    by_stage,
    drawn_shares,
    percent,
    roofline,
    timeline,
)

KINDS = ("timeline", "roofline", "kinds", "stages", "report")
"""What `draw` can draw; `report` is all four on one sheet."""


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
        profile: measured or predicted.
        kind: `timeline` (layers in order: width time, height power, area energy), `roofline`,
            `kinds` and `stages` (energy by type of layer and by stage), or `report` (all four).
        device: whose roofs to draw; the shipped device that the profile names where `None`.
        width_in: width in inches.
        height_in: height in inches.

    Raises:
        UsageError: no such kind.
        Unavailable: matplotlib is not installed.
    """
    if kind not in KINDS:
        raise UsageError(f"no plot {kind!r}; choose one of: {', '.join(KINDS)}")
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


def save_profile(profile: Profile, path: Path, kind: str = "report", **options: Any) -> None:
    """Write a picture of a profile as PNG, SVG or PDF, by the file's ending.

    Options are those of `draw`.
    """
    picture_format(path)
    save_figure(draw(profile, kind, **options), path)


def _title(profile: Profile) -> str:
    network, device, energy = profile.network, profile.device, profile.totals.energy_j
    title = (
        f"{short_name(network.name, 40)}, batch {network.batch}, {network.precision}, on "
        f"{device.name}@{device.mode}: {engineering(energy.value, 'J')}"
    )
    if math.isfinite(energy.low):
        title += f" ({engineering(energy.low, 'J')} to {engineering(energy.high, 'J')})"
    title += f" in {engineering(profile.totals.end_to_end_s.value, 's')}, {profile.origin.kind}"
    return _plain(title + (", SIMULATED" if profile.simulated else ""))


def _draw_one(ax: Any, profile: Profile, kind: str, device: Device | None) -> None:
    drawers: dict[str, Callable[[], None]] = {
        "timeline": lambda: _timeline(ax, profile),
        "roofline": lambda: _roofline(ax, profile, device),
        "kinds": lambda: _shares(ax, by_kind(profile), "energy by type of layer"),
        "stages": lambda: _shares(ax, by_stage(profile), "energy by stage"),
    }
    drawers[kind]()
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)


def _timeline(ax: Any, profile: Profile) -> None:
    bars = timeline(profile)
    kinds = np.array(bars.kind, dtype=object)
    for kind, colour in COLOURS.items():
        at = np.flatnonzero(kinds == kind)
        if len(at):
            ax.bar(
                bars.start_s[at] * 1e3, bars.power_w[at], bars.width_s[at] * 1e3, align="edge",
                color=colour, edgecolor="white", linewidth=0.3, label=kind,
            )  # fmt: skip
    if math.isfinite(profile.idle_power_w):
        label = f"idle {engineering(profile.idle_power_w, 'W')}"
        ax.axhline(profile.idle_power_w, color=IDLE_COLOUR, linestyle="--", label=label)
    ax.margins(x=0)
    ax.set_xlabel("time in one inference, ms (area is energy)", fontsize=8)
    ax.set_ylabel("power of the board, W", fontsize=8)
    _legend(ax)


def _roofline(ax: Any, profile: Profile, device: Device | None) -> None:
    found = roofline(profile, device)
    layers = profile.network.layers
    kinds = np.array([layers[i].kind for i in found.index], dtype=object)
    if found.roofs and len(found.index):
        ridge = found.roofs[0].flops / found.bandwidth_bytes_per_s
        low, high = min(found.intensity.min(), ridge) / 2, max(found.intensity.max(), ridge) * 4
        x = np.geomspace(low, high, 120)
        for roof, style in zip(found.roofs, ("-", "--", ":", "-.") * 9, strict=False):
            y = np.minimum(roof.flops, found.bandwidth_bytes_per_s * x)
            label = f"{roof.label}: {engineering(roof.flops, 'FLOP/s')}"
            ax.plot(x, y, style, color="#6b7178", linewidth=1.2, label=label)
    for kind in dict.fromkeys(kinds):
        at = np.flatnonzero(kinds == kind)
        size = 10 + 120 * found.energy_share[at]
        ax.scatter(
            found.intensity[at], found.flops[at], s=size, color=COLOURS[kind], alpha=0.75,
            linewidths=0, label=kind,
        )  # fmt: skip
    if len(found.index):
        ax.set(xscale="log", yscale="log")
        _legend(ax)
    ax.set_xlabel("arithmetic intensity, FLOP per byte", fontsize=8)
    ax.set_ylabel("speed, FLOP/s", fontsize=8)
    ax.grid(linewidth=0.4, alpha=0.5)


def _shares(ax: Any, shares: tuple[Share, ...], title: str) -> None:
    drawn, total, missing = drawn_shares(shares)
    place = np.arange(len(drawn))
    bars = ax.barh(
        place, [share.energy_j * 1e3 for share in drawn],
        color=[COLOURS.get(share.kind, COLOURS["convolutional"]) for share in drawn],
    )  # fmt: skip
    labels = [f" {percent(share.energy_j, total)}" for share in drawn]
    ax.bar_label(bars, labels, fontsize=7)
    ax.margins(x=0.12)
    ax.set_yticks(place, [_plain(short_name(share.label, 24)) for share in drawn])
    ax.invert_yaxis()
    ax.set_xlabel(f"mJ ({missing})" if missing else "mJ", fontsize=8)
    ax.set_title(title, fontsize=9, loc="left")


def _legend(ax: Any) -> None:
    ax.legend(
        fontsize=7, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1),
        borderaxespad=0.2, markerscale=0.7,
    )  # fmt: skip


def _plain(text: str) -> str:
    """A text in which matplotlib finds no mathematics, which a dollar sign would begin."""
    return text.replace("$", r"\$")
