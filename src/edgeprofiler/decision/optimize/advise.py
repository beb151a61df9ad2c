"""What to change of a network, and of how it runs, to save energy or time.

Accuracy is not predicted. Changes carry a rank of how much they usually ask of it, and the plan
prefers, for the same saving, those that ask less.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import EdgeProfilerError, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.graph.change import with_batch
from edgeprofiler.core.profile import Estimate, Profile
from edgeprofiler.decision.optimize import edits
from edgeprofiler.prediction.predict import Predictor
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.reading.lowering import BuildTarget, lower
from edgeprofiler.reading.read import builder

RISK = {
    "mode": "none", "batch": "none", "precision": "low", "prune": "medium", "resolution": "medium",
    "kernel": "high", "stride": "high", "factorise": "high",
}  # fmt: skip
"""How much accuracy a kind of change usually costs; none of it is predicted here."""

_WEIGHT = {"none": 1.0, "low": 1.5, "medium": 3.0, "high": 6.0}
_KEEP = (0.875, 0.75, 0.5)
_MAX_STEPS = 200
_WORTH = 1e-3
"""Smallest saving, as a share of what is left, that is still worth a change."""


@dataclass(frozen=True)
class Budget:
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
    device: Device
    predictor: Predictor | None = None
    """What answers for `device`, in its own mode; the analytic model where `None`."""


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
class Plan:
    """Changes in the order in which they are made, each on top of those before."""

    before: Cost
    steps: tuple[Change, ...]
    reached: bool
    budget: Budget

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


def predict_state(state: State, confidence: float) -> Cost:
    """Return what a state costs, predicted afresh.

    `confidence` is that of the analytic model's intervals; another predictor has its own.
    """
    network = lower(
        state.graph,
        state.precision,
        builder=builder(state.device.runtime),
        target=BuildTarget.of(state.device),
    )
    predictor = state.predictor or RooflinePredictor(state.device, confidence)
    return Cost(predictor.predict(network))


def single_changes(
    state: State, options: Options | None = None, confidence: float = 0.9
) -> list[Change]:
    """Return every single change that saves energy or time, the most energy first."""
    chosen = options or Options()
    before = predict_state(state, confidence)
    floors = _floors(state.graph, chosen)
    made = [
        _change(candidate, before, confidence) for candidate in _candidates(state, chosen, floors)
    ]
    useful = [c for c in made if c is not None and (c.saved_j.value > 0 or c.saved_s > 0)]
    return sorted(useful, key=lambda c: -c.saved_j.value)


def advise(
    state: State, budget: Budget, options: Options | None = None, confidence: float = 0.9
) -> Plan:
    """Return changes that together meet the budget, found greedily.

    Each step is the change with the best saving for what it asks of accuracy, re-predicted on
    the network as it then is. Savings are evaluated lazily: what a change saved earlier orders
    the queue, and only the front is predicted again (savings shrink as others are made).

    Raises:
        UsageError: there is no budget, or it is not above zero.
    """
    for value in (budget.energy_j, budget.latency_s):
        if value is not None and not value > 0:
            raise UsageError("a budget must be above zero")
    if budget.energy_j is None and budget.latency_s is None:
        raise UsageError("give a budget: --budget-mj, --budget-percent or --max-latency-ms")
    chosen = options or Options()
    cost = before = predict_state(state, confidence)
    steps: list[Change] = []
    floors = _floors(state.graph, chosen)
    queue = _Queue()
    while not _met(cost, budget) and len(steps) < _MAX_STEPS:
        now = {candidate.key: candidate for candidate in _candidates(state, chosen, floors)}
        change = queue.best(now, cost, budget, confidence)
        if change is None:
            break
        steps.append(change)
        state, cost = change.state, change.cost
    return Plan(before, tuple(steps), _met(cost, budget), budget)


def _met(cost: Cost, budget: Budget) -> bool:
    return (budget.energy_j is None or cost.energy_j <= budget.energy_j) and (
        budget.latency_s is None or cost.latency_s <= budget.latency_s
    )


Key = tuple[str, str, str]
"""Kind, target, and size of the step: what finds a candidate again in a changed network."""


@dataclass(frozen=True)
class _Candidate:
    """A change that can be made to whatever the network has become."""

    key: Key
    make: Callable[[], tuple[State, edits.Edit | None]]


class _Queue:
    """Candidates by their last known worth; only those at the front are predicted again."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._count = itertools.count()

    def best(
        self, now: dict[Key, _Candidate], cost: Cost, budget: Budget, confidence: float
    ) -> Change | None:
        """Return the change with the most worth now, or `None` if none is worth it."""
        waiting = {key for _, _, key in self._heap}
        for key in now:
            if key not in waiting:  # new, or worth nothing last time: predicted once more
                self._push(key, math.inf)
        fresh: dict[Key, Change] = {}
        while self._heap:
            _, _, key = heapq.heappop(self._heap)
            if key in fresh:
                return fresh[key]
            if key not in now:
                continue
            change = _change(now[key], cost, confidence)
            worth = 0.0 if change is None else _worth(change, cost, budget)
            if change is not None and worth > 0:
                fresh[key] = change
                self._push(key, worth)
        return None

    def _push(self, key: Key, worth: float) -> None:
        heapq.heappush(self._heap, (-worth, next(self._count), key))


