"""`edgeprofiler tune`: search a recipe's options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.commands import train as training

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.learning.training.tuning import Trial, Tuning


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def tune(
        data: training.DataArgument,
        output: Annotated[
            Path | None,
            typer.Option("--output", "-o", metavar="FILE.toml", show_default=False,
                         help="Write the best options, for `train --config`."),
        ] = None,
        recipe: training.RecipeOption = None,
        trials: Annotated[
            int, typer.Option(min=1, help="Trials in all, earlier ones of the study included.")
        ] = 50,
        trial_limit: Annotated[
            float, typer.Option(min=0.1, metavar="SECONDS", help="Stop a trial that takes longer.")
        ] = 30.0,
        time_limit: Annotated[
            float | None,
            typer.Option(min=0, metavar="SECONDS", help="Start no trial after this time.",
                         show_default=False),
        ] = None,
        space: Annotated[
            list[str] | None,
            typer.Option(metavar="NAME=LOW:HIGH[:log]|NAME=A,B", show_default=False,
                         help="What to try, in place of the recipe's own; repeat it."),
        ] = None,
        storage: Annotated[
            str,
            typer.Option(metavar="URL", help="Database of the study; machines may share one."),
        ] = "sqlite:///tuning.db",
        study: Annotated[
            str | None,
            typer.Option(metavar="NAME", show_default=False,
                         help="Name of the study. Default: of the recipe and the data."),
        ] = None,
        config: training.ConfigOption = None,
        option: training.OptionOption = None,
        test_networks: training.TestOption = None,
        device: training.TrainedDeviceOption = None,
        seed: training.SeedOption = None,
        min_samples: training.MinSamplesOption = None,
        plot: Annotated[
            Path | None,
            typer.Option(metavar="FILE.png|svg", help="History and importance of options.",
                         show_default=False),
        ] = None,
        track: Annotated[
            bool, typer.Option("--track", help="Log the study to MLflow.")
        ] = False,
        json: common.JsonOption = None,
    ) -> None:  # fmt: skip
        """Search the options of a recipe on networks left out; the same call goes on."""
        from edgeprofiler.learning.training.search_space import parse_space
        from edgeprofiler.learning.training.tuning import Limits
        from edgeprofiler.learning.training.tuning import tune as search

        screen = common.results_console(json, markup=False)
        options = training.training_options(
            config, recipe, option, test_networks, seed, min_samples
        )
        rows = training.load_rows(data)
        found = search(
            rows,
            training.board_for(rows, device),
            options,
            limits=Limits(trials, trial_limit, time_limit),
            space=parse_space(space) if space else None,
            storage=storage,
            study=study,
            progress=_say,
        )
        if output is not None:
            _write(found, output)
        if plot is not None:
            from edgeprofiler.views.plots.tuning import save_tuning

            save_tuning(found, plot)
            common.note(f"wrote {plot}")
        if track:
            from edgeprofiler.learning.training.tracking import track_tuning
            from edgeprofiler.views.plots.tuning import draw_tuning

            run = track_tuning(found, pictures={"tuning.png": draw_tuning(found)})
            common.note(f"logged as run {run}")
        if json is not None:
            from edgeprofiler.core.files import dump_json
            from edgeprofiler.learning.training.tracking import document_of

            common.emit_json(dump_json(document_of(found)), json)
        _print(screen, found)


def _say(trial: Trial) -> None:
    score = trial.stopped or "stopped" if trial.score is None else f"{100 * trial.score:.2f} %"
    common.note(f"trial {trial.number}: {score} ({trial.seconds:.1f} s)")


def _write(found: Tuning, output: Path) -> None:
    import tomli_w

    from edgeprofiler.core.files import write_text

    options = found.options
    table = {
        "recipe": options.recipe,
        "seed": options.seed,
        "folds": options.folds,
        "min_rows": options.min_rows,
        "min_samples": options.min_samples,
        "test_networks": list(options.test_networks),
        "options": dict(options.options),
    }
    write_text(output, tomli_w.dumps(table))
    common.note(f"wrote {output}; use it with: train DATA --config {output}")


def _print(screen: Console, found: Tuning) -> None:
    import statistics

    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading, justify in (("option", "left"), ("best", "right"), ("importance", "right")):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    for name, value in found.options.options.items():
        share = found.importance.get(name)
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        table.add_row(name, shown, "-" if share is None else f"{100 * share:.0f} %")
    screen.print(table)
    stopped = sum(1 for trial in found.trials if trial.score is None)
    default = ""
    if found.default_score is not None:
        default = f"; defaults: {100 * found.default_score:.2f} %"
    screen.print(f"RMSPE on left-out networks {100 * found.score:.2f} %{default}")
    screen.print(
        f"{len(found.trials)} trials, {stopped} stopped early, "
        f"median {statistics.median(t.seconds for t in found.trials):.2f} s",
        style="dim",
    )
    screen.print(f"study {found.study} in {found.storage}", style="dim")
