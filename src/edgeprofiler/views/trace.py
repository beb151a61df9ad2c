"""The timeline of one inference as trace events, which Perfetto and Chrome's tracing open.

The format is the JSON object of the Trace Event Format (Google, 2016); times in it are in us.
"""

from __future__ import annotations

import math
from typing import Any

from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.doubt import doubt_document
from edgeprofiler.core.profile.words import label, subtitle
from edgeprofiler.core.table import shape_words
from edgeprofiler.core.units import known
from edgeprofiler.views.plots.series import timeline

_PROCESS, _LAYERS = 1, 1
_US = 1e6


def to_trace(profile: Profile) -> dict[str, Any]:
    """Return one inference as trace events: a slice each layer, and the board's power below.

    Layers that take no time or are of unknown cost have no slice; `otherData` says which, with
    warnings and intervals. Power falls to idle behind the last slice, if idle power is known.

    >>> import edgeprofiler
    >>> trace = to_trace(edgeprofiler.predict("zoo:lenet", "jetson-nano"))
    >>> sorted({event["ph"] for event in trace["traceEvents"]})
    ['C', 'M', 'X']
    """
    bars = timeline(profile)
    process = f"{label(profile)}, {profile.origin.kind}{', SIMULATED' * profile.simulated}"
    events = [_name("process_name", process), _name("thread_name", "layers in order of execution")]
    end_s = 0.0
    for place, (start_s, width_s, power_w) in enumerate(
        zip(bars.start_s.tolist(), bars.width_s.tolist(), bars.power_w.tolist(), strict=True)
    ):
        end_s = start_s + width_s
        events.append({
            "ph": "X", "pid": _PROCESS, "tid": _LAYERS, "ts": start_s * _US, "dur": width_s * _US,
            "name": bars.label[place], "cat": bars.kind[place],
            "args": {
                **_layer(profile, int(bars.index[place])),
                "power_w": known(power_w), "energy_j": known(power_w * width_s),
            },
        })  # fmt: skip
        events += _power(start_s, power_w)
    events += _power(end_s, profile.idle_power_w)
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"about": subtitle(profile), **doubt_document(profile)},
    }


def _name(what: str, text: str) -> dict[str, Any]:
    return {"ph": "M", "pid": _PROCESS, "tid": _LAYERS, "name": what, "args": {"name": text}}


def _power(at_s: float, power_w: float) -> list[dict[str, Any]]:
    """Return the event from which on the board draws this power; none where it is unknown."""
    if not math.isfinite(power_w):
        return []
    counted = {"ph": "C", "pid": _PROCESS, "name": "board power, W", "ts": at_s * _US}
    return [{**counted, "args": {"W": power_w}}]


def _layer(profile: Profile, index: int) -> dict[str, Any]:
    """Return what a slice tells of its layer; nothing outside of layers."""
    if index < 0:
        return {}
    cost = profile[index]
    layer = cost.layer
    return {
        "layer": index, "operation": layer.op, "type": layer.dtype,
        "outputs": ", ".join(map(shape_words, layer.output_shapes)), "bound": cost.bound,
        **cost.energy_j.document("energy_j"),
    }  # fmt: skip
