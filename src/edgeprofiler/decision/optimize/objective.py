"""A function that libraries for neural architecture search can minimise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.prediction.predict import Predictor, predictor_for
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.reading.read import DEFAULT_PRECISION, read


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

    predictor: Predictor
    precision: str = DEFAULT_PRECISION

    def __call__(self, candidates: Sequence[str | Path | Graph | Network]) -> ObjectiveValues:
        """Return arrays of shape (candidates,).

        Args:
            candidates: graphs (of `from_torch`, a builder, ...), networks, or names of models.

        Raises:
            InvalidInput: a candidate is no model; its place in `candidates` is named.
            Unsupported: a candidate cannot be built; its place is named.
        """
        if not candidates:
            empty = np.empty(0)
            return ObjectiveValues(empty, empty, empty)
        networks = [self._network(place, model) for place, model in enumerate(candidates)]
        if isinstance(self.predictor, RooflinePredictor):  # no profile is made for a candidate
            known = self.predictor.predict_many(networks).totals
            return ObjectiveValues(known.energy_j, known.end_to_end_s, known.power_w)
        totals = [profile.totals for profile in self.predictor.predict_many(networks)]
        return ObjectiveValues(
            np.array([t.energy_j.value for t in totals]),
            np.array([t.end_to_end_s.value for t in totals]),
            np.array([t.power_w.value for t in totals]),
        )

    def _network(self, place: int, model: object) -> Network:
        where, board = f"candidate {place}", self.predictor.device
        if isinstance(model, Network):
            return model
        if not isinstance(model, (str, Path, Graph)):
            raise InvalidInput(
                where, f"is {type(model).__name__}, no model", "give graphs, networks or names"
            )
        try:
            return read(model, precision=self.precision, runtime=board.runtime, device=board)
        except InvalidInput as error:
            raise InvalidInput(where, str(error)) from error
        except Unsupported as error:
            raise Unsupported(f"{where}: {error}") from error


def objective(
    device: str | Path | Device | None = None,
    *,
    runtime: str | None = None,
    precision: str = DEFAULT_PRECISION,
    predictor: str | Path | Predictor | None = None,
) -> Objective:
    """Return a function from candidate networks to their energy, runtime and power.

    Args:
        device: `NAME`, `NAME@MODE`, a TOML file or a `Device`; where `None`, the one that the
            predictor was trained for, or jetson-orin-nano.
        runtime: host runtime; trtexec where `None`.
        precision: what candidates that are no engines are built for.
        predictor: a trained predictor's folder or address; the analytic model where `None`.

    >>> cost = objective("jetson-orin-nano")
    >>> cost(["zoo:resnet18", "zoo:mobilenet_v2"]).energy_j  # joules, shape (2,)
    """
    return Objective(predictor_for(device, runtime=runtime, predictor=predictor), precision)
