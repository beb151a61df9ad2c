"""The application: middleware, routes, errors, and what happens when it starts and ends."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Thread

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from edgeprofiler._version import __version__
from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.views.web import errors
from edgeprofiler.views.web.api import build_api
from edgeprofiler.views.web.background import Background
from edgeprofiler.views.web.pages import UPLOAD, build_pages, templates
from edgeprofiler.views.web.security import Guard
from edgeprofiler.views.web.service import Service
from edgeprofiler.views.web.sessions import Sessions
from edgeprofiler.views.web.settings import Settings

_HERE = Path(__file__).parent
_UPLOADS = frozenset({"/api/v1/models", "/api/models", UPLOAD})


def build(settings: Settings) -> FastAPI:
    """Return the application; `create_app` is the way in."""
    service = Service(settings)
    background = Background(4, settings.max_waiting)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.workers.open()
        Thread(target=service.workers.start, daemon=True).start()
        yield
        service.close()

    app = FastAPI(
        title="EdgeProfiler",
        version="1",
        description=(
            "Power, runtime and energy of every layer of a CNN on an edge device, predicted "
            f"without the device. EdgeProfiler {__version__}."
        ),
        docs_url=None,  # FastAPI's page is loaded from the internet; ours is among the pages
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.templates = templates()
    app.add_exception_handler(EdgeProfilerError, errors.own_error)
    app.add_exception_handler(RequestValidationError, errors.invalid_request)
    app.add_exception_handler(HTTPException, errors.http_error)
    app.add_exception_handler(ClientDisconnect, errors.broken_off)
    app.add_exception_handler(Exception, errors.unexpected)
    api = build_api(service, background)
    app.include_router(api, prefix="/api/v1", tags=["v1"])
    app.include_router(api, prefix="/api", include_in_schema=False)  # the newest version
    app.include_router(build_pages(service, background), include_in_schema=False)
    app.mount(
        "/static/report", StaticFiles(packages=[("edgeprofiler.views.reports", "static")]), name="r"
    )
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    app.add_middleware(Sessions)
    app.add_middleware(Guard, settings=settings, uploads=_UPLOADS)
    return app
