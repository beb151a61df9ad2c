"""Power over time of a recording, and one run's layers under it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeprofiler.core.text import short_name
from edgeprofiler.measurement.recording import Recording
from edgeprofiler.views.plots.figure import new_figure
from edgeprofiler.views.plots.paint import paint, plain
from edgeprofiler.views.plots.recording import close_figure, whole_figure


def draw_recording(recording: Recording) -> Any:
    """Return a figure: the whole session, a few runs with the sensor's steps, one run's layers.

    Raises:
        Unavailable: matplotlib is not installed.
    """
    figure = new_figure(8.0, 7.5)
    session, zoom, strip, layers = figure.subplots(4, 1, height_ratios=[2, 2, 0.3, 1.6])
    title = f"{short_name(recording.name, 60)}: {recording.timeline.runs} runs"
    figure.suptitle(plain(title + (" (simulated)" if recording.simulated else "")))
    whole = whole_figure(recording)
    paint(session, whole)
    if not whole["data"]:
        session.text(0.5, 0.5, "no power was recorded", ha="center", transform=session.transAxes)
    paint(zoom, close_figure(recording), strip)
    strip.sharex(zoom)
    strip.set_axis_off()
    _layers(layers, recording)
    return figure


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
            axes.text(
                left + width / 2, 0, plain(short_name(timeline.layer_names[place], 22)),
                rotation=90, ha="center", va="center", fontsize=6, clip_on=True,
            )  # fmt: skip
    axes.set_ylim(-0.7, 0.7)
    if total:
        axes.set_xlim(0, total)
