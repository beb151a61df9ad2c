"""`edgeprofiler train`: from a data set to a predictor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.interruption import keeping
from edgeprofiler.cli.learning import DataArgument, telling
from edgeprofiler.cli.progress import shown_workers


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
    from edgeprofiler.learning.training.tables import model_table

    if (name is not None and not track) or (alias is not None and name is None):
        raise UsageError("`name` goes with `track`, and `alias` with `name`")
    kept = f"nothing was written, {output} is as it was; the same command begins anew"
    with keeping(kept), shown_workers(1, None) as workers:
        artifact = edgeprofiler.train(data, output=output, workers=workers, **told)
    common.results_console().show(model_table(artifact))
    common.note(f"wrote {output}; use it with: predict MODEL --predictor {output}")
    if track:
        from edgeprofiler.learning.training.tracking import track as log
        from edgeprofiler.views.plots.residuals import draw_residuals

        pictures = {"residuals.png": draw_residuals(artifact)}
        address = log(artifact, name=name, alias=alias, pictures=pictures)
        common.note(f"logged as {address}")
