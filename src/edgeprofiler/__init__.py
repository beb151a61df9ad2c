"""Power, runtime and energy of every layer of a CNN on an edge device, predicted or measured.

>>> import edgeprofiler
>>> profile = edgeprofiler.predict("zoo:resnet18", device="jetson-orin-nano")
>>> profile.totals.energy_j.value  # joules of one inference, idle included

Names are imported when they are first used, so that `import edgeprofiler` is quick and loads no
model library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from edgeprofiler._version import __version__

if TYPE_CHECKING:
    from edgeprofiler.core.device import Device, device_names, load_device
    from edgeprofiler.core.errors import (
        CannotWrite,
        EdgeProfilerError,
        InsufficientData,
        InvalidInput,
        Unavailable,
        Unsupported,
        UsageError,
    )
    from edgeprofiler.core.graph import Graph
    from edgeprofiler.core.network import Layer, Network
    from edgeprofiler.core.profile import Estimate, LayerCost, Profile, Totals
    from edgeprofiler.core.profile.document import read_profile, write_profile
    from edgeprofiler.decision.optimize.objective import objective
    from edgeprofiler.prediction.predict import predict, predict_many
    from edgeprofiler.reading.read import read, read_model
    from edgeprofiler.reading.torch import from_torch

_WHERE = {
    "CannotWrite": "core.errors",
    "Device": "core.device",
    "EdgeProfilerError": "core.errors",
    "Estimate": "core.profile",
    "Graph": "core.graph",
    "InsufficientData": "core.errors",
    "InvalidInput": "core.errors",
    "Layer": "core.network",
    "LayerCost": "core.profile",
    "Network": "core.network",
    "Profile": "core.profile",
    "Totals": "core.profile",
    "Unavailable": "core.errors",
    "Unsupported": "core.errors",
    "UsageError": "core.errors",
    "device_names": "core.device",
    "from_torch": "reading.torch",
    "load_device": "core.device",
    "objective": "decision.optimize.objective",
    "predict": "prediction.predict",
    "predict_many": "prediction.predict",
    "read": "reading.read",
    "read_model": "reading.read",
    "read_profile": "core.profile.document",
    "write_profile": "core.profile.document",
}

__all__ = [
    "CannotWrite",
    "Device",
    "EdgeProfilerError",
    "Estimate",
    "Graph",
    "InsufficientData",
    "InvalidInput",
    "Layer",
    "LayerCost",
    "Network",
    "Profile",
    "Totals",
    "Unavailable",
    "Unsupported",
    "UsageError",
    "__version__",
    "device_names",
    "from_torch",
    "load_device",
    "objective",
    "predict",
    "predict_many",
    "read",
    "read_model",
    "read_profile",
    "write_profile",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'edgeprofiler' has no attribute {name!r}")
    value = getattr(import_module(f"edgeprofiler.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
