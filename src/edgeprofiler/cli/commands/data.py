"""`edgeprofiler data`: keep versions of data on a remote, and get them back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.interruption import keeping
from edgeprofiler.cli.progress import shown_progress

if TYPE_CHECKING:
    from edgeprofiler.learning.data import Moved

_Remote = Annotated[
    str | None,
    common.option(
        "URL|FOLDER|NAME",
        "s3://BUCKET/PATH, ssh://HOST/PATH, ./FOLDER, dagshub:OWNER/REPO, or a remote of the DVC "
        "project here. Default: the project's own.",
        "--remote", "-r",
    ),
]  # fmt: skip
_Endpoint = Annotated[str | None, common.option("URL", "An S3 server that is not Amazon's.")]


app = typer.Typer(
    help="Push and pull versions of data, over DVC and DagsHub.", no_args_is_help=True
)


@app.command()
def push(
    path: Annotated[Path, common.argument("PATH", "File or folder.")],
    remote: _Remote = None,
    endpoint_url: _Endpoint = None,
) -> None:
    """Copy a folder to a remote and write its pointer, PATH.dvc, to commit."""
    from edgeprofiler.learning.data import push as push_data

    kept = "what was sent stays on the remote; the same command sends the rest"
    with keeping(kept), shown_progress() as progress:
        done = push_data(path, remote=remote, endpoint_url=endpoint_url, progress=progress)
    for flaw in done.repaired:
        common.note(f"repaired on the remote: {flaw}")
    _say("pushed", done)
    common.note(f"commit {path.name}.dvc; it names this version")


@app.command()
def pull(
    source: Annotated[
        str,
        common.argument("SOURCE", "A pointer (data.dvc), dagshub:OWNER/REPO, or a git repository."),
    ],
    output: Annotated[
        Path | None, common.option("PATH", "Where to put it.", "--output", "-o")
    ] = None,
    path: Annotated[str | None, common.option("PATH", "File or folder of a repository.")] = None,
    revision: Annotated[str | None, common.option("REV", "Branch, tag or commit.", "--rev")] = None,
    remote: _Remote = None,
    endpoint_url: _Endpoint = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace data that were never pushed.")
    ] = False,
) -> None:
    """Get a version: all of it, or the data here stay as they are."""
    from edgeprofiler.learning.data import pull as pull_data

    kept = "the data here are as they were, and what arrived is kept; the same command goes on"
    with keeping(kept), shown_progress() as progress:
        done = pull_data(
            source,
            output,
            remote=remote,
            path=path,
            revision=revision,
            endpoint_url=endpoint_url,
            force=force,
            progress=progress,
        )
    _say("pulled" if done.changed else "already there:", done)


def _say(verb: str, done: Moved) -> None:
    content = done.content
    files = "1 file" if content.files == 1 else f"{content.files} files"
    common.note(f"{verb} {done.path.name}: {files}, {_size(content.size_bytes)}")
    typer.echo(content.md5)


def _size(size_bytes: int) -> str:
    value, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"
