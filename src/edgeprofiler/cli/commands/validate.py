"""`edgeprofiler validate`: predictions beside measurements."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking

if TYPE_CHECKING:
    from edgeprofiler.prediction.validate.validation import Validation


@asking("device", "confidence", says_device=False)
def validate(
    measured: common.MeasuredOption,
    asked: dict[str, Any],
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Refit without each row's network.")
    ] = False,
    leave_out: Annotated[
        str | None,
        common.option(
            "network|family|stack|board",
            "Refit without each row's network, family, software stack or board.",
        ),
    ] = None,
    plot: common.PictureOption = None,
    csv: common.CsvOption = None,
    json: common.JsonOption = None,
    quiet: common.QuietOption = False,
) -> None:
    """Compare predictions with measured totals of networks, as shipped or left out."""
    import edgeprofiler
    from edgeprofiler.core.errors import UsageError
    from edgeprofiler.prediction.validate.text import document, summary_lines, to_csv
    from edgeprofiler.views.plots.figure import check_picture

    if leave_one_out and leave_out not in (None, "network"):
        raise UsageError("`leave_one_out` leaves networks out: give it or `leave_out`")
    check_picture(plot)
    out = common.results_console(json, csv, markup=False)
    found = edgeprofiler.validate(
        measured, leave_out=leave_out or ("network" if leave_one_out else None), **asked
    )
    if not quiet:
        out.print(_table(found))
    for line in summary_lines(found):
        out.print(line)
    common.write(csv, partial(to_csv, found))
    if plot is not None:
        from edgeprofiler.views.plots.figure import save_figure
        from edgeprofiler.views.plots.validation import validation_figure

        common.save(plot, partial(save_figure, validation_figure(found)))
    common.write_json(json, partial(document, found))


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
