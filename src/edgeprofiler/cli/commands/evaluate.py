"""`edgeprofiler evaluate`: errors of a recipe on networks that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.interruption import keeping
from edgeprofiler.cli.learning import DataArgument, telling
from edgeprofiler.cli.progress import shown_workers


@telling
def evaluate(
    data: DataArgument,
    told: dict[str, Any],
    plots: Annotated[
        Path | None, common.option("FOLDER", "Draw pictures, with a learning curve.")
    ] = None,
    jobs: common.JobsOption = None,
    cluster: common.ClusterOption = None,
    json: common.JsonOption = None,
) -> None:
    """Leave networks out, predict them, and compare with simpler ways."""
    import edgeprofiler
    from edgeprofiler.learning.training.tables import evaluation_tables

    screen = common.results_console(json)
    with (
        keeping("nothing is kept; the same command begins anew"),
        shown_workers(jobs, cluster) as workers,
    ):
        found = edgeprofiler.evaluate(data, curve=plots is not None, workers=workers, **told)
    common.write_json(json, found.document)
    if plots is not None:
        from edgeprofiler.views.plots.training import save_evaluation

        for path in save_evaluation(found, plots, found.test_networks):
            common.note(f"wrote {path}")
    screen.show(*evaluation_tables(found))
