"""What a recording holds, in a few numbers for programs and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.plain import attributes
from edgeprofiler.core.table import Column, Table, Words, tabulate
from edgeprofiler.core.units import known
from edgeprofiler.measurement.recording import PowerTrace, Recording


def summary(folder: Path, recording: Recording) -> dict[str, Any]:
    """Return facts of a recording as JSON values; `None` where unknown."""
    timeline, sampler = recording.timeline, recording.sampler
    starts = timeline.run_start_s
    latency = None
    if starts is not None and timeline.runs:
        latency = float(np.median(timeline.run_end_s - starts))
    return {
        "name": recording.name,
        "folder": str(folder),
        **attributes(recording, "complete simulated"),
        "runs": timeline.runs,
        "layers": len(timeline.layer_names),
        "latency_s": latency,
        "polls": len(recording.trace),
        **attributes(sampler, "ticks missed_ticks"),
        "sampler_cpu_share": known(sampler.cpu_share),
        "sampler_latency_change": known(sampler.latency_change),
        "idle_before_w": _mean_w(recording.idle_before),
        "power_w": _mean_w(recording.trace),
        "idle_after_w": _mean_w(recording.idle_after),
        "warnings": list(recording.warnings),
    }


def recording_table(found: Sequence[dict[str, Any]]) -> Table:
    """Return what several recordings hold, from the values of `summary`."""
    folders = dict.fromkeys(facts["folder"] for facts in found)
    notes = [Words(f"wrote {folder}") for folder in folders]
    notes += [
        Words(f"warning: {facts['name']}: {text}", "doubt")
        for facts in found
        for text in facts["warnings"]
    ]
    return tabulate("Recordings", found, (
        (
            Column("recording", kind="name"),
            lambda facts: facts["name"] + " (simulated)" * facts["simulated"],
        ),
        (Column("runs", kind="count"), lambda facts: facts["runs"]),
        (Column("layers", kind="count"), lambda facts: facts["layers"]),
        (Column("latency", "s", "amount"), lambda facts: facts["latency_s"]),
        (Column("polls", kind="count"), lambda facts: facts["polls"]),
        (
            Column("missed", "%", "number"),
            lambda facts: facts["missed_ticks"] / facts["ticks"] if facts["ticks"] else None,
        ),
        (Column("idle", "W", "amount"), lambda facts: facts["idle_before_w"]),
        (Column("power", "W", "amount"), lambda facts: facts["power_w"]),
    ), notes)  # fmt: skip


def _mean_w(trace: PowerTrace | None) -> float | None:
    if trace is None or not len(trace) or not np.isfinite(trace.total_w).any():
        return None
    return float(np.nanmean(trace.total_w))
