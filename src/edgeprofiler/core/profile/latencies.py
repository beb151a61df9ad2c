"""Times of layers as a profiler of TensorRT writes them: a profile without powers and shapes.

`trt_layer_latency.json` maps each layer's name to the milliseconds of its runs, alone or each in
a pair with its time stamp.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Layer, Network, Source
from edgeprofiler.core.profile.profile import Costs, DeviceLabel, Origin, Part, Profile
from edgeprofiler.core.units import seconds_from_ms
from edgeprofiler.core.values import Value

_HEAD = re.compile(rb'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[\s*(?:\[\s*)?-?\d')
_Z_90 = 1.645
_UNKNOWN = "unknown"


def says_latencies(head: bytes) -> bool:
    """Say whether a file that begins with `head` holds times of layers.

    >>> says_latencies(b'{"conv1": [[0.12, "20241030-15:06:45"]]}'), says_latencies(b"{}")
    (True, False)
    """
    return _HEAD.match(head) is not None


def profile_of_latencies(document: Any, source: object) -> Profile:
    """Return the profile of a parsed document; powers and shapes are unknown.

    Raises:
        InvalidInput: a layer has no times, or one is no number of milliseconds.
    """
    names, mean_s, error_s = [], [], []
    for name, runs in Value(document, source).entries():
        times = np.array([_milliseconds(run) for run in runs.items()], np.float64)
        if not len(times):
            raise runs.fail("holds no times")
        names.append(name)
        mean_s.append(seconds_from_ms(float(times.mean())))
        spread = float(times.std(ddof=1)) if len(times) > 1 else np.nan
        error_s.append(seconds_from_ms(spread / np.sqrt(len(times))))
    if not names:
        raise InvalidInput(source, "holds no layers")
    mean, error = np.array(mean_s), _Z_90 * np.array(error_s)
    layers = tuple(Layer(name, "other", _UNKNOWN, (), (), "fp32") for name in names)
    return Profile(
        network=Network(str(source), layers, Source(str(source), "layer times"), 1, "mixed"),
        device=DeviceLabel(_UNKNOWN, _UNKNOWN, _UNKNOWN),
        origin=Origin("measured", "trt_layer_latency", ""),
        idle_power_w=float("nan"),
        costs=Costs(
            runtime_s=read_only(mean),
            power_w=read_only(np.full(len(mean), np.nan)),
            covered=read_only(np.ones(len(mean), np.bool_)),
            bound=("",) * len(mean),
            known_by=("",) * len(mean),
            runtime_s_low=read_only(np.maximum(mean - error, 0.0)),
            runtime_s_high=read_only(mean + error),
        ),
        fixed=Part(0.0, float("nan")),
        host_gap=Part(0.0, float("nan")),
        warnings=(
            "times of layers alone: powers, shapes and what lies between layers are unknown",
        ),
    )


def _milliseconds(run: Value) -> float:
    value = next(iter(run.items()), run) if isinstance(run.raw, list) else run
    return value.number(0)
