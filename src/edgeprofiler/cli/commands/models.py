"""`edgeprofiler models`: trained predictors in a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.learning.stores.mlflow import Version

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
    screen = common.results_console(json, markup=False)
    found = _store(tracking_uri).versions()
    common.write_json(json, lambda: [_document(version) for version in found])
    _print_list(screen, found)


@app.command()
def show(model: _Model, tracking_uri: _Uri = None, json: common.JsonOption = None) -> None:
    """Show a registered predictor: how it was trained, and its errors."""
    screen = common.results_console(json, markup=False)
    store = _store(tracking_uri)
    version = store.version(model)
    facts = store.run_facts(version.run)
    found = {"params": dict(facts.params), "metrics": dict(facts.metrics)}
    common.write_json(json, lambda: {**_document(version), **found})
    _print_one(screen, version, facts)


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


def _document(version: Version) -> dict[str, Any]:
    return {
        "address": version.address,
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "created": _time(version),
        "run": version.run,
        "tags": dict(version.tags),
    }


def _time(version: Version) -> str:
    from datetime import datetime, timezone

    moment = datetime.fromtimestamp(version.created_ms / 1e3, timezone.utc)
    return moment.isoformat(timespec="seconds")


def _print_list(screen: Console, found: list[Version]) -> None:
    from rich.table import Table

    if not found:
        common.note("no predictor is registered; publish one with: models push FOLDER NAME")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "aliases", "recipe", "device", "created (UTC)"):
        table.add_column(heading, overflow="fold")
    for version in found:
        table.add_row(
            f"{version.name}/{version.version}",
            ", ".join(version.aliases),
            version.tags.get("recipe", ""),
            version.tags.get("device", ""),
            _time(version)[:16].replace("T", " "),
        )
    screen.print(table)


def _print_one(screen: Console, version: Version, facts: Any) -> None:
    from rich.table import Table

    aliases = f"  {', '.join(version.aliases)}" if version.aliases else ""
    screen.print(f"{version.address}{aliases}  {_time(version)}", style="bold")
    for name, value in sorted(facts.params.items()):
        if value:
            screen.print(f"{name:15} {value}")
    for name in ("dataset_sha256", "mlflow.source.git.commit"):
        if name in facts.tags:
            screen.print(f"{name.rpartition('.')[2]:15} {facts.tags[name]}")
    table = Table(box=None, pad_edge=False)
    for heading in ("errors on left-out networks", "RMSPE %", "MAPE %", "within 10 %"):
        table.add_column(heading, justify="left" if heading.startswith("errors") else "right")
    groups = sorted({name.rpartition(".")[0] for name in facts.metrics if "." in name})
    for group in groups:
        cells = [facts.metrics.get(f"{group}.{n}") for n in ("rmspe", "mape", "within_10")]
        table.add_row(group, *("-" if c is None else f"{100 * c:.1f}" for c in cells))
    screen.print(table)
