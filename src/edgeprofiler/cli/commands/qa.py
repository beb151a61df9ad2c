"""`edgeprofiler qa`: is a recording good enough to attribute power from?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.measurement.qa import Verdict


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def qa(
        recording: Annotated[
            Path,
            typer.Argument(
                metavar="RECORDING",
                help="A recording's folder, or a folder of the reference's raw layout.",
                show_default=False,
            ),
        ],
        model: common.RawModelOption = None,
        plot: Annotated[
            Path | None,
            typer.Option("--plot", metavar="FILE.png", help="Draw power and layers over time."),
        ] = None,
        json: common.JsonOption = None,
    ) -> None:
        """Judge a recording: verdict and reasons."""
        from edgeprofiler.cli.commands.attribute import open_recording
        from edgeprofiler.core.files import dump_json
        from edgeprofiler.measurement.qa import inspect_recording

        screen = common.results_console(json, markup=False)
        found = open_recording(recording, model)
        verdict = inspect_recording(found)
        if plot is not None:
            from edgeprofiler.views.plots.figure import picture_format, save_figure
            from edgeprofiler.views.plots.session import draw_recording

            picture_format(plot)
            save_figure(draw_recording(found), plot)
            common.note(f"wrote {plot}")
        if json is not None:
            facts = {"name": found.name, "simulated": found.simulated, **verdict.document()}
            common.emit_json(dump_json(facts), json)
        _print(found.name + (" (simulated)" if found.simulated else ""), verdict, screen)


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
