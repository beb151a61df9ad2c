"""Power over time of a recording, and one run's layers under it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.recording import PowerTrace, Recording
from edgeprofiler.views.plots.figure import new_figure

MOST_POINTS = 2000
"""Polls beyond which a curve is drawn as the range of each stretch."""


def draw_recording(recording: Recording) -> Any:
    """Return a figure: the whole session, a few runs with the sensor's steps, one run's layers.

    Raises:
        Unavailable: matplotlib is not installed.
    """
    figure = new_figure(8.0, 7.0)
    session, zoom, layers = figure.subplots(3, 1, height_ratios=[2, 2, 1.6])
    title = f"{recording.name}: {recording.timeline.runs} runs"
    figure.suptitle(title + (" (simulated)" if recording.simulated else ""))
    _session(session, recording)
    _zoom(zoom, recording)
    _layers(layers, recording)
    return figure


def _origin(recording: Recording) -> float:
    if len(recording.trace):
        return float(recording.trace.time_s[0])
    return float(recording.timeline.run_end_s[0]) if recording.timeline.runs else 0.0


def _session(axes: Any, recording: Recording) -> None:
    origin = _origin(recording)
    parts: list[tuple[PowerTrace | None, str, str]] = [
        (recording.idle_before, "tab:gray", "idle"),
        (recording.trace, "tab:blue", "runs"),
        (recording.idle_after, "tab:gray", "_idle"),
    ]
    for trace, colour, label in parts:
        if trace is not None and len(trace) and trace.total_rails:
            _curve(axes, trace.time_s - origin, trace.total_w, colour, label)
    axes.set(xlabel="time, s", ylabel="board power, W", title="whole session")
    if axes.has_data():
        axes.legend(loc="upper right", fontsize=8)
    else:
        axes.text(0.5, 0.5, "no power was recorded", ha="center", transform=axes.transAxes)


def _curve(axes: Any, time_s: FloatArray, power_w: FloatArray, colour: str, label: str) -> None:
    if len(time_s) <= MOST_POINTS:
        axes.plot(time_s, power_w, color=colour, lw=0.8, label=label)
        return
    pieces = np.array_split(np.arange(len(time_s)), MOST_POINTS // 2)
    middle = [float(time_s[piece].mean()) for piece in pieces]
    low = [float(np.nanmin(power_w[piece])) for piece in pieces]
    high = [float(np.nanmax(power_w[piece])) for piece in pieces]
    mean = [float(np.nanmean(power_w[piece])) for piece in pieces]
    axes.fill_between(middle, low, high, color=colour, alpha=0.3, lw=0)
    axes.plot(middle, mean, color=colour, lw=0.8, label=label)


def _zoom(axes: Any, recording: Recording) -> None:
    timeline, trace = recording.timeline, recording.trace
    axes.set(xlabel="time from a run's end, ms", ylabel="board power, W", title="a few runs")
    if not timeline.runs:
        return
    middle = timeline.runs // 2
    first, last = max(middle - 3, 0), min(middle + 3, timeline.runs - 1)
    zero = float(timeline.run_end_s[middle])
    total = np.nansum(timeline.duration_s, axis=1)
    begin, end = timeline.run_end_s[first] - 2 * total[first], timeline.run_end_s[last]
    for run in range(first, last + 1):
        stop = (timeline.run_end_s[run] - zero) * 1e3
        axes.axvspan(stop - total[run] * 1e3, stop, color="tab:orange", alpha=0.2, lw=0)
    if len(trace) and trace.total_rails:
        inside = (trace.time_s >= begin) & (trace.time_s <= end)
        axes.step(
            (trace.time_s[inside] - zero) * 1e3, trace.total_w[inside],
            where="post", marker=".", ms=4, lw=0.8, color="tab:blue",
        )  # fmt: skip
    axes.set_xlim((float(begin) - zero) * 1e3, (float(end) - zero) * 1e3)


def _layers(axes: Any, recording: Recording) -> None:
    timeline = recording.timeline
    axes.set(xlabel="time in the run, ms", title="layers of one run, in order")
    axes.set_yticks([])
    if not timeline.runs:
        return
    duration = np.nan_to_num(np.nanmedian(timeline.duration_s, axis=0)) * 1e3
    start = np.cumsum(duration) - duration
    total = float(duration.sum())
    colours = ["tab:blue", "tab:orange"]
    for place, (left, width) in enumerate(zip(start, duration, strict=True)):
        if width > 0:
            axes.barh(0, width, left=left, height=0.8, color=colours[place % 2], alpha=0.6)
        if total and width > 0.025 * total:
            name = timeline.layer_names[place]
            text = name if len(name) <= 22 else name[:20] + "…"
            axes.text(
                left + width / 2, 0, text.replace("$", r"\$"),
                rotation=90, ha="center", va="center", fontsize=6, clip_on=True,
            )  # fmt: skip
    axes.set_ylim(-0.7, 0.7)
    if total:
        axes.set_xlim(0, total)