def _worth(change: Change, cost: Cost, budget: Budget) -> float:
    """Progress towards what is still missing, for what it asks of accuracy."""
    if budget.energy_j is not None and not change.saved_j.low > 0 and change.kind == "mode":
        return 0.0  # other clocks were not measured: only where the whole interval saves
    progress = 0.0
    for now, after, target in (
        (cost.energy_j, change.cost.energy_j, budget.energy_j),
        (cost.latency_s, change.cost.latency_s, budget.latency_s),
    ):
        if target is None:
            continue
        if after > target and after > now:
            return 0.0  # never away from a limit that is not met
        if now > target:
            progress += (now - max(after, target)) / now
    if progress < _WORTH:
        return 0.0
    return progress / _WEIGHT[change.risk]


def _change(candidate: _Candidate, before: Cost, confidence: float) -> Change | None:
    """Make a change and predict it; `None` where the network cannot be changed so."""
    try:
        state, edit = candidate.make()
    except EdgeProfilerError:  # an export that wrote its batch down in places of its own
        return None
    after = predict_state(state, confidence)
    kind, target, text = candidate.key
    return Change(
        kind=kind,
        target=target,
        text=edit.text if edit is not None else text,
        state=state,
        cost=after,
        saved_j=_saving(before, after),
        saved_s=before.latency_s - after.latency_s,
        channels=edit.channels if edit is not None else {},
    )


def _saving(before: Cost, after: Cost) -> Estimate:
    """Energy saved on an image, with its interval.

    On one device in one mode the model is off by about the same factor before and after, which
    scales the saving; where it knows less of the network afterwards (a precision or a batch that
    was never measured), that doubt comes on top. Across modes the intervals of both totals count
    in full.
    """
    value = before.energy_j - after.energy_j
    first, second = before.profile.totals.energy_j, after.profile.totals.energy_j
    if before.profile.device == after.profile.device:
        shared = (first.low / first.value, first.high / first.value)
        doubt = (
            min(second.low / second.value / shared[0], 1.0),
            max(second.high / second.value / shared[1], 1.0),
        )
        ends = [f * (before.energy_j - after.energy_j * own) for f in shared for own in doubt]
        return Estimate(value, min(ends), max(ends))
    images = after.profile.network.batch
    batch = before.profile.network.batch
    return Estimate(
        value, first.low / batch - second.high / images, first.high / batch - second.low / images
    )


def _floors(graph: Graph, options: Options) -> edits.Floors:
    return edits.Floors.of(graph, options.least, options.least_resolution, options.layers)


def _candidates(state: State, options: Options, floors: edits.Floors) -> Iterator[_Candidate]:
    """Every change that could be made to `state`; nothing is predicted yet."""
    graph = state.graph
    found: list[tuple[str, Iterator[edits.Edit]]] = []
    if "prune" in options.kinds:
        found += [
            (f"to {keep:.1%}", edits.prunings(graph, keep, options.align, floors)) for keep in _KEEP
        ]
    if "kernel" in options.kinds:
        found.append(("3x3", edits.smaller_kernels(graph)))
    if "stride" in options.kinds:
        found.append(("2", edits.larger_strides(graph)))
    if "factorise" in options.kinds:
        found.append(("low rank", edits.factorised_dense(graph, align=options.align)))
    if "resolution" in options.kinds:
        found.append(("smaller", edits.smaller_inputs(graph, floors)))
    for step, made in found:
        for edit in made:
            step_name = edit.text if edit.kind == "resolution" else step
            yield _Candidate(
                (edit.kind, edit.target, step_name),
                lambda edit=edit: (replace(state, graph=edit.graph), edit),  # type: ignore[misc]
            )
    yield from _settings(state, options)


def _settings(state: State, options: Options) -> Iterator[_Candidate]:
    """Changes of how the network runs: precision, batch, power mode."""
    if "precision" in options.kinds:
        order = ("fp32", "fp16", "int8")
        for precision in order[order.index(state.precision) + 1 :]:
            yield _Candidate(
                ("precision", "network", f"precision {state.precision} to {precision}"),
                lambda p=precision: (replace(state, precision=p), None),  # type: ignore[misc]
            )
    if "batch" in options.kinds:
        for batch in options.batches:
            if batch > state.graph.batch:
                yield _Candidate(
                    ("batch", "input", f"batch {state.graph.batch} to {batch}"),
                    lambda b=batch: (  # type: ignore[misc]
                        replace(state, graph=with_batch(state.graph, b)),
                        None,
                    ),
                )
    # A predictor that was trained in one mode knows no other.
    if "mode" in options.kinds and state.predictor is None:
        for mode in state.device.modes:
            if mode.name != state.device.mode.name:
                yield _Candidate(
                    ("mode", "device", f"power mode {state.device.mode.name} to {mode.name}"),
                    lambda m=mode.name: (  # type: ignore[misc]
                        replace(state, device=state.device.with_mode(m)),
                        None,
                    ),
                )
