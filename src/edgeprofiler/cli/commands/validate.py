"""`edgeprofiler validate`: predictions beside measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from edgeprofiler.prediction.validate.validation import Validation


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def validate(
        measured: common.MeasuredOption,
        device: common.DeviceOption = None,
        leave_one_out: Annotated[
            bool,
            typer.Option("--leave-one-out", help="Refit without each row's network."),
        ] = False,
        leave_out: Annotated[
            str | None,
            typer.Option(
                "--leave-out", metavar="network|family|stack|board", show_default=False,
                help="Refit without each row's network, family, software stack or board.",
            ),
        ] = None,
        confidence: common.ConfidenceOption = 0.9,
        plot: Annotated[
            Path | None,
            typer.Option("--plot", metavar="FILE.png", help="Draw predicted against measured.",
                         show_default=False),
        ] = None,
        csv: common.CsvOption = None,
        json: common.JsonOption = None,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Figures only.")] = False,
    ) -> None:  # fmt: skip
        """Compare predictions with measured totals of networks, as shipped or left out."""
        from edgeprofiler.core.errors import UsageError
        from edgeprofiler.core.files import dump_json
        from edgeprofiler.prediction.calibration.measured import read_measured
        from edgeprofiler.prediction.validate.text import document, summary_lines, to_csv
        from edgeprofiler.prediction.validate.validation import LEFT_OUT
        from edgeprofiler.prediction.validate.validation import validate as run

        kind = leave_out or ("network" if leave_one_out else "")
        if kind and kind not in LEFT_OUT:
            raise UsageError(f"--leave-out {kind!r}; choose one of: {', '.join(LEFT_OUT)}")
        if plot is not None:
            from edgeprofiler.views.plots.figure import picture_format

            picture_format(plot)
        out = common.results_console(json, csv, markup=False)
        found = run(
            read_measured(measured), measured.parent,
            device=device, leave_out=kind, confidence=confidence,
        )  # fmt: skip
        if not quiet:
            out.print(_table(found))
        for line in summary_lines(found):
            out.print(line)
        if csv is not None:
            common.emit_file(to_csv(found), csv)
        if plot is not None:
            from edgeprofiler.views.plots.figure import save_figure
            from edgeprofiler.views.plots.validation import validation_figure

            save_figure(validation_figure(found), plot)
            common.note(f"wrote {plot}")
        if json is not None:
            common.emit_json(dump_json(dict(document(found))), json)


def _table(found: Validation) -> object:
    from rich.table import Table

    from edgeprofiler.prediction.validate.text import SCALE

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("board", "host", "network"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for name, width in (("measured", 9), ("predicted", 9), ("error", 8), ("interval", 11)):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    for c in found.compared:
        scale, unit = SCALE[c.quantity]
        mark = "" if c.inside else " !"
        size = f" {c.row.shape[-1]}" if c.row.shape else ""
        aside = "*" if c.row.set_aside else ""
        table.add_row(
            c.row.device.removeprefix("jetson-"),
            c.row.runtime[:7],
            f"{c.row.network}{size}{aside}"[:20],
            f"{c.measured * scale:.3g} {unit.split()[0]}",
            f"{c.predicted * scale:.3g}",
            f"{100 * c.error:+.0f} %{mark}",
            f"{c.low * scale:.3g}-{c.high * scale:.3g}",
        )
    table.caption = "* set aside   ! outside its interval"
    table.caption_justify = "left"
    return table
