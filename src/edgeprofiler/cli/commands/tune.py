"""`edgeprofiler tune`: search a recipe's options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.interruption import keeping
from edgeprofiler.cli.learning import DataArgument, telling
from edgeprofiler.cli.progress import shown_progress
from edgeprofiler.core.progress import Progress

if TYPE_CHECKING:
    from edgeprofiler.learning.training.tuning import Trial, Tuning

_KEPT = "the trials that ended are kept in the study; the same command goes on"


@telling
def tune(
    data: DataArgument,
    told: dict[str, Any],
    output: Annotated[
        Path | None,
        common.option(
            "FILE.toml", "Write the best options, for `train --config`.", "--output", "-o"
        ),
    ] = None,
    trials: Annotated[
        int,
        common.option(
            "N", "Trials in all, earlier ones of the study included.", shows_default=True, min=1
        ),
    ] = 50,
    trial_s: Annotated[
        float,
        common.option(
            "SECONDS", "Stop a trial that takes longer.", "--trial-limit",
            shows_default=True, min=0.1,
        ),
    ] = 30.0,
    total_s: Annotated[
        float | None,
        common.option("SECONDS", "Start no trial after this time.", "--time-limit", min=0),
    ] = None,
    space: Annotated[
        list[str] | None,
        common.option(
            "NAME=LOW:HIGH[:log]|NAME=A,B",
            "What to try, in place of the recipe's own; repeat it.",
        ),
    ] = None,
    storage: Annotated[
        str,
        common.option(
            "URL",
            "Where the study is: sqlite:///FILE, journal:FILE in a shared folder, or "
            "postgresql://USER@HOST/NAME. Any number of processes may share it.",
            shows_default=True,
        ),
    ] = "sqlite:///tuning.db",
    study: Annotated[
        str | None,
        common.option("NAME", "Name of the study. Default: of the recipe and the data."),
    ] = None,
    plot: common.PictureOption = None,
    track: Annotated[bool, typer.Option("--track", help="Log the study to MLflow.")] = False,
    json: common.JsonOption = None,
) -> None:  # fmt: skip
    """Search the options of a recipe on networks left out; the same call goes on."""
    import edgeprofiler
    from edgeprofiler.learning.training.tables import tuning_table
    from edgeprofiler.learning.training.tracking import document_of, track_tuning

    screen = common.results_console(json)
    with keeping(_KEPT), shown_progress() as progress:
        found = edgeprofiler.tune(
            data, trials=trials, trial_s=trial_s, total_s=total_s, space=space or (),
            storage=storage, study=study, progress=partial(_say, progress, trials), **told,
        )  # fmt: skip
    for line in found.notes:
        common.note(line)
    if output is not None:
        _write(found, output)
    if plot is not None:
        from edgeprofiler.views.plots.tuning import draw_tuning

        common.draw(plot, partial(draw_tuning, found))
    if track:
        from edgeprofiler.views.plots.tuning import draw_tuning

        run = track_tuning(found, pictures={"tuning.png": draw_tuning(found)})
        common.note(f"logged as run {run}")
    common.write_json(json, partial(document_of, found))
    screen.show(tuning_table(found))


def _say(progress: Progress, trials: int, trial: Trial) -> None:
    score = trial.stopped or "stopped" if trial.score is None else f"{100 * trial.score:.2f} %"
    common.note(f"trial {trial.number}: {score} ({trial.seconds:.1f} s)")
    progress("trials", trial.number + 1, trials)


def _write(found: Tuning, output: Path) -> None:
    import tomli_w

    from edgeprofiler.core.files import write_text
    from edgeprofiler.core.plain import attributes

    table = attributes(
        found.options, "recipe seed folds min_rows min_samples test_networks options"
    )
    write_text(output, tomli_w.dumps(table))
    common.note(f"wrote {output}; use it with: train DATA --config {output}")
