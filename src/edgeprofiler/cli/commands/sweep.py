"""`edgeprofiler sweep`: every combination of batch, resolution, precision and device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.core.device import Device
    from edgeprofiler.decision.optimize import Sweep


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def sweep(
        model: common.ModelArgument,
        batch: Annotated[
            str | None,
            typer.Option(
                "--batch", "-b", metavar="1,2,4|1:32:1", show_default=False,
                help="Images at once. Default: the model's own.",
            ),
        ] = None,
        resolution: Annotated[
            str | None,
            typer.Option(
                metavar="224|160:640:32", show_default=False,
                help="Height and width of a square input. Default: the model's own.",
            ),
        ] = None,
        precision: Annotated[
            str | None,
            typer.Option(
                metavar="fp32,fp16,int8", show_default=False,
                help="What the network is built for. Default: fp16.",
            ),
        ] = None,
        device: Annotated[
            list[str] | None,
            typer.Option("--device", "-d", metavar="NAME[@MODE]|FILE|all", help="One or several."),
        ] = None,
        runtime: common.RuntimeOption = None,
        confidence: common.ConfidenceOption = 0.9,
        predictor: common.PredictorOption = None,
        front_end: common.FrontEndOption = None,
        rows: Annotated[
            int, typer.Option(min=0, help="Rows to show where there are more; the best first.")
        ] = 20,
        parquet: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write all rows as Parquet.")
        ] = None,
        csv: common.CsvOption = None,
        json: common.JsonOption = None,
        plot: Annotated[
            Path | None, typer.Option(metavar="FILE.png|svg", help="Energy against latency.")
        ] = None,
    ) -> None:  # fmt: skip
        """Predict every combination, and which of them are best in energy and latency."""
        from edgeprofiler.core.device import device_names, load_device
        from edgeprofiler.core.errors import UsageError
        from edgeprofiler.core.files import dump_json
        from edgeprofiler.decision.optimize import Axes
        from edgeprofiler.decision.optimize import sweep as predict_all
        from edgeprofiler.decision.optimize.sweep import (
            parse_axis,
            to_csv,
            to_document,
            write_parquet,
        )
        from edgeprofiler.prediction.predict import Predictor, predictor_for
        from edgeprofiler.reading.read import PRECISIONS

        screen = common.results_console(csv, json)
        precisions: tuple[str | None, ...] = (None,)
        if precision is not None:
            precisions = tuple(dict.fromkeys(precision.replace(" ", "").split(",")))
        for name in precisions:
            if name not in (None, *PRECISIONS):
                raise UsageError(f"no precision {name!r}; choose of: {', '.join(PRECISIONS)}")
        answers: str | Predictor | None = predictor
        devices: tuple[Device, ...]
        if predictor is not None and not device:
            answers = predictor_for(runtime=runtime, confidence=confidence, predictor=predictor)
            devices = (answers.device,)
        else:
            names = device or [common.device_or_default(None)]
            if "all" in names:
                names = [name for name in device_names() if name != "generic"]
            devices = tuple(load_device(name, runtime) for name in dict.fromkeys(names))
        axes = Axes(
            devices=devices,
            batches=(None,) if batch is None else parse_axis(batch, "--batch"),
            resolutions=(None,) if resolution is None else parse_axis(resolution, "--resolution"),
            precisions=precisions,
        )
        result = predict_all(model, axes, confidence, predictor=answers, front_end=front_end)
        if parquet is not None:
            write_parquet(result, parquet)
            common.note(f"wrote {parquet}")
        if csv is not None:
            common.emit_file(to_csv(result), csv)
        if plot is not None:
            from edgeprofiler.views.plots.sweep import save_sweep

            save_sweep(result, plot)
            common.note(f"wrote {plot}")
        if json is not None:
            common.emit_json(dump_json(to_document(result)), json)
        _print(screen, result, rows, confidence)


def _print(screen: Console, result: Sweep, count: int, confidence: float) -> None:
    import numpy as np
    from rich.markup import escape
    from rich.table import Table

    # The front first, by energy an image; then the rest.
    order = np.lexsort((result.energy_per_image_j, ~result.pareto))
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    several = len(set(result.device)) > 1
    if several:
        table.add_column("device", no_wrap=True)
    table.add_column("input", no_wrap=True)
    table.add_column("type", no_wrap=True)
    for heading in ("batch", "ms", "interval", "mJ/image"):
        table.add_column(heading, justify="right", no_wrap=True)
    for i in order[:count]:
        low, high = 1e3 * result.end_to_end_s_low[i], 1e3 * result.end_to_end_s_high[i]
        table.add_row(
            "*" if result.pareto[i] else "",
            *([result.device[i]] if several else []),
            result.resolution[i],
            result.precision[i],
            str(int(result.batch[i])),
            f"{1e3 * result.end_to_end_s[i]:.3g}",
            f"{low:.3g}-{high:.3g}" if low <= high else "unknown",
            f"{1e3 * result.energy_per_image_j[i]:.3g}",
        )
    where = "" if several else f" on {result.device[0]}"
    screen.print(f"[bold]{escape(result.network)}[/bold]{where}: {len(result):,} combinations")
    screen.print(table)
    if count < len(result):
        screen.print(f"... {len(result) - count:,} more (--rows, --csv, --parquet)", style="dim")
    screen.print(
        f"* on the Pareto front of energy an image (idle included) and latency: "
        f"{int(result.pareto.sum())} of them. ms: end to end, with {confidence:.0%} intervals.",
        style="dim",
    )
