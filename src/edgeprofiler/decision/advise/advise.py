"""What to change of a network, and of how it runs, to save energy or time.

Accuracy is not predicted. Changes carry a rank of how much they usually ask of it, and the plan
prefers, for the same saving, those that ask less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeprofiler.core.errors import UsageError
from edgeprofiler.decision.advise.change import (
    RISK,
    Change,
    Cost,
    Options,
    Plan,
    Refusal,
    State,
    Target,
)
from edgeprofiler.decision.advise.document import mask_document, plan_document
from edgeprofiler.decision.advise.search import plan_for, single_changes
from edgeprofiler.prediction.predict import graph_of, predictor_of
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.prediction.question import Question, asks
from edgeprofiler.prediction.question.values import rate_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question import Asked
    from edgeprofiler.prediction.question.question import DeviceSpec
    from edgeprofiler.reading.read import Model

_CUTS = ("prune", "factorise")
"""Kinds of change whose channels are multiples of something."""
_MAX_ALIGN = 256


@dataclass(frozen=True)
class Advice:
    """What could be changed, and what to change."""

    model: str
    before: Cost
    singles: tuple[Change, ...]
    """Every change alone, the most energy saved first."""
    plan: Plan | None
    """Changes that together meet the budget; `None` where there is none."""
    refused: tuple[Refusal, ...] = ()
    """Changes that were thought of, and that the network does not allow."""
    too_slow: tuple[Change, ...] = ()
    """Changes that would make one inference take longer than it may."""

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document `edgeprofiler.advice/1`."""
        return plan_document(
            self.model, self.before, self.singles, self.plan, self.refused, self.too_slow
        )

    def mask(self) -> dict[str, Any]:
        """Return the channels that remain as a JSON document `edgeprofiler.mask/1`.

        Raises:
            UsageError: there is no plan, for want of a budget.
        """
        if self.plan is None:
            raise UsageError(
                "`mask` needs a budget: `budget_j`, `budget_percent`, `max_latency_s`, "
                "`max_power_w` or `min_fps`"
            )
        return mask_document(self.plan, self.model)


@asks
def advise(
    model: Model | Question,
    device: DeviceSpec | None = None,
    *,
    budget_j: float | None = None,
    budget_percent: float | None = None,
    max_latency_s: float | None = None,
    max_power_w: float | None = None,
    min_fps: float | None = None,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    layers: Sequence[str] = (),
    align: int | None = None,
    **asked: Unpack[Asked],
) -> Advice:
    """Return changes that save energy or time, and those that together meet a budget.

    Args:
        model: as of `predict`; a built engine cannot be changed.
        device: as of `predict`.
        budget_j: energy of one image, idle included.
        budget_percent: the same, in percent of what it is now.
        max_latency_s: end-to-end time of one inference. No change may break it; with another
            limit alone, none may take longer than the network does now.
        max_power_w: board power; at the `rate` that is asked for, if one is.
        min_fps: images a second, back to back; no less than the `rate`, if one is asked for.
        only: kinds of change that are allowed, of `RISK`; all where empty.
        without: kinds that are not.
        layers: layers that pruning is limited to; all where empty.
        align: channels are cut to multiples of this; 8 where `None`.
        asked: as of `predict`.

    Raises:
        UsageError: a kind of change or a layer that is none, two budgets of energy, or something
            that means nothing here.
        Unsupported: the model is a built engine.

    >>> import edgeprofiler
    >>> advice = edgeprofiler.advise("zoo:vgg16", budget_percent=80, only=["precision", "batch"])
    >>> advice.plan.reached, [step.kind for step in advice.plan.steps]
    (True, ['precision'])
    """
    question = Question.of(model, device, **asked)
    kinds = _kinds(only, without)
    if budget_j is not None and budget_percent is not None:
        raise UsageError("give `budget_j` or `budget_percent`, not both")
    if layers and "prune" not in kinds:
        raise UsageError("`layers` are pruned, and the kind prune is not allowed")
    if align is not None and not 1 <= align <= _MAX_ALIGN:
        raise UsageError(f"`align` is {align}; it must lie between 1 and {_MAX_ALIGN}")
    if align is not None and not set(kinds) & set(_CUTS):
        raise UsageError(f"`align` is of channels, and none of {', '.join(_CUTS)} is allowed")
    answers = predictor_of(question)
    if "mode" in only and not isinstance(answers, RooflinePredictor):
        raise UsageError(
            "a trained predictor knows one power mode: leave out the kind mode, or `predictor`"
        )
    rate = None if question.rate is None else rate_of(question.rate)
    state = State(graph_of(question), question.precision or answers.device.precision, answers, rate)
    options = Options(kinds=kinds, align=align or Options.align, layers=tuple(layers))
    before = state.cost()
    if budget_percent is not None:
        budget_j = before.energy_j * budget_percent / 100
    if rate is not None and (max_power_w is not None or min_fps is not None):
        min_fps = max(rate, min_fps or 0.0)
    budget = Target(budget_j, max_latency_s, max_power_w, min_fps)
    if budget.asks:
        budget = replace(budget, longest_s=max_latency_s or before.latency_s)
    named = isinstance(question.model, (str, Path))
    singles = single_changes(state, options, budget)
    plan = plan_for(state, budget, options) if budget.asks else None
    refused = (*singles.refused, *(plan.refused if plan is not None else ()))
    return Advice(
        model=str(question.model) if named else state.graph.name,
        before=before,
        singles=singles.changes,
        plan=plan,
        refused=tuple({(r.kind, r.target, r.text): r for r in refused}.values()),
        too_slow=singles.too_slow,
    )


def _kinds(only: Sequence[str], without: Sequence[str]) -> tuple[str, ...]:
    for kind in (*only, *without):
        if kind not in RISK:
            raise UsageError(f"no kind of change {kind[:40]!r}; choose of {', '.join(RISK)}")
    kinds = tuple(kind for kind in only or RISK if kind not in without)
    if not kinds:
        raise UsageError("`only` and `without` leave no kind of change")
    return kinds
