"""`edgeprofiler train`: from a data set to a predictor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.learning import DataArgument, telling

if TYPE_CHECKING:
    from edgeprofiler.prediction.predictors.artifact import Artifact


@telling
def train(
    data: DataArgument,
    output: Annotated[Path, common.option("FOLDER", "Where it goes.", "--output", "-o")],
    told: dict[str, Any],
    track: Annotated[bool, typer.Option("--track", help="Log the training to MLflow.")] = False,
    name: Annotated[
        str | None, common.option("NAME", "With --track: register it as a version of this model.")
    ] = None,
    alias: Annotated[
        str | None, common.option("ALIAS", "With --name: an alias of the new version.")
    ] = None,
) -> None:
    """Train one runtime and one power model for each kind of layer."""
    import edgeprofiler
    from edgeprofiler.core.errors import UsageError

    if (name is not None and not track) or (alias is not None and name is None):
        raise UsageError("`name` goes with `track`, and `alias` with `name`")
    artifact = edgeprofiler.train(data, output=output, **told)
    _print(artifact)
    common.note(f"wrote {output}; use it with: predict MODEL --predictor {output}")
    if track:
        from edgeprofiler.learning.training.tracking import track as log
        from edgeprofiler.views.plots.residuals import draw_residuals

        pictures = {"residuals.png": draw_residuals(artifact)}
        address = log(artifact, name=name, alias=alias, pictures=pictures)
        common.note(f"logged as {address}")


def _print(artifact: Artifact) -> None:
    from rich.table import Table

    screen = common.console(markup=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "layers"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "networks", "RMSPE %", "MAPE %", "within 10 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for model in artifact.header["models"]:
        errors = model["metrics"]
        table.add_row(
            "runtime" if model["quantity"] == "runtime_s" else "power",
            model["kind"],
            str(model["rows"]),
            str(model["networks"]),
            *(_percent(errors[name]) for name in ("rmspe", "mape", "within_10")),
        )
    screen.print(table)
    screen.print("errors on networks left out in turn; power is above idle", style="dim")
    for line in artifact.header["notes"]:
        screen.print(line)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
