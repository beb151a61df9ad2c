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
    from edgeprofiler.device import Device, device_names, load_device
    from edgeprofiler.errors import (
        CannotWrite,
        EdgeProfilerError,
        InsufficientData,
        InvalidInput,
        Unavailable,
        Unsupported,
        UsageError,
    )
    from edgeprofiler.graph import Graph
    from edgeprofiler.network import Layer, Network
    from edgeprofiler.optimize.objective import objective
    from edgeprofiler.prediction import predict, predict_many, read, read_model
    from edgeprofiler.profile import Estimate, LayerCost, Profile, Totals
    from edgeprofiler.profile.document import read_profile, write_profile
    from edgeprofiler.torch_export import from_torch

_WHERE = {
    "CannotWrite": "errors",
    "Device": "device",
    "EdgeProfilerError": "errors",
    "Estimate": "profile",
    "Graph": "graph",
    "InsufficientData": "errors",
    "InvalidInput": "errors",
    "Layer": "network",
    "LayerCost": "profile",
    "Network": "network",
    "Profile": "profile",
    "Totals": "profile",
    "Unavailable": "errors",
    "Unsupported": "errors",
    "UsageError": "errors",
    "device_names": "device",
    "from_torch": "torch_export",
    "load_device": "device",
    "objective": "optimize.objective",
    "predict": "prediction",
    "predict_many": "prediction",
    "read": "prediction",
    "read_model": "prediction",
    "read_profile": "profile.document",
    "write_profile": "profile.document",
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
