"""Advice as documents: for programs, and for a pruning library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeprofiler.core.profile.doubt import doubt_document
from edgeprofiler.decision.advise.change import Change, Cost, Plan, Refusal

ACCURACY = "accuracy is not predicted: train and measure it again"


def plan_document(
    model: str,
    before: Cost,
    singles: Sequence[Change],
    plan: Plan | None,
    refused: Sequence[Refusal] = (),
) -> dict[str, Any]:
    """Return single changes and the plan as a JSON document `edgeprofiler.advice/1`."""
    device = before.profile.device
    document: dict[str, Any] = {
        "schema": "edgeprofiler.advice/1",
        "model": model,
        "device": {"name": device.name, "mode": device.mode, "runtime": device.runtime},
        "before": _cost(before),
        "note": ACCURACY,
        "single_changes": [_change(change) for change in singles],
        "not_possible": [
            {"kind": r.kind, "target": r.target, "text": r.text, "reason": r.reason}
            for r in refused
        ],
    }
    if plan is not None:
        document["plan"] = {
            "reached": plan.reached,
            "budget_energy_per_image_j": plan.budget.energy_j,
            "budget_end_to_end_s": plan.budget.latency_s,
            "steps": [_change(change) for change in plan.steps],
            "after": _cost(plan.after),
        }
    return document


def mask_document(plan: Plan, model: str) -> dict[str, Any]:
    """Return the channels that remain as a JSON document `edgeprofiler.mask/1`.

    How many channels remain is advice; which ones is not, since it depends on trained weights:
    each mask keeps the first, and a pruning library should choose as many by their importance.
    """
    return {
        "schema": "edgeprofiler.mask/1",
        "model": model,
        "note": (
            "true: the channel remains. Only the number of them is advice: choose which by their "
            f"importance, the same for all layers of a step; {ACCURACY}"
        ),
        "coupled": [sorted(step.channels) for step in plan.steps if step.channels],
        "masks": {
            name: [True] * kept + [False] * (total - kept)
            for name, (kept, total) in sorted(plan.kept_channels.items())
        },
    }


def _cost(cost: Cost) -> dict[str, Any]:
    network = cost.profile.network
    return {
        "energy_per_image_j": cost.energy_j,
        "end_to_end_s": cost.latency_s,
        "power_w": cost.profile.totals.power_w.value,
        **({"at_rate": there.document()} if (there := cost.profile.at_rate) else {}),
        "batch": network.batch,
        "precision": network.precision,
        "mode": cost.profile.device.mode,
        **doubt_document(cost.profile),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "target": change.target,
        "text": change.text,
        "accuracy_risk": change.risk,
        **change.saved_j.document("saved_energy_per_image_j"),
        "saved_end_to_end_s": change.saved_s,
        "channels": {
            name: {"keep": kept, "of": total} for name, (kept, total) in change.channels.items()
        },
    }
