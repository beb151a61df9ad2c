"""What advice is about: a network and how it runs, what that costs, and what changes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgeprofiler.core.device import Device
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.prediction.predictors.protocol import Predictor
from edgeprofiler.reading.lowering import BuildTarget, lower
from edgeprofiler.reading.read import builder

RISK = {
    "mode": "none", "batch": "none", "precision": "low", "prune": "medium", "resolution": "medium",
    "kernel": "high", "stride": "high", "factorise": "high",
}  # fmt: skip
"""How much accuracy a kind of change usually costs; none of it is predicted here."""


@dataclass(frozen=True)
class Target:
    """What is to be reached; `None` does not matter."""

    energy_j: float | None = None
    """Of one image, idle included."""
    latency_s: float | None = None
    """End to end, of one inference."""


@dataclass(frozen=True)
class State:
    """A network and how it runs."""

    graph: Graph
    precision: str
    predictor: Predictor
    """What answers for the device that it runs on."""
    rate_hz: float | None = None
    """Images a second that arrive, where a rate is asked for."""

    @property
    def device(self) -> Device:
        """The board, its mode and host."""
        return self.predictor.device

    def cost(self) -> Cost:
        """Return what it costs, predicted afresh."""
        device = self.device
        network = lower(
            self.graph,
            self.precision,
            builder=builder(device.runtime),
            target=BuildTarget.of(device),
        )
        return Cost(replace(self.predictor.predict(network), rate_hz=self.rate_hz))


@dataclass(frozen=True)
class Cost:
    """What a state costs."""

    profile: Profile

    @property
    def energy_j(self) -> float:
        """Energy of one image, idle included."""
        return self.profile.totals.energy_j.value / self.profile.network.batch

    @property
    def latency_s(self) -> float:
        """End-to-end time of one inference."""
        return self.profile.totals.end_to_end_s.value

    @property
    def power_w(self) -> float:
        """Board power; at the rate that is asked for, if one is."""
        there = self.profile.at_rate
        return (self.profile.totals.power_w if there is None else there.power_w).value


@dataclass(frozen=True)
class Change:
    """One change, and what it saves at the point where it is made."""

    kind: str
    target: str
    text: str
    state: State
    cost: Cost
    saved_j: Estimate
    """Energy of one image before, minus after."""
    saved_s: float
    """End-to-end time of one inference before, minus after."""
    channels: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def risk(self) -> str:
        """How much accuracy such a change usually costs."""
        return RISK[self.kind]


@dataclass(frozen=True)
class Refusal:
    """A change that was thought of, and that the network does not allow."""

    kind: str
    target: str
    text: str
    reason: str


@dataclass(frozen=True)
class Singles:
    """Every change alone."""

    changes: tuple[Change, ...]
    """Those that save something, the most energy first."""
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class Plan:
    """Changes in the order in which they are made, each on top of those before."""

    before: Cost
    steps: tuple[Change, ...]
    reached: bool
    budget: Target
    refused: tuple[Refusal, ...] = ()
    """Changes that could not be made at one step or another."""

    @property
    def after(self) -> Cost:
        """What the network costs when all is done."""
        return self.steps[-1].cost if self.steps else self.before

    @property
    def graph(self) -> Graph | None:
        """The changed network; `None` where nothing is to be done."""
        return self.steps[-1].state.graph if self.steps else None

    @property
    def kept_channels(self) -> dict[str, tuple[int, int]]:
        """Channels that remain and that there were at first, by producing node."""
        kept: dict[str, tuple[int, int]] = {}
        for step in self.steps:
            for name, (size, before) in step.channels.items():
                kept[name] = (size, kept.get(name, (size, before))[1])
        return kept


@dataclass(frozen=True)
class Options:
    """Which kinds of change are allowed."""

    kinds: tuple[str, ...] = tuple(RISK)
    align: int = 8
    """Channels are pruned to multiples of this; 8 for fp16 tensor cores, 16 or 32 for int8."""
    batches: tuple[int, ...] = (2, 4, 8, 16)
    least: float = 0.25
    """Share of its channels that every layer keeps, however many steps prune it."""
    least_resolution: float = 0.5
    """Share of its height and width that the input keeps."""
    layers: tuple[str, ...] = ()
    """Layers that pruning is limited to; empty: all."""
