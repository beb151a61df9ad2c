"""`edgeprofiler qa`: is a recording good enough to attribute power from?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.measurement.qa import Verdict


def qa(
    recording: common.RecordingArgument,
    model: common.RawModelOption = None,
    plot: common.PictureOption = None,
    json: common.JsonOption = None,
) -> None:
    """Judge a recording: verdict and reasons."""
    import edgeprofiler
    from edgeprofiler.measurement.qa import to_document
    from edgeprofiler.measurement.recording.opening import open_recording
    from edgeprofiler.views.plots.figure import check_picture

    check_picture(plot)
    screen = common.results_console(json, markup=False)
    opened = open_recording(recording, model)
    verdict = edgeprofiler.qa(opened)
    if plot is not None:
        from edgeprofiler.views.plots.figure import save_figure
        from edgeprofiler.views.plots.session import draw_recording

        common.save(plot, partial(save_figure, draw_recording(opened)))
    common.write_json(json, partial(to_document, opened, verdict))
    _print(opened.name + (" (simulated)" if opened.simulated else ""), verdict, screen)


def _print(name: str, verdict: Verdict, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    styles = {"good": "green", "doubtful": "yellow", "bad": "red", "unknown": "dim"}
    console.print(Text.assemble((name, "bold"), ": ", (verdict.level, styles[verdict.level])))
    table = Table(box=None, pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("finding")
    for check in verdict.checks:
        finding = Text(check.finding)
        if check.remedy:
            finding.append(f"\n-> {check.remedy}", style="dim")
        table.add_row(check.name, Text(check.level, styles[check.level]), finding)
    console.print(table)
