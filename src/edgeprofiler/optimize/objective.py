"""A function that libraries for neural architecture search can minimise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprofiler.device import DEFAULT_DEVICE, Device, load_device
from edgeprofiler.graph import Graph
from edgeprofiler.network import FloatArray, Network
from edgeprofiler.prediction import DEFAULT_PRECISION, read
from edgeprofiler.predictors.roofline import RooflinePredictor


@dataclass(frozen=True)
class ObjectiveValues:
    """One number a candidate in each array, of one inference in a back-to-back loop."""

    energy_j: FloatArray
    """Board energy, idle included."""
    runtime_s: FloatArray
    """End-to-end time."""
    power_w: FloatArray


@dataclass(frozen=True)
class Objective:
    """Maps candidate networks to energy, runtime and power on one device."""

    predictor: RooflinePredictor
    precision: str = DEFAULT_PRECISION

    def __call__(self, candidates: Sequence[str | Path | Graph | Network]) -> ObjectiveValues:
        """Return arrays of shape (candidates,).

        Args:
            candidates: graphs (of `from_torch`, a builder, ...), networks, or names of models.
        """
        if not candidates:
            empty = np.empty(0)
            return ObjectiveValues(empty, empty, empty)
        networks = [
            model
            if isinstance(model, Network)
            else read(model, precision=self.precision, runtime=self.predictor.device.runtime)
            for model in candidates
        ]
        totals = self.predictor.predict_many(networks).totals
        return ObjectiveValues(totals.energy_j, totals.end_to_end_s, totals.power_w)


def objective(
    device: str | Path | Device = DEFAULT_DEVICE,
    *,
    runtime: str | None = None,
    precision: str = DEFAULT_PRECISION,
) -> Objective:
    """Return a function from candidate networks to their energy, runtime and power.

    >>> cost = objective("jetson-orin-nano")
    >>> cost(["zoo:resnet18", "zoo:mobilenet_v2"]).energy_j  # joules, shape (2,)
    """
    return Objective(RooflinePredictor(load_device(device, runtime)), precision)
