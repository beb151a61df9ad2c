"""`edgeprofiler models`: trained predictors in a registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeprofiler.cli import common

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


app = typer.Typer(help="List, fetch and publish trained predictors.", no_args_is_help=True)


@app.command("list")
def list_models(tracking_uri: _Uri = None, json: common.JsonOption = None) -> None:
    """List registered predictors."""
    from edgeprofiler.learning.stores.tables import version_document, version_table

    screen = common.results_console(json)
    found = _store(tracking_uri).versions()
    common.write_json(json, lambda: [version_document(version) for version in found])
    if not found:
        common.note("no predictor is registered; publish one with: models push FOLDER NAME")
    screen.show(version_table(found))


@app.command()
def show(model: _Model, tracking_uri: _Uri = None, json: common.JsonOption = None) -> None:
    """Show a registered predictor: how it was trained, and its errors."""
    from edgeprofiler.learning.stores.tables import training_table, version_document
    from edgeprofiler.learning.training.tables import error_table

    screen = common.results_console(json)
    store = _store(tracking_uri)
    version = store.version(model)
    facts = store.run_facts(version.run)
    found = {"params": dict(facts.params), "metrics": dict(facts.metrics)}
    common.write_json(json, lambda: {**version_document(version), **found})
    screen.show(training_table(version, facts), error_table(facts.metrics))


@app.command()
def pull(
    model: _Model,
    output: Annotated[Path, common.option("FOLDER", "Where it goes.", "--output", "-o")],
    tracking_uri: _Uri = None,
) -> None:
    """Fetch a predictor into a folder, checked against its checksums."""
    from edgeprofiler.core import plugins

    artifact = _store(tracking_uri).get(model)
    plugins.load("stores", "folder")().put(artifact, str(output))
    common.note(f"wrote {output}; use it with: predict MODEL --predictor {output}")


@app.command()
def push(
    folder: Annotated[str, common.argument("FOLDER", "What `train` wrote.")],
    name: Annotated[str, common.argument("NAME", "What it is registered as.")],
    alias: Annotated[
        str | None, common.option("ALIAS", "An alias for the new version, as: champion.")
    ] = None,
    tracking_uri: _Uri = None,
) -> None:
    """Log a predictor as a run, and register it as a new version."""
    from edgeprofiler.core import plugins
    from edgeprofiler.learning.training.tracking import track
    from edgeprofiler.views.plots.residuals import draw_residuals

    artifact = plugins.load("stores", "folder")().get(folder)
    address = track(
        artifact,
        name=name,
        alias=alias,
        tracking_uri=tracking_uri,
        pictures={"residuals.png": draw_residuals(artifact)},
    )
    common.note(f"use it with: predict MODEL --predictor {address}")
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
