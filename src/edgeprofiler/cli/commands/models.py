"""`edgeprofiler models`: trained predictors and calibrated boards in a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from edgeprofiler.learning.stores.kept import Kept

_Uri = Annotated[
    str | None,
    common.option(
        "URI",
        "MLflow's database or server, or dagshub:OWNER/REPO. Default: MLFLOW_TRACKING_URI, else "
        "mlflow.db here.",
    ),
]
_Model = Annotated[
    str, common.argument("NAME[@ALIAS|/VERSION]", "The newest version for a name alone.")
]


app = typer.Typer(
    help="List, fetch and publish trained predictors and calibrated boards.", no_args_is_help=True
)


@app.command("list")
def list_models(tracking_uri: _Uri = None, json: common.JsonOption = None) -> None:
    """List registered predictors and boards."""
    from edgeprofiler.learning.stores.tables import version_document, version_table

    screen = common.results_console(json)
    found = _store(tracking_uri).versions()
    common.write_json(json, lambda: [version_document(version) for version in found])
    if not found:
        common.note("nothing is registered; publish with: models push FOLDER|BOARD.toml NAME")
    screen.show(version_table(found))


@app.command()
def show(model: _Model, tracking_uri: _Uri = None, json: common.JsonOption = None) -> None:
    """Show a registered predictor or board: how it was made, and its errors."""
    from edgeprofiler.learning.stores.tables import fit_table, training_table, version_document
    from edgeprofiler.learning.training.tables import error_table

    screen = common.results_console(json)
    store = _store(tracking_uri)
    version = store.version(model)
    facts = store.run_facts(version.run)
    found = {"params": dict(facts.params), "metrics": dict(facts.metrics)}
    common.write_json(json, lambda: {**version_document(version), **found})
    errors = fit_table if version.kind == "board" else error_table
    screen.show(training_table(version, facts), errors(facts.metrics))


@app.command()
def pull(
    model: _Model,
    output: Annotated[Path, common.option("FOLDER|BOARD.toml", "Where it goes.", "--output", "-o")],
    tracking_uri: _Uri = None,
) -> None:
    """Fetch a predictor into a folder, or a board into a file, checked against its checksums."""
    from edgeprofiler.core import plugins
    from edgeprofiler.core.device.board_file import TEXT, BoardFile
    from edgeprofiler.core.errors import UsageError

    kept = _store(tracking_uri).get(model)
    in_file = output.suffix == ".toml"
    if isinstance(kept, BoardFile) and in_file:
        common.write(output, lambda: kept.text)
    elif in_file:
        raise UsageError(f"{model} is a predictor: name a folder as `output`")
    else:
        plugins.load("stores", "folder")().put(kept, str(output))
        common.note(f"wrote {output}")
    if isinstance(kept, BoardFile):
        common.note(f"use it with: predict MODEL --device {output if in_file else output / TEXT}")
    else:
        common.note(f"use it with: predict MODEL --predictor {output}")


@app.command()
def push(
    source: Annotated[
        str,
        common.argument("FOLDER|BOARD.toml", "What `train` wrote, or `calibrate`."),
    ],
    name: Annotated[str, common.argument("NAME", "What it is registered as.")],
    alias: Annotated[
        str | None, common.option("ALIAS", "An alias for the new version, as: champion.")
    ] = None,
    tracking_uri: _Uri = None,
) -> None:
    """Log a predictor or a board as a run, and register it as a new version."""
    from edgeprofiler.core import plugins
    from edgeprofiler.core.device.board_file import BoardFile, read_board_file
    from edgeprofiler.learning.training.tracking import track
    from edgeprofiler.views.plots.residuals import draw_residuals

    folder = plugins.load("stores", "folder")()
    in_file = source.endswith(".toml")
    kept: Kept = read_board_file(Path(source)) if in_file else folder.get(source)
    option = "--device"
    pictures: dict[str, Any] = {}
    if not isinstance(kept, BoardFile):
        option, pictures = "--predictor", {"residuals.png": draw_residuals(kept)}
    address = track(kept, name=name, alias=alias, tracking_uri=tracking_uri, pictures=pictures)
    common.note(f"use it with: predict MODEL {option} {address}")
    typer.echo(address)


@app.command()
def alias(
    model: _Model,
    alias: Annotated[str, common.argument("ALIAS", "As: champion.")],
    tracking_uri: _Uri = None,
) -> None:
    """Give a version an alias; any other version of the model loses it."""
    version = _store(tracking_uri).set_alias(model, alias)
    typer.echo(f"models:/{version.name}@{alias} is version {version.version}")


def _store(tracking_uri: str | None) -> Any:
    from edgeprofiler.core import plugins

    return plugins.load("stores", "mlflow")(tracking_uri)
