"""Errors as responses: a 4xx with the words that the command line prints, else a 500."""

from __future__ import annotations

import logging

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from edgeprofiler.core.errors import (
    CannotWrite,
    EdgeProfilerError,
    InsufficientData,
    InvalidInput,
    Unavailable,
    Unsupported,
    UsageError,
)
from edgeprofiler.core.text import one_line
from edgeprofiler.views.web.security import security_headers
from edgeprofiler.views.web.uploads import NoUpload

_LOG = logging.getLogger(__name__)
_STATUS: dict[type[EdgeProfilerError], int] = {
    NoUpload: 404,
    UsageError: 400,
    InvalidInput: 400,
    Unsupported: 422,
    InsufficientData: 422,
    Unavailable: 424,
    CannotWrite: 507,
}


class ErrorWords(BaseModel):
    """What went wrong."""

    kind: str = Field(description="UsageError, InvalidInput, Unsupported, Unavailable, ...")
    message: str = Field(description="One line, as the command line prints it.")


class ErrorDocument(BaseModel):
    """The body of every response that is an error."""

    error: ErrorWords


def status_of(error: EdgeProfilerError) -> int:
    """Return the HTTP status of an error."""
    return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)


def error_response(kind: str, message: str, status: int) -> JSONResponse:
    """Return an error as JSON."""
    body = {"error": {"kind": kind, "message": one_line(message)}}
    return JSONResponse(body, status_code=status)


def validation_words(error: RequestValidationError) -> str:
    """Return what is wrong with a request's fields, one phrase a field."""
    phrases = []
    for entry in error.errors()[:5]:
        place = ".".join(str(part) for part in entry["loc"] if part != "body") or "the body"
        phrases.append(f"{place[:80]}: {entry['msg'][:200]}")
    return "; ".join(phrases)


async def own_error(request: Request, error: Exception) -> Response:
    """Answer an error that EdgeProfiler raised on purpose."""
    assert isinstance(error, EdgeProfilerError)
    return answer(request, type(error).__name__, str(error), status_of(error))


async def invalid_request(request: Request, error: Exception) -> Response:
    """Answer a request whose fields have wrong types or names."""
    assert isinstance(error, RequestValidationError)
    return answer(request, "InvalidRequest", validation_words(error), 422)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer a wrong address or method."""
    assert isinstance(error, HTTPException)
    found = answer(request, "HTTPError", str(error.detail), error.status_code)
    found.headers.update(error.headers or {})
    return found


async def broken_off(request: Request, _: Exception) -> Response:
    """Say in one line that a sender went away in the middle of a request."""
    _LOG.warning("a request was broken off by its sender: %s", one_line(request.url.path))
    return Response(status_code=400)  # nobody takes it


async def unexpected(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw, without its words: they may hold paths and values.

    The server's terminal has the traceback. Middleware is passed by here, so the headers that it
    adds are added.
    """
    kind = type(error).__name__
    message = (
        f"EdgeProfiler itself failed ({kind}); the terminal that it was started in says where. "
        "Please report it with those lines"
    )
    found = answer(request, "InternalError", message, 500)
    found.headers.update(security_headers(request.url.path))
    return found


def answer(request: Request, kind: str, message: str, status: int) -> Response:
    """Return an error as JSON to programs, and as a page to browsers."""
    if request.url.path.startswith("/api/") or "html" not in request.headers.get("accept", ""):
        return error_response(kind, message, status)
    alone = "x-results-only" in request.headers
    template = "error_results.html" if alone else "error.html"
    page: Response = request.app.state.templates.TemplateResponse(
        request, template, {"message": one_line(message), "status": status}, status_code=status
    )
    return page
