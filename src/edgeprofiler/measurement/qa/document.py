"""A recording and its verdict as a document for programs."""

from __future__ import annotations

import math
from typing import Any

from edgeprofiler.core.plain import attributes
from edgeprofiler.core.units import known
from edgeprofiler.measurement.qa.checks import Verdict
from edgeprofiler.measurement.recording import Recording


def to_document(recording: Recording, verdict: Verdict) -> dict[str, Any]:
    """Return what is known of a recording and the findings, as `edgeprofiler.qa/1`."""
    trace = recording.trace
    duration = float(trace.time_s[-1] - trace.time_s[0]) if len(trace) > 1 else math.nan
    return {
        "schema": "edgeprofiler.qa/1",
        **attributes(recording, "name started_utc simulated complete"),
        "device": {str(k): str(v) for k, v in recording.device.items()},
        "runs": int(recording.timeline.runs),
        "layers": len(recording.timeline.layer_names),
        "samples": len(trace),
        "duration_s": known(duration),
        "warnings": list(recording.warnings),
        **verdict.document(),
    }
