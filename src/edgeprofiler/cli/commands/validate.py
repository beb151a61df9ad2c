"""`edgeprofiler validate`: predictions beside measurements."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking
from edgeprofiler.cli.progress import shown_workers


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
            "source|family|board|network",
            "Refit without each row's source, family, board or network.",
        ),
    ] = None,
    jobs: common.JobsOption = None,
    cluster: common.ClusterOption = None,
    plot: common.PictureOption = None,
    csv: common.CsvOption = None,
    json: common.JsonOption = None,
    quiet: common.QuietOption = False,
) -> None:
    """Compare predictions with measured totals of networks, as shipped or left out."""
    import edgeprofiler
    from edgeprofiler.core.errors import UsageError
    from edgeprofiler.prediction.validate.text import (
        document,
        summary_lines,
        to_csv,
        validation_table,
    )

    if leave_one_out and leave_out not in (None, "network"):
        raise UsageError("`leave_one_out` leaves networks out: give it or `leave_out`")
    screen = common.results_console(json, csv)
    left_out = leave_out or ("network" if leave_one_out else None)
    with shown_workers(jobs, cluster) as workers:
        found = edgeprofiler.validate(measured, leave_out=left_out, workers=workers, **asked)
    if not quiet:
        screen.show(validation_table(found))
    for line in summary_lines(found):
        screen.say(line)
    common.warn(found.warnings)
    common.write(csv, partial(to_csv, found))
    if plot is not None:
        from edgeprofiler.views.plots.validation import validation_figure

        common.draw(plot, partial(validation_figure, found))
    common.write_json(json, partial(document, found))
