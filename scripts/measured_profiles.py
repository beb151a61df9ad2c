"""Profiles as if they had been measured: what scripts try writers, training and readers on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import edgeprofiler
from edgeprofiler.core.profile import Origin, Profile


def as_measured(name: str, *, simulated: bool = False) -> Profile:
    """Return the prediction of a zoo network as a measurement of power by many samples."""
    found = edgeprofiler.predict(f"zoo:{name}", "jetson-orin-nano")
    costs = replace(
        found.costs,
        known_by=("samples",) * len(found),
        standard_error_w=np.full(len(found), 0.05),
        samples=np.full(len(found), 60.0),
    )
    origin = Origin("measured", "scripts", "1")
    return replace(found, costs=costs, origin=origin, simulated=simulated)
