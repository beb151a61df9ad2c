"""The local web app: pages, an HTTP API, and what keeps both safe.

`create_app(settings)` makes the application; `edgeprofiler serve` runs it. Everything it sends
comes from the package; nothing is fetched from the internet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprofiler.core.extras import require
from edgeprofiler.views.web.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Settings", "create_app"]


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application.

    Raises:
        Unavailable: FastAPI or Jinja is not installed.
        InvalidInput: the folder of recordings is not there.
    """
    with require("web"):
        from edgeprofiler.views.web.app import build
    return build(settings or Settings())
