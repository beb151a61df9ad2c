"""The search for changes: each alone, or together until a budget is met."""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import replace

from edgeprofiler.core.errors import EdgeProfilerError, UsageError
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.decision.advise.candidates import Candidate, Key, candidates, floors_of
from edgeprofiler.decision.advise.change import (
    Change,
    Cost,
    Options,
    Plan,
    Refusal,
    Singles,
    State,
    Target,
)

_WEIGHT = {"none": 1.0, "low": 1.5, "medium": 3.0, "high": 6.0}
_MAX_STEPS = 200
_WORTH = 1e-3
"""Smallest saving, as a share of what is left, that is still worth a change."""


def single_changes(
    state: State, options: Options | None = None, budget: Target | None = None
) -> Singles:
    """Return every single change that saves something, and those that cannot be made.

    Args:
        state: a network and how it runs.
        options: which kinds of change are allowed.
        budget: what is to be reached; changes that do so by themselves come first.
    """
    target = budget or Target()
    chosen = options or Options()
    before = state.cost()
    floors = floors_of(state.graph, chosen)
    refused: list[Refusal] = []
    made = [_change(c, before, refused) for c in candidates(state, chosen, floors, refused)]
    useful = [c for c in made if c is not None and _saves(c, before, target)]
    slow = [c for c in useful if target.too_slow(c.cost)]
    fast = [
        replace(c, reaches=target.asks and target.met(c.cost))
        for c in useful
        if not target.too_slow(c.cost)
    ]
    ranked = sorted(fast, key=lambda c: (not c.reaches, -c.saved_j.value))
    return Singles(tuple(ranked), tuple(refused), tuple(slow))


def _saves(change: Change, before: Cost, target: Target) -> bool:
    less_power = target.power_w is not None and change.cost.power_w < before.power_w
    return change.saved_j.value > 0 or change.saved_s > 0 or less_power


def plan_for(state: State, budget: Target, options: Options | None = None) -> Plan:
    """Return changes that together meet the budget, found greedily.

    Each step is the change with the best saving for what it asks of accuracy, re-predicted on
    the network as it then is. Savings are evaluated lazily: what a change saved earlier orders
    the queue, and only the front is predicted again (savings shrink as others are made).

    Raises:
        UsageError: there is no budget, or it is no number above zero.
    """
    for value in (budget.energy_j, budget.latency_s, budget.power_w, budget.images_hz):
        if value is not None and not 0 < value < math.inf:
            raise UsageError(f"a budget of {value:g}; give a number above zero")
    if not budget.asks:
        raise UsageError(
            "give a budget: `budget_j`, `budget_percent`, `max_latency_s`, `max_power_w` or "
            "`min_fps`"
        )
    chosen = options or Options()
    cost = before = state.cost()
    steps: list[Change] = []
    floors = floors_of(state.graph, chosen)
    queue, refused = _Queue(), list[Refusal]()
    while not budget.met(cost) and len(steps) < _MAX_STEPS:
        now = {c.key: c for c in candidates(state, chosen, floors, refused)}
        change = queue.best(now, cost, budget, refused)
        if change is None:
            break
        steps.append(change)
        state, cost = change.state, change.cost
    return Plan(before, tuple(steps), budget.met(cost), budget, tuple(dict.fromkeys(refused)))


class _Queue:
    """Candidates by their last known worth; only those at the front are predicted again."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._count = itertools.count()

    def best(
        self, now: dict[Key, Candidate], cost: Cost, budget: Target, refused: list[Refusal]
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
            change = _change(now[key], cost, refused)
            worth = 0.0 if change is None else _worth(change, cost, budget)
            if change is not None and worth > 0:
                fresh[key] = change
                self._push(key, worth)
        return None

    def _push(self, key: Key, worth: float) -> None:
        heapq.heappush(self._heap, (-worth, next(self._count), key))


def _worth(change: Change, cost: Cost, budget: Target) -> float:
    """Progress towards what is still missing, for what it asks of accuracy."""
    if budget.energy_j is not None and not change.saved_j.low > 0 and change.kind == "mode":
        return 0.0  # other clocks were not measured: only where the whole interval saves
    if budget.too_slow(change.cost) and change.cost.latency_s > cost.latency_s:
        return 0.0
    progress = 0.0
    for now, after, target in zip(cost.measures, change.cost.measures, budget.goals, strict=True):
        if target is None:
            continue
        if after > target and after > now:
            return 0.0  # never away from a limit that is not met
        if now > target:
            progress += (now - max(after, target)) / now
    if progress < _WORTH:
        return 0.0
    return progress / _WEIGHT[change.risk]


def _change(candidate: Candidate, before: Cost, refused: list[Refusal]) -> Change | None:
    """Make a change and predict it; `None`, and why in `refused`, where it cannot be made."""
    kind, target, text = candidate.key
    try:
        state, edit = candidate.make()
    except EdgeProfilerError as error:  # an export that wrote its batch down in places of its own
        refused.append(Refusal(kind, target, text, str(error)))
        return None
    after = state.cost()
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
