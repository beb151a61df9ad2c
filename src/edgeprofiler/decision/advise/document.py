"""Advice as documents: for programs, and for a pruning library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeprofiler.core.plain import attributes
from edgeprofiler.core.profile.doubt import doubt_document
from edgeprofiler.decision.advise.change import Change, Cost, Plan, Refusal

ACCURACY = "accuracy is not predicted: train and measure it again"


def plan_document(
    model: str,
    before: Cost,
    singles: Sequence[Change],
    plan: Plan | None,
    refused: Sequence[Refusal] = (),
    too_slow: Sequence[Change] = (),
) -> dict[str, Any]:
    """Return single changes and the plan as a JSON document `edgeprofiler.advice/1`."""
    document: dict[str, Any] = {
        "schema": "edgeprofiler.advice/1",
        "model": model,
        "device": attributes(before.profile.device, "name mode runtime"),
        "before": _cost(before),
        "note": ACCURACY,
        "single_changes": [_change(change) for change in singles],
        "too_slow": [_change(change) for change in too_slow],
        "not_possible": [attributes(each, "kind target text reason") for each in refused],
    }
    if plan is not None:
        document["plan"] = {
            "reached": plan.reached,
            "budget_energy_per_image_j": plan.budget.energy_j,
            "budget_end_to_end_s": plan.budget.latency_s,
            "budget_power_w": plan.budget.power_w,
            "budget_images_hz": plan.budget.images_hz,
            "longest_end_to_end_s": plan.budget.longest_s,
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
    totals = cost.profile.totals
    return {
        **totals.energy_j.scaled(1 / network.batch).document("energy_per_image_j"),
        **totals.end_to_end_s.document("end_to_end_s"),
        **totals.power_w.document("power_w"),
        **totals.end_to_end_s.inverse(network.batch).document("images_hz"),
        **({"at_rate": there.document()} if (there := cost.profile.at_rate) else {}),
        **attributes(network, "batch precision"),
        "mode": cost.profile.device.mode,
        **doubt_document(cost.profile),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        **attributes(change, "kind target text"),
        "accuracy_risk": change.risk,
        **change.saved_j.document("saved_energy_per_image_j"),
        "saved_end_to_end_s": change.saved_s,
        "reaches": change.reaches,
        "channels": {
            name: {"keep": kept, "of": total} for name, (kept, total) in change.channels.items()
        },
    }
