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
    power_w: float | None = None
    """Of the board; at the rate that is asked for, if one is."""
    images_hz: float | None = None
    """Images a second that are wanted at least, back to back."""
    longest_s: float | None = None
    """Time of one inference that no change may exceed, whatever it saves."""

    @property
    def asks(self) -> bool:
        """Whether there is anything to reach."""
        return any(value is not None for value in self.goals)

    @property
    def goals(self) -> tuple[float | None, ...]:
        """The most that is allowed of each of `Cost.measures`."""
        image = None if self.images_hz is None else 1 / self.images_hz
        return self.energy_j, self.latency_s, self.power_w, image

    def met(self, cost: Cost) -> bool:
        """Whether a network costs no more than is allowed."""
        pairs = zip(cost.measures, self.goals, strict=True)
        return all(goal is None or now <= goal for now, goal in pairs)

    def too_slow(self, cost: Cost) -> bool:
        """Whether one inference takes longer than it may."""
        return self.longest_s is not None and cost.latency_s > self.longest_s * (1 + 1e-9)


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

    @property
    def measures(self) -> tuple[float, ...]:
        """What limits are of: energy of an image, latency, power, and time of an image."""
        image_s = self.latency_s / self.profile.network.batch
        return self.energy_j, self.latency_s, self.power_w, image_s


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
    reaches: bool = False
    """Whether it meets the whole target by itself."""

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
    """Those that save something: those that alone reach the target first, then by energy."""
    refused: tuple[Refusal, ...]
    too_slow: tuple[Change, ...] = ()
    """Those that take longer than they may, whatever they save."""


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
