"""What a recording holds, in a few numbers for programs and tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

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
        "complete": recording.complete,
        "simulated": recording.simulated,
        "runs": timeline.runs,
        "layers": len(timeline.layer_names),
        "latency_s": latency,
        "polls": len(recording.trace),
        "ticks": sampler.ticks,
        "missed_ticks": sampler.missed_ticks,
        "sampler_cpu_share": _known(sampler.cpu_share),
        "sampler_latency_change": _known(sampler.latency_change),
        "idle_before_w": _mean_w(recording.idle_before),
        "power_w": _mean_w(recording.trace),
        "idle_after_w": _mean_w(recording.idle_after),
        "warnings": list(recording.warnings),
    }


def _mean_w(trace: PowerTrace | None) -> float | None:
    if trace is None or not len(trace) or not np.isfinite(trace.total_w).any():
        return None
    return float(np.nanmean(trace.total_w))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
