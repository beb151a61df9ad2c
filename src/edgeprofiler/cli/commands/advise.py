"""`edgeprofiler advise`: what to change to meet a budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.decision.optimize.advise import Change, Cost, Plan


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def advise(
        model: common.ModelArgument,
        device: common.DeviceOption = None,
        runtime: common.RuntimeOption = None,
        precision: common.PrecisionOption = None,
        batch: common.BatchOption = None,
        shape: common.ShapeOption = None,
        confidence: common.ConfidenceOption = 0.9,
        predictor: common.PredictorOption = None,
        front_end: common.FrontEndOption = None,
        budget_mj: Annotated[
            float | None, typer.Option(help="Energy of one image, idle included, in mJ.")
        ] = None,
        budget_percent: Annotated[
            float | None, typer.Option(help="The same, in percent of what it is now.")
        ] = None,
        max_latency_ms: Annotated[
            float | None, typer.Option(help="End-to-end time of one inference.")
        ] = None,
        only: Annotated[
            list[str] | None,
            typer.Option(metavar="KIND", help="Allow this kind of change alone; repeatable."),
        ] = None,
        without: Annotated[
            list[str] | None,
            typer.Option(metavar="KIND", help="Do not allow this kind; repeatable."),
        ] = None,
        layer: Annotated[
            list[str] | None,
            typer.Option(metavar="NAME", help="Prune this layer alone; repeatable."),
        ] = None,
        align: Annotated[
            int, typer.Option(min=1, max=256, help="Prune to multiples of this many channels.")
        ] = 8,
        rows: Annotated[int, typer.Option(min=1, help="Single changes to show.")] = 15,
        mask: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write the channels that remain.")
        ] = None,
        json: common.JsonOption = None,
    ) -> None:
        """Rank changes by the energy they save, and combine them to meet a budget.

        Kinds: prune, kernel, stride, factorise, resolution, precision, batch, mode.

        Accuracy is not predicted: train and measure it again after any change.
        """
        from edgeprofiler.core.errors import Unsupported, UsageError
        from edgeprofiler.core.files import dump_json
        from edgeprofiler.decision.optimize.advise import (
            RISK,
            Budget,
            Options,
            State,
            predict_state,
            single_changes,
        )
        from edgeprofiler.decision.optimize.advise import advise as plan_for
        from edgeprofiler.decision.optimize.summary import mask_document, plan_document
        from edgeprofiler.prediction.predict import predictor_for
        from edgeprofiler.reading.read import DEFAULT_PRECISION, PRECISIONS, read_graph

        screen = common.results_console(mask, json)
        for kind in [*(only or []), *(without or [])]:
            if kind not in RISK:
                raise UsageError(f"no kind of change {kind!r}; choose of {', '.join(RISK)}")
        if precision is not None and precision not in PRECISIONS:
            raise UsageError(f"no precision {precision!r}; choose one of: {', '.join(PRECISIONS)}")
        if budget_mj is not None and budget_percent is not None:
            raise UsageError("give --budget-mj or --budget-percent, not both")
        if predictor is not None and "mode" in (only or []):
            raise UsageError(
                "a trained predictor knows one power mode: leave out --only mode, or --predictor"
            )
        kinds = tuple(k for k in only or RISK if k not in (without or []))
        options = Options(kinds=kinds, align=align, layers=tuple(layer or ()))
        graph = read_graph(
            model, batch=batch, shapes=common.parse_shapes(shape), front_end=front_end
        )
        answers = predictor_for(
            common.device_asked(device, predictor),
            runtime=runtime,
            confidence=confidence,
            predictor=predictor,
        )
        state = State(
            graph,
            precision or DEFAULT_PRECISION,
            answers.device,
            None if predictor is None else answers,
        )
        before = predict_state(state, confidence)
        energy = None if budget_mj is None else budget_mj * 1e-3
        if budget_percent is not None:
            energy = before.energy_j * budget_percent / 100
        latency = None if max_latency_ms is None else max_latency_ms * 1e-3
        budget = Budget(energy, latency)
        singles = single_changes(state, options, confidence)
        plan: Plan | None = None
        if energy is not None or latency is not None:
            plan = plan_for(state, budget, options, confidence)
        if mask is not None:
            if plan is None:
                raise UsageError("--mask needs a budget: --budget-mj, --budget-percent, ...")
            common.emit_file(dump_json(mask_document(plan, model)), mask)
            if not plan.kept_channels:
                common.note(
                    "nothing is pruned in this plan, so the mask is empty: try --only prune"
                )
        if json is not None:
            document = plan_document(model, before, singles, plan)
            common.emit_json(dump_json(document), json)
        _print(screen, model, before, singles[:rows], plan, confidence)
        if plan is not None and not plan.reached:
            raise Unsupported(
                f"the budget cannot be reached with the changes allowed: "
                f"{plan.after.energy_j * 1e3:.4g} mJ an image and "
                f"{plan.after.latency_s * 1e3:.4g} ms are the least that was found"
            )


def _print(
    screen: Console,
    model: str,
    before: Cost,
    singles: list[Change],
    plan: Plan | None,
    confidence: float,
) -> None:
    from rich.markup import escape

    device = before.profile.device
    screen.print(
        f"[bold]{escape(model)}[/bold] on {device.name}@{device.mode}: "
        f"{before.energy_j * 1e3:.4g} mJ an image (idle included), "
        f"{before.latency_s * 1e3:.4g} ms end to end"
    )
    if plan is None:
        screen.print("Single changes, the most energy saved first:")
        screen.print(_table(singles))
        screen.print(
            "With a budget (--budget-mj, --max-latency-ms) they are combined.", style="dim"
        )
    elif not plan.steps:
        screen.print("The budget holds as it is." if plan.reached else "No change helps.")
    else:
        screen.print("Made one after another, each predicted on top of those before:")
        screen.print(_table(plan.steps))
        after = plan.after
        screen.print(
            f"[bold]Then[/bold] {after.energy_j * 1e3:.4g} mJ an image "
            f"({100 * after.energy_j / before.energy_j:.0f} %), "
            f"{after.latency_s * 1e3:.4g} ms end to end: the budget is "
            f"{'met' if plan.reached else 'not met'}."
        )
        for warning in after.profile.warnings:
            screen.print(f"[yellow]warning:[/yellow] {escape(warning)}")
    screen.print(
        f"Accuracy is not predicted: train and measure it again. The last column says how much of "
        f"it such a change usually costs. Intervals: {confidence:.0%}.",
        style="dim",
    )


def _table(changes: list[Change] | tuple[Change, ...]) -> object:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("change", overflow="fold")
    table.add_column("mJ saved", justify="right", no_wrap=True)
    table.add_column("interval", justify="right", no_wrap=True)
    table.add_column("ms saved", justify="right", no_wrap=True)
    table.add_column("accuracy", no_wrap=True)
    for change in changes:
        saved = change.saved_j
        table.add_row(
            Text(change.text),
            f"{saved.value * 1e3:.3g}",
            f"{saved.low * 1e3:.3g} to {saved.high * 1e3:.3g}"
            if saved.low <= saved.high
            else "unknown",
            f"{change.saved_s * 1e3:.3g}",
            change.risk,
        )
    return table
