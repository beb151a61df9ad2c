"""Listening on an address and running the application there."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.extras import require
from edgeprofiler.views.web.connections import impatient
from edgeprofiler.views.web.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say; port 0 takes a free one.

    Raises:
        Unavailable: the address is not this machine's, or the port is taken.
    """
    host = settings.host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, settings.port, type=socket.SOCK_STREAM
        )[0]
        # With its protocol named, asyncio turns Nagle's algorithm off, which would cost 40 ms.
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(256)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unavailable(
            f"cannot listen on {settings.host}:{settings.port} ({reason})",
            "choose another `port` or `host`",
        ) from None
    return made


def run(app: FastAPI, listening: socket.socket, settings: Settings) -> None:
    """Serve until interrupted.

    Raises:
        Unavailable: uvicorn is not installed.
    """
    with require("web"):
        import uvicorn
    config = uvicorn.Config(
        app, http=impatient(settings.stall_seconds), log_level="warning", access_log=False,
        server_header=False, ws="none",
        timeout_keep_alive=30, h11_max_incomplete_event_size=32768, limit_concurrency=256,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])
