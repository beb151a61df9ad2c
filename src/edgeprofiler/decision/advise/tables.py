"""Advice in words and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgeprofiler.core.profile.doubt import doubt_words
from edgeprofiler.core.quantity import Estimate, Quantity
from edgeprofiler.core.table import Column, Table, Words, tabulate
from edgeprofiler.decision.advise.advise import Advice

SINGLES = "Single changes, the most energy saved first"
ENOUGH = "Each enough by itself, the most energy saved first"
STEPS = "Made one after another, each predicted on top of those before"
RISK_NOTE = (
    "Accuracy is not predicted: train and measure it again. The last column says how much of it "
    "such a change usually costs."
)


def advised_tables(found: Advice, most: int) -> tuple[Table, ...]:
    """Return the changes of a plan and what they come to, after those that suffice alone.

    Args:
        most: single changes to show.
    """
    document, profile = found.document(), found.before.profile
    notes = [Words(advice_sentence(document)), slow_words(document), refused_words(document)]
    singles = document["single_changes"]
    tables = []
    if found.plan is None:
        table = advice_table(SINGLES, singles[:most])
        notes.append(Words("With a budget they are combined.", "quiet"))
    else:
        table = advice_table(STEPS, document["plan"]["steps"])
        notes.append(budget_words(document))
        enough = [change for change in singles if change["reaches"]]
        if len(table.rows) > 1 and enough:
            tables.append(advice_table(ENOUGH, enough[:most]))
    last = profile if found.plan is None else found.plan.after.profile
    notes += doubt_words(profile, last)
    notes.append(Words(f"{RISK_NOTE} Intervals: {profile.confidence:.0%}.", "quiet"))
    device = f"{profile.device.name}@{profile.device.mode}"
    title = f"{found.model} on {device}: {table.title}"
    return *tables, replace(table, title=title, notes=tuple(notes))


def advice_table(title: str, changes: Sequence[Mapping[str, Any]]) -> Table:
    """Return changes of a document of advice (`edgeprofiler.advice/1`), in their order."""
    return tabulate(title, changes, (
        (Column("change"), lambda change: change["text"]),
        (Column("kind", rank=1), lambda change: change["kind"]),
        (Column("saved an image", "mJ", "estimate"), _saved),
        (Column("interval", "mJ", "interval"), _saved),
        (Column("saved", "ms", "number"), lambda change: change["saved_end_to_end_s"]),
        (Column("accuracy"), lambda change: change["accuracy_risk"]),
    ), group=lambda change: change["kind"])  # fmt: skip


def _saved(change: Mapping[str, Any]) -> Estimate:
    ends = (change[f"saved_energy_per_image_j{end}"] for end in ("", "_low", "_high"))
    return Estimate(*(math.nan if end is None else end for end in ends))


def advice_sentence(document: Mapping[str, Any]) -> str:
    """Return what a network costs as it is, and after the changes of a plan."""
    before, plan = document["before"], document.get("plan")
    text = f"Now {_cost(before)}."
    if plan is None or not plan["steps"]:
        return text
    count, after = len(plan["steps"]), plan["after"]
    percent = 100 * after["energy_per_image_j"] / before["energy_per_image_j"]
    changes = f"{count} change{'s' * (count > 1)}"
    return f"{text} After {changes} {percent:.0f} % of that energy: {_cost(after)}."


def refused_words(document: Mapping[str, Any]) -> Words:
    """Return how many changes a network does not allow, and the first with its reason."""
    refused = document["not_possible"]
    if not refused:
        return Words("")
    first = refused[0]
    several = f"{len(refused)} changes are not possible in this network, the first of them"
    said = several if len(refused) > 1 else "One change is not possible in this network"
    return Words(f"{said}: {first['text']} ({first['target']}): {first['reason']}", "doubt")


def slow_words(document: Mapping[str, Any]) -> Words:
    """Return how many changes would take too long, and the first of them."""
    slow, plan = document["too_slow"], document.get("plan")
    if not slow or plan is None:
        return Words("")
    longest = Quantity(Estimate(plan["longest_end_to_end_s"]), "s").words
    several = f"{len(slow)} changes" if len(slow) > 1 else "One change"
    return Words(
        f"{several} would take longer than {longest} and are left out, as {slow[0]['text']}: allow "
        "more with a limit of the latency.", "doubt",
    )  # fmt: skip


def budget_words(document: Mapping[str, Any]) -> Words:
    """Return whether the budget is met; empty where none was asked for."""
    plan = document.get("plan")
    if plan is None:
        return Words("")
    if not plan["reached"]:
        return Words("The budget cannot be met with the changes allowed.", "bad")
    met = "The budget is met" if plan["steps"] else "The budget is met as it is"
    return Words(
        f"{met}, by the values: intervals may reach beyond it (check it with `sure`).", "good"
    )


def _cost(cost: Mapping[str, Any]) -> str:
    energy = Quantity(Estimate(cost["energy_per_image_j"]), "J", digits=4).words
    time = Quantity(Estimate(cost["end_to_end_s"]), "s", digits=4).words
    there = cost.get("at_rate")
    watts = cost["power_w"] if there is None else there["power_w"]
    power = Quantity(Estimate(watts), "W", digits=4).words
    pace = "" if there is None else f" at {there['rate_hz']:g} images/s"
    return f"{energy} an image (idle included), {time} end to end, {power}{pace}"
