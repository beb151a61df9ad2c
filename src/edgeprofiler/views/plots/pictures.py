"""Figures for a browser: Plotly's JSON, made as plain values without Plotly.

Colours of text, grid and background are left out: the page's script sets them for light, dark
and paper. Names of layers come from strangers; Plotly reads a little HTML in texts, so they are
escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.text import short_name
from edgeprofiler.core.units import engineering
from edgeprofiler.views.markup import escaped
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

Figure = dict[str, Any]
"""`data` and `layout` as `Plotly.newPlot` takes them; JSON values only."""

MANY_LAYERS = 1000
"""Networks with more layers than this show number and energy of a layer where one points at it."""


def timeline_figure(profile: Profile) -> Figure:
    """Return one inference as bars: width is time, height power, area energy."""
    bars = timeline(profile)
    middle = (bars.start_s + bars.width_s / 2) * 1e3
    texts = [
        _layer_text(profile, int(index)) if index >= 0 else _part_text(label, width, power)
        for index, label, width, power in zip(
            bars.index, bars.label, bars.width_s, bars.power_w, strict=True
        )
    ]
    kinds = np.array(bars.kind, dtype=object)
    data = []
    for kind in COLOURS:
        at = np.flatnonzero(kinds == kind)
        if len(at):
            data.append({
                "type": "bar",
                "name": kind,
                "x": numbers(middle[at]),
                "y": numbers(bars.power_w[at]),
                "width": numbers(bars.width_s[at] * 1e3),
                "customdata": [texts[i] for i in at],
                "hovertemplate": "%{customdata}<extra></extra>",
                "marker": {"color": COLOURS[kind], "line": {"width": 0.5, "color": "#ffffff"}},
            })  # fmt: skip
    layout = plain_layout("time in one inference, ms", "power of the board, W")
    layout["bargap"] = 0
    layout["hovermode"] = "closest"
    if math.isfinite(profile.idle_power_w) and len(bars):
        end = float(bars.start_s[-1] + bars.width_s[-1]) * 1e3
        data.append({
            "type": "scatter",
            "mode": "lines",
            "name": f"idle {engineering(profile.idle_power_w, 'W')}",
            "x": numbers(np.array([0.0, end])),
            "y": numbers(np.full(2, profile.idle_power_w)),
            "line": {"width": 2, "dash": "dash", "color": IDLE_COLOUR},
            "hoverinfo": "skip",
        })  # fmt: skip
    return {"data": data, "layout": layout}


def roofline_figure(profile: Profile, device: Device | None = None) -> Figure:
    """Return the layers under the roofs of their device, both axes logarithmic."""
    found = roofline(profile, device)
    layers = profile.network.layers
    kinds = np.array([layers[i].kind for i in found.index], dtype=object)
    data: list[dict[str, Any]] = []
    if found.roofs and len(found.index):
        intensity = _roof_range(found.intensity, found.roofs[0].flops, found.bandwidth_bytes_per_s)
        for roof, dash in zip(found.roofs, ("solid", "dash", "dot", "dashdot") * 9, strict=False):
            limit = np.minimum(roof.flops, found.bandwidth_bytes_per_s * intensity)
            data.append({
                "type": "scatter",
                "mode": "lines",
                "name": f"{roof.label}: {engineering(roof.flops, 'FLOP/s')}",
                "x": numbers(intensity),
                "y": numbers(limit),
                "line": {"width": 2, "dash": dash, "color": "#8a9099"},
                "hoverinfo": "name",
            })  # fmt: skip
    for kind in dict.fromkeys(kinds):
        at = np.flatnonzero(kinds == kind)
        data.append({
            "type": "scatter",
            "mode": "markers",
            "name": str(kind),
            "x": numbers(found.intensity[at]),
            "y": numbers(found.flops[at]),
            "customdata": [
                f"{_layer_text(profile, int(found.index[i]))}<br>"
                f"{found.intensity[i]:.3g} FLOP per byte, {engineering(found.flops[i], 'FLOP/s')}"
                for i in at
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
            "marker": {
                "color": COLOURS[kind],
                "opacity": 0.8,
                "size": numbers(6 + 16 * np.sqrt(found.energy_share[at])),
            },
        })  # fmt: skip
    layout = plain_layout("arithmetic intensity, FLOP per byte", "speed, FLOP/s")
    layout["xaxis"]["type"] = layout["yaxis"]["type"] = "log"
    layout["yaxis"]["exponentformat"] = "SI"
    layout["yaxis"]["dtick"] = layout["xaxis"]["dtick"] = 1
    layout["hovermode"] = "closest"
    return {"data": data, "layout": layout}


def kinds_figure(profile: Profile) -> Figure:
    """Return the energy of each type of layer as bars."""
    return _shares(by_kind(profile))


def stages_figure(profile: Profile) -> Figure:
    """Return the energy of each stage of the network as bars, in order of execution."""
    return _shares(by_stage(profile))


def compared_figure(profiles: Sequence[Profile], labels: Sequence[str]) -> Figure:
    """Return the energy by type of layer of several profiles, a stacked bar each."""
    groups = [by_kind(profile) for profile in profiles]
    kinds = [kind for kind in COLOURS if any(s.kind == kind for shares in groups for s in shares)]
    data = []
    for kind in kinds:
        energy = [sum(s.energy_j for s in shares if s.kind == kind) for shares in groups]
        data.append({
            "type": "bar",
            "orientation": "h",
            "name": kind,
            "y": list(range(len(profiles))),
            "x": numbers(np.array(energy) * 1e3),
            "marker": {"color": COLOURS[kind]},
            "customdata": [
                f"<b>{safe_text(label)}</b><br>{kind}: {engineering(value, 'J')}"
                for label, value in zip(labels, energy, strict=True)
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        })  # fmt: skip
    layout = plain_layout("energy of one inference, mJ", "")
    layout |= {"barmode": "stack", "height": 130 + 34 * len(profiles)}
    layout["yaxis"] |= _names([safe_text(label) for label in labels])
    return {"data": data, "layout": layout}


def _names(labels: list[str]) -> Figure:
    """An axis of names, from the top down; numbers are the places, so equal names stay apart."""
    return {
        "autorange": "reversed",
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": labels,
        "showgrid": False,
    }


def _shares(shares: tuple[Share, ...]) -> Figure:
    drawn, total, missing = drawn_shares(shares)
    labels = [safe_text(short_name(share.label, 22)) for share in drawn]
    data = {
        "type": "bar",
        "orientation": "h",
        "x": numbers(np.array([share.energy_j for share in drawn]) * 1e3),
        "y": list(range(len(drawn))),
        "text": [percent(share.energy_j, total) for share in drawn],
        "textposition": "auto",
        "textangle": 0,
        "marker": {"color": [COLOURS.get(share.kind, "#3d7cc9") for share in drawn]},
        "customdata": [_share_text(share, total) for share in drawn],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    title = f"energy, mJ ({missing})" if missing else "energy of one inference, mJ"
    layout = plain_layout(title, "")
    layout["height"] = 90 + 26 * len(drawn)
    layout["yaxis"] |= _names(labels)
    layout["showlegend"] = False
    return {"data": [data], "layout": layout}


def plain_layout(x_title: str, y_title: str) -> Figure:
    """Return what every figure of a page has in common."""
    return {
        "xaxis": {"title": {"text": x_title}, "automargin": True, "zeroline": False},
        "yaxis": {
            "title": {"text": y_title}, "automargin": True, "zeroline": False,
            "rangemode": "tozero",
        },
        "legend": {
            "orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal",
        },
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "height": 380,
    }  # fmt: skip


def _roof_range(intensity: FloatArray, flops: float, bandwidth: float) -> FloatArray:
    """Intensities from the leftmost layer to beyond the ridge, the ridges among them."""
    ridge = flops / bandwidth
    low = min(float(intensity.min()), ridge) / 2
    high = max(float(intensity.max()), ridge) * 4
    return np.geomspace(low, high, 120)


def _layer_text(profile: Profile, index: int) -> str:
    cost = profile[index]
    layer = cost.layer
    if len(profile) > MANY_LAYERS:
        return f"layer {index}: {engineering(cost.energy_j.value, 'J')}"
    return (
        f"<b>{safe_text(short_name(layer.name, 48))}</b><br>{cost.index}: "
        f"{safe_text(layer.op.replace('_', ' '))}<br>{engineering(cost.runtime_s.value, 's')}, "
        f"{engineering(cost.power_w.value, 'W')}, {engineering(cost.energy_j.value, 'J')}"
    )


def _part_text(label: str, width_s: float, power_w: float) -> str:
    return (
        f"<b>{label}</b><br>{engineering(width_s, 's')}, {engineering(power_w, 'W')}, "
        f"<b>{engineering(width_s * power_w, 'J')}</b>"
    )


def _share_text(share: Share, total_j: float) -> str:
    layers = f"{share.layers} layer{'s' * (share.layers > 1)}, " if share.layers else ""
    part = percent(share.energy_j, total_j, 1)
    return (
        f"<b>{safe_text(short_name(share.label, 60))}</b><br>{layers}"
        f"{engineering(share.runtime_s, 's')}, {engineering(share.energy_j, 'J')}"
        + (f" ({part})" if part else "")
    )


def safe_text(text: str) -> str:
    """Return a stranger's text as Plotly shows it unchanged: no tags, no formulas."""
    return escaped(text).replace("$", "&#36;")


def numbers(values: FloatArray) -> list[float | None]:
    """Return values with five digits, which is finer than a pixel; unknown is `None`."""
    return [float(f"{v:.5g}") if math.isfinite(v) else None for v in values.tolist()]
