"""Power over time with the layers under it, from a recording."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.text import short_name
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.recording import PowerTrace, Recording
from edgeprofiler.views.plots.pictures import Figure, numbers, plain_layout, safe_text
from edgeprofiler.views.plots.series import COLOURS, IDLE_COLOUR

MAX_BARS = 2500
"""Layers of several runs that a close look shows."""

FEWEST = 12
"""Runs, and new values of the sensor, that a close look shows if it can."""

BINS = 800
"""Stretches of time that a whole recording is drawn in."""


@dataclass(frozen=True)
class CloseLook:
    """A few runs in the middle of a recording; times from the first run's start."""

    time_s: FloatArray
    power_w: FloatArray
    """What the sensor gave at each poll; shape (polls,)."""
    layer: FloatArray
    """Index of each bar's layer in the timeline; arrays of one length."""
    start_s: FloatArray
    width_s: FloatArray
    runs: int


def close_look(recording: Recording) -> CloseLook:
    """Return as many runs from the middle as can be told apart in one picture."""
    timeline = recording.timeline
    layers, runs = max(len(timeline.layer_names), 1), timeline.runs
    count = min(_runs_to_show(recording), max(MAX_BARS // layers, 1), runs)
    first = (runs - count) // 2
    chosen = slice(first, first + count)
    width = np.nan_to_num(timeline.duration_s[chosen])
    end = timeline.run_end_s[chosen]
    start = np.cumsum(width, axis=1) - width + (end - width.sum(axis=1))[:, None]
    shown = width > 0
    origin = float(start[shown].min()) if shown.any() else 0.0
    last = float(end[-1]) if count else origin
    trace = recording.trace
    inside = (trace.time_s >= origin) & (trace.time_s <= last)
    return CloseLook(
        time_s=trace.time_s[inside] - origin,
        power_w=trace.total_w[inside],
        layer=np.broadcast_to(np.arange(width.shape[1]), width.shape)[shown].astype(np.float64),
        start_s=start[shown] - origin,
        width_s=width[shown],
        runs=count,
    )


def close_figure(recording: Recording, profile: Profile | None = None) -> Figure:
    """Return power at each poll, and below it which layer ran; `profile` knows their kinds."""
    look = close_look(recording)
    names = recording.timeline.layer_names
    kinds = _kinds(names, profile)
    kind_of_bar = np.array([kinds[int(i)] for i in look.layer], dtype=object)
    texts = [safe_text(short_name(name, 48)) for name in names]
    data: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "power of the board",
            "x": numbers(look.time_s * 1e3),
            "y": numbers(look.power_w),
            "line": {"shape": "hv", "width": 1.5, "color": IDLE_COLOUR},
            "hovertemplate": "%{x:.3f} ms: %{y:.3f} W<extra></extra>",
        }
    ]
    for kind in COLOURS:
        at = np.flatnonzero(kind_of_bar == kind)
        if len(at):
            data.append({
                "type": "bar",
                "name": kind,
                "yaxis": "y2",
                "x": numbers((look.start_s[at] + look.width_s[at] / 2) * 1e3),
                "y": [1] * len(at),
                "width": numbers(look.width_s[at] * 1e3),
                "text": None,
                "customdata": [int(i) for i in look.layer[at]],
                "hovertext": [texts[int(i)] for i in look.layer[at]] if len(at) < 600 else None,
                "hovertemplate": "layer %{customdata} %{hovertext}<extra></extra>",
                "marker": {"color": COLOURS[kind], "line": {"width": 0}},
            })  # fmt: skip
    layout = plain_layout("time, ms", "power of the board, W")
    layout["bargap"] = 0
    layout["hovermode"] = "closest"
    layout["yaxis"]["domain"] = [0.2, 1]
    layout["xaxis"]["anchor"] = "y2"
    layout["yaxis2"] = {
        "domain": [0, 0.12], "range": [0, 1], "showticklabels": False, "showgrid": False,
        "fixedrange": True, "title": {"text": "layer"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def whole_figure(recording: Recording) -> Figure:
    """Return the least, mean and greatest power of each stretch of a whole recording."""
    traces = [recording.idle_before, recording.trace, recording.idle_after]
    known = [trace for trace in traces if trace is not None and len(trace)]
    origin = min((float(trace.time_s[0]) for trace in known), default=0.0)
    data: list[Figure] = []
    for trace, name, colour in zip(
        traces,
        ("idle before", "running", "idle after"),
        (COLOURS["fixed part"], COLOURS["convolutional"], COLOURS["host gap"]),
        strict=True,
    ):
        if trace is None or not len(trace):
            continue
        time, low, mean, high = _envelope(trace)
        x = numbers(time - origin)
        edge = {"type": "scatter", "mode": "lines", "x": x, "hoverinfo": "skip"}
        data += [
            {**edge, "y": numbers(low), "line": {"width": 0}, "showlegend": False},
            {
                **edge, "y": numbers(high), "line": {"width": 0}, "showlegend": False,
                "fill": "tonexty", "fillcolor": colour + "55",
            },
            {
                **edge, "y": numbers(mean), "name": name, "line": {"width": 1.5, "color": colour},
                "hoverinfo": "x+y",
            },
        ]  # fmt: skip
    layout = plain_layout("time in the recording, s", "power of the board, W")
    layout["height"] = 300
    return {"data": data, "layout": layout}


def facts(recording: Recording) -> tuple[tuple[str, str], ...]:
    """Return how a recording was made, as pairs of a term and its text."""
    sampler, timeline = recording.sampler, recording.timeline
    share = sampler.missed_ticks / sampler.ticks if sampler.ticks else math.nan
    texts = [
        f"{timeline.runs} runs of {len(timeline.layer_names)} layers",
        f"{len(recording.trace)} polls every {engineering(sampler.target_period_s, 's')}",
    ]
    if math.isfinite(share):
        texts.append(f"{share:.2%} of the ticks missed")
    if math.isfinite(sampler.cpu_share):
        texts.append(f"the sampler used {sampler.cpu_share:.1%} of a core")
    if not recording.complete:
        texts.append("interrupted before its end")
    found = [("Recording", "; ".join(texts))]
    if recording.started_utc:
        found.append(("Started", recording.started_utc))
    if recording.device:
        found.append(("Measured on", ", ".join(f"{k} {v}" for k, v in recording.device.items())))
    for label, state in (("before", recording.state_before), ("after", recording.state_after)):
        if state is not None:
            parts = [f"{name} {value:.1f} °C" for name, value in state.temperatures_c.items()]
            parts += [f"{name} {engineering(v, 'Hz')}" for name, v in state.clocks_hz.items()]
            if state.throttled:
                parts.append("throttled")
            if parts:
                found.append((f"State {label}", ", ".join(parts)))
    return tuple(found)


def _runs_to_show(recording: Recording) -> int:
    """As many runs as the sensor needs for a dozen new values, and no fewer than a dozen."""
    trace, ends = recording.trace, recording.timeline.run_end_s
    changed = trace.time_s[1:][np.diff(trace.total_w) != 0]
    if len(changed) < 2 or len(ends) < 2:
        return FEWEST
    period, update = float(np.median(np.diff(ends))), float(np.median(np.diff(changed)))
    return max(FEWEST, math.ceil(FEWEST * update / period)) if period > 0 else FEWEST


def _kinds(names: tuple[str, ...], profile: Profile | None) -> list[str]:
    """Kind of each layer of a timeline: by its place where the counts agree, else by its name."""
    layers = () if profile is None else profile.network.layers
    if len(layers) == len(names):
        return [layer.kind for layer in layers]
    by_name: dict[str, str] = {layer.name: layer.kind for layer in layers}
    return [by_name.get(name, "other") for name in names]


def _envelope(trace: PowerTrace) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Time, least, mean and greatest power of up to `BINS` stretches of equal length."""
    power = trace.total_w
    good = np.isfinite(power)
    time, power = trace.time_s[good], power[good]
    edges = np.linspace(0, len(time), min(BINS, len(time)) + 1).astype(np.int64)[:-1]
    if not len(edges):
        return time, power, power, power
    count = np.diff(np.append(edges, len(time)))
    low, high = np.minimum.reduceat(power, edges), np.maximum.reduceat(power, edges)
    return time[edges], low, np.add.reduceat(power, edges) / count, high
