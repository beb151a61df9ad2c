"""`edgeprofiler advise`: what to change to meet a budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking

_ROWS = 15
"""Single changes that are shown unless another number is asked for."""


@asking()
def advise(
    model: common.ModelArgument,
    asked: dict[str, Any],
    budget_j: Annotated[
        float | None,
        common.option("MJ", "Energy of one image, idle included, in mJ.", "--budget-mj"),
    ] = None,
    budget_percent: Annotated[
        float | None, common.option("PERCENT", "The same, in percent of what it is now.")
    ] = None,
    max_latency_s: Annotated[
        float | None,
        common.option("MS", "End-to-end time of one inference, in ms.", "--max-latency-ms"),
    ] = None,
    max_power_w: Annotated[
        float | None,
        common.option("W", "Power of the board; at the rate, with --rate.", "--max-power-w"),
    ] = None,
    min_fps: Annotated[
        float | None, common.option("N", "Images a second, back to back.", "--min-fps")
    ] = None,
    only: Annotated[
        list[str] | None, common.option("KIND", "Allow this kind of change alone; repeat it.")
    ] = None,
    without: Annotated[
        list[str] | None, common.option("KIND", "Do not allow this kind; repeat it.")
    ] = None,
    layers: Annotated[
        list[str] | None, common.option("NAME", "Prune this layer alone; repeat it.", "--layer")
    ] = None,
    align: Annotated[
        int | None,
        common.option("N", "Cut channels to multiples of this. Default: 8."),
    ] = None,
    rows: Annotated[
        int | None,
        common.option("N", f"Single changes to show, without a budget. Default: {_ROWS}.", min=1),
    ] = None,
    mask: Annotated[Path | None, common.option("FILE", "Write the channels that remain.")] = None,
    json: common.JsonOption = None,
) -> None:
    """Rank changes by the energy they save, and combine them to meet a budget.

    Kinds: prune, kernel, stride, factorise, resolution, precision, batch, mode.

    Accuracy is not predicted: train and measure it again after any change.
    """
    import edgeprofiler
    from edgeprofiler.core.errors import Unsupported, UsageError
    from edgeprofiler.decision.advise.tables import advised_tables

    screen = common.results_console(mask, json)
    found = edgeprofiler.advise(
        model,
        budget_j=None if budget_j is None else budget_j * 1e-3,
        budget_percent=budget_percent,
        max_latency_s=None if max_latency_s is None else max_latency_s * 1e-3,
        max_power_w=max_power_w,
        min_fps=min_fps,
        only=only or (),
        without=without or (),
        layers=layers or (),
        align=align,
        **asked,
    )
    plan = found.plan
    if plan is not None and rows is not None:
        raise UsageError("`rows` are of single changes; with a budget all steps are shown")
    common.write_json(mask, found.mask)
    if mask is not None and plan is not None and not plan.kept_channels:
        common.note("nothing is pruned in this plan, so the mask is empty: try --only prune")
    common.write_json(json, found.document)
    screen.show(*advised_tables(found, rows or _ROWS))
    if plan is not None and not plan.reached:
        raise Unsupported(
            f"the budget cannot be reached with the changes allowed: "
            f"{plan.after.energy_j * 1e3:.4g} mJ an image and "
            f"{plan.after.latency_s * 1e3:.4g} ms at {plan.after.power_w:.4g} W are the least that "
            "was found"
        )
