"""Power, runtime and energy of every layer of a CNN on an edge device, predicted or measured.

>>> import edgeprofiler
>>> profile = edgeprofiler.predict("zoo:resnet18", device="jetson-orin-nano")
>>> 1e-3 < profile.totals.energy_j.value < 1  # joules of one inference, idle included
True

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
    from edgeprofiler.core.parallel import Workers
    from edgeprofiler.core.profile import LayerCost, Profile, Totals
    from edgeprofiler.core.profile.document import read_profile, write_profile
    from edgeprofiler.core.profile.profiles import Profiles
    from edgeprofiler.core.quantity import Estimate
    from edgeprofiler.decision.advise import advise
    from edgeprofiler.decision.check import Budget, check
    from edgeprofiler.decision.compare import compare
    from edgeprofiler.decision.impact import impact
    from edgeprofiler.decision.objective import objective
    from edgeprofiler.decision.sweep import sweep
    from edgeprofiler.learning.contribute import contribute
    from edgeprofiler.learning.journeys import build_dataset, evaluate, train, tune
    from edgeprofiler.learning.owner import calibrate, validate
    from edgeprofiler.measurement.attribution import attribute
    from edgeprofiler.measurement.benchmark import benchmark
    from edgeprofiler.measurement.collect.journey import collect
    from edgeprofiler.measurement.monitor import measure
    from edgeprofiler.measurement.qa import qa
    from edgeprofiler.prediction.predict import predict, predict_many
    from edgeprofiler.prediction.question import Question
    from edgeprofiler.reading.read import read, read_model
    from edgeprofiler.reading.torch import from_torch
    from edgeprofiler.views.reports.report import report

_WHERE = {
    "Budget": "decision.check",
    "CannotWrite": "core.errors",
    "Device": "core.device",
    "EdgeProfilerError": "core.errors",
    "Estimate": "core.quantity",
    "Graph": "core.graph",
    "InsufficientData": "core.errors",
    "InvalidInput": "core.errors",
    "Layer": "core.network",
    "LayerCost": "core.profile",
    "Network": "core.network",
    "Profile": "core.profile",
    "Profiles": "core.profile.profiles",
    "Question": "prediction.question",
    "Totals": "core.profile",
    "Unavailable": "core.errors",
    "Unsupported": "core.errors",
    "UsageError": "core.errors",
    "Workers": "core.parallel",
    "advise": "decision.advise",
    "attribute": "measurement.attribution",
    "benchmark": "measurement.benchmark",
    "build_dataset": "learning.journeys",
    "calibrate": "learning.owner",
    "check": "decision.check",
    "contribute": "learning.contribute",
    "collect": "measurement.collect.journey",
    "compare": "decision.compare",
    "device_names": "core.device",
    "evaluate": "learning.journeys",
    "from_torch": "reading.torch",
    "impact": "decision.impact",
    "load_device": "core.device",
    "measure": "measurement.monitor",
    "objective": "decision.objective",
    "predict": "prediction.predict",
    "predict_many": "prediction.predict",
    "qa": "measurement.qa",
    "read": "reading.read",
    "read_model": "reading.read",
    "read_profile": "core.profile.document",
    "report": "views.reports.report",
    "sweep": "decision.sweep",
    "train": "learning.journeys",
    "tune": "learning.journeys",
    "validate": "learning.owner",
    "write_profile": "core.profile.document",
}

__all__ = [
    "Budget",
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
    "Profiles",
    "Question",
    "Totals",
    "Unavailable",
    "Unsupported",
    "UsageError",
    "Workers",
    "__version__",
    "advise",
    "attribute",
    "benchmark",
    "build_dataset",
    "calibrate",
    "check",
    "collect",
    "compare",
    "contribute",
    "device_names",
    "evaluate",
    "from_torch",
    "impact",
    "load_device",
    "measure",
    "objective",
    "predict",
    "predict_many",
    "qa",
    "read",
    "read_model",
    "read_profile",
    "report",
    "sweep",
    "train",
    "tune",
    "validate",
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
