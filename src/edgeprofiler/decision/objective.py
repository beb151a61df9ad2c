"""A function that libraries for neural architecture search can minimise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.core.parallel import ALONE, Workers, mapped
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.rate import power_at
from edgeprofiler.core.profile.words import cautions
from edgeprofiler.prediction.predict import network_of, predictor_for
from edgeprofiler.prediction.predictors.protocol import Predictor
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.prediction.question import Question, asks
from edgeprofiler.prediction.question.values import rate_of
from edgeprofiler.reading.torch import TorchModule, is_module

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question import Asked
    from edgeprofiler.prediction.question.question import DeviceSpec


@dataclass(frozen=True)
class ObjectiveValues:
    """One number a candidate in each array, of one inference in a back-to-back loop."""

    energy_j: FloatArray
    """Board energy, idle included."""
    runtime_s: FloatArray
    """End-to-end time."""
    power_w: FloatArray
    """Board power; at the rate that is asked for, if one is."""
    profiles: Sequence[Profile]
    """What all of it was taken from; each is made when it is looked at."""

    @property
    def warnings(self) -> tuple[tuple[str, ...], ...]:
        """What must be known before trusting the numbers of each candidate."""
        return tuple(cautions(profile) for profile in self.profiles)

    @property
    def covered_bytes(self) -> FloatArray:
        """Share of the bytes moved by the layers of each candidate that have a cost."""
        return np.array([profile.covered_bytes for profile in self.profiles], dtype=np.float64)


@dataclass(frozen=True)
class Objective:
    """Maps candidate networks to energy, runtime and power on one device."""

    predictor: Predictor
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What is asked of every candidate, by field of a `Question`."""
    workers: Workers = ALONE
    """Who builds and lowers candidates, where there are many at once."""

    def __call__(self, candidates: Iterable[Candidate]) -> ObjectiveValues:
        """Return arrays of shape (candidates,), in their order.

        Args:
            candidates: graphs (of `from_torch`, a builder, ...), networks, or names of models.

        Raises:
            InvalidInput: a candidate is no model; its place in `candidates` is named.
            Unsupported: a candidate cannot be built; its place is named.
        """
        outcomes = mapped(
            partial(_networks, self.predictor.device, self.asked), _chunks(candidates),
            self.workers, stage="candidates", named=lambda _chunk: "", ordered=True,
        )  # fmt: skip
        with closing(outcomes):
            networks = [network for outcome in outcomes for network in outcome.get()]
        if not networks:
            empty = np.empty(0)
            return ObjectiveValues(empty, empty, empty, ())
        profiles: Sequence[Profile]
        if isinstance(self.predictor, RooflinePredictor):  # no profile is made for a candidate
            found = profiles = self.predictor.predict_many(networks)
            known = found.totals
            energy, wall, power = known.energy_j, known.end_to_end_s, known.power_w
        else:
            profiles = self.predictor.predict_many(networks)
            totals = [profile.totals for profile in profiles]
            energy = np.array([t.energy_j.value for t in totals])
            wall = np.array([t.end_to_end_s.value for t in totals])
            power = np.array([t.power_w.value for t in totals])
        rate = self.asked.get("rate")
        if rate is not None:
            idle = self.predictor.device.idle_power_w
            batches = np.array([network.batch for network in networks])
            above = np.maximum(power - idle, 0.0)
            power = power_at(rate_of(rate) / batches, above * wall, above, idle)
        return ObjectiveValues(energy, wall, power, profiles)


Candidate = str | Path | Graph | Network | TorchModule
_CHUNK = 256
"""Candidates of a chunk: a second or so to build and lower them."""


def _chunks(candidates: Iterable[Candidate]) -> Iterator[tuple[int, tuple[Candidate, ...]]]:
    rest = iter(candidates)
    for start in count(0, _CHUNK):
        held = tuple(islice(rest, _CHUNK))
        if not held:
            return
        yield start, held


def _networks(
    device: Device, asked: Mapping[str, Any], chunk: tuple[int, tuple[Candidate, ...]]
) -> list[Network]:
    """Return the networks of some candidates, the first of which has a place."""
    start, candidates = chunk
    return [_network(device, asked, place, model) for place, model in enumerate(candidates, start)]


def _network(device: Device, asked: Mapping[str, Any], place: int, model: object) -> Network:
    where = f"candidate {place}"
    if not (is_module(model) or isinstance(model, (str, Path, Graph, Network))):
        raise InvalidInput(
            where, f"is {type(model).__name__}, no model", "give graphs, networks or names"
        )
    try:
        return network_of(Question.of(model, **asked), device)
    except InvalidInput as error:
        raise InvalidInput(where, str(error)) from error
    except Unsupported as error:
        raise Unsupported(f"{where}: {error}") from error


@asks
def objective(
    device: DeviceSpec | None = None, *, workers: Workers = ALONE, **asked: Unpack[Asked]
) -> Objective:
    """Return a function from candidate networks to their energy, runtime and power.

    Args:
        device: as of `predict`; where `None`, the one that the predictor answers for, or
            jetson-orin-nano.
        workers: who builds and lowers the candidates, where there are many at once.
        asked: as of `predict`, of every candidate; no confidence, since there are no intervals.

    >>> import edgeprofiler
    >>> cost = edgeprofiler.objective("jetson-orin-nano")
    >>> cost(["zoo:lenet", "zoo:mobilenet_v2"]).energy_j.shape  # joules
    (2,)
    """
    if asked.get("confidence") is not None:
        raise UsageError("an objective has no intervals: leave `confidence` out")
    return Objective(predictor_for(device, **asked), asked, workers)
