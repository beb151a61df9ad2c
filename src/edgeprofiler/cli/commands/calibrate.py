"""`edgeprofiler calibrate`: make predictions sure for a user's own board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking


@asking("device", "runtime")
def calibrate(
    measured: common.MeasuredOption,
    output: Annotated[
        Path,
        common.option(
            "my-board.toml", "Device file to write; use it as --device.", "--output", "-o"
        ),
    ],
    asked: dict[str, Any],
    name: Annotated[
        str | None, common.option("NAME", "Name of the calibrated board, for results to record.")
    ] = None,
    suggest: Annotated[
        int | None,
        common.option("N", "Also name the N measurements that narrow intervals most.", min=1),
    ] = None,
    json: common.JsonOption = None,
) -> None:
    """Fit a board's few numbers on measured totals of networks, five or more.

    The most useful rows are one network at several input sizes, and a small and a large one.
    """
    import edgeprofiler
    from edgeprofiler.prediction.calibration.tables import factor_table, fit_table
    from edgeprofiler.prediction.validate.suggesting import suggest as design

    screen = common.results_console(json, output)
    found = edgeprofiler.calibrate(measured, name=name, **asked)
    for fit in found.fits:
        screen.show(fit_table(fit), factor_table(fit))
        common.warn(fit.warnings)
    common.warn(found.warnings)
    common.write(output, found.text)
    designs = [] if suggest is None else [design(fit, suggest) for fit in found.fits]
    for one in designs:
        screen.show(one.table())
    suggested = {} if suggest is None else {"to_measure": [one.document() for one in designs]}
    common.write_json(json, lambda: {**found.document(), **suggested})
