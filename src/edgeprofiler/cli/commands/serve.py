"""`edgeprofiler serve`: the web app on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeprofiler.cli import common


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535)] = 8321,
    recordings: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Show the recordings in this folder.")
    ] = None,
    predictor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER|models:/NAME@ALIAS",
            help="Offer this trained predictor beside the analytic model; repeatable.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A name that browsers may call this server by; repeatable."
        ),
    ] = None,
    max_upload_mb: Annotated[
        int, typer.Option(min=1, max=10000, help="Largest file that is taken, in MiB.")
    ] = 600,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser.")
    ] = False,
) -> None:
    """Serve pages to play with, and an HTTP API, on this machine alone.

    Drop a model or choose one of the zoo, change device, power mode, precision, batch and
    resolution, and see numbers and plots change. `/api/docs` describes the API.
    """
    from edgeprofiler.core.limits import MIB
    from edgeprofiler.views.web import Settings, create_app
    from edgeprofiler.views.web.run import listen, run
    from edgeprofiler.views.web.settings import is_loopback

    settings = Settings(
        host=host,
        port=port,
        allowed_hosts=tuple(allow_host or ()),
        recordings=recordings,
        predictors=tuple(predictor or ()),
        max_upload_bytes=max_upload_mb * MIB,
    )
    application = create_app(settings)
    socket = listen(settings)
    address = f"http://{_shown(host)}:{socket.getsockname()[1]}/"
    if not is_loopback(host):
        common.note(
            f"WARNING: listening on {host}: everybody who reaches this machine can use this "
            "server, without a password. Without --host only this machine can."
        )
    common.note(f"EdgeProfiler is at {address} (Ctrl-C ends it)")
    if open_browser:
        import webbrowser

        webbrowser.open(address)
    run(application, socket, settings)


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
        return "localhost"
    return f"[{host}]" if ":" in host else host
