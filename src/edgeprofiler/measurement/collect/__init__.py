"""Collecting: idle, warm-up, runs and idle again, with power and layer times on one clock.

Names are imported when first used: the sampler's process needs few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeprofiler.measurement.collect.collecting import record_model, recording_name
    from edgeprofiler.measurement.collect.isolate import collect_isolated
    from edgeprofiler.measurement.collect.plan import Plan, Progress

_WHERE = {
    "Plan": "plan",
    "Progress": "plan",
    "record_model": "collecting",
    "collect_isolated": "isolate",
    "recording_name": "collecting",
}

__all__ = ["Plan", "Progress", "collect_isolated", "record_model", "recording_name"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'edgeprofiler.measurement.collect' has no attribute {name!r}")
    value = getattr(import_module(f"edgeprofiler.measurement.collect.{_WHERE[name]}"), name)
    globals()[name] = value
    return value
