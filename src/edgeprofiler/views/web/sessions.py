"""Whose a file is: a browser's session, told by a cookie that other sites cannot send.

A file that a program sends without a cookie belongs to nobody; it is reached by its address, which
cannot be guessed, and listed on no page.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "edgeprofiler-session"
SESSION: ContextVar[str] = ContextVar("session", default="")
"""The session that the request at hand belongs to; empty without one."""

_KNOWN = re.compile(r"[0-9a-f]{32}")
_NO_PAGES = ("/api/", "/static/")
"""What programs and pages load begins no session."""


class Sessions:
    """ASGI middleware: tells each request's session, and begins one with a browser's first page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, in its session."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        known = _session(headers.get("cookie", ""))
        fresh = "" if known or not _begins(scope, headers) else secrets.token_hex(16)

        async def told(message: Message) -> None:
            if fresh and message["type"] == "http.response.start":
                MutableHeaders(scope=message).append(
                    "set-cookie", f"{COOKIE}={fresh}; Path=/; HttpOnly; SameSite=Strict"
                )
            await send(message)

        token = SESSION.set(known or fresh)
        try:
            await self._app(scope, receive, told)
        finally:
            SESSION.reset(token)


def _session(cookies: str) -> str:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None and _KNOWN.fullmatch(found.value) else ""


def _begins(scope: Scope, headers: Headers) -> bool:
    """Say whether a session may begin.

    A link from another site brings no cookie along; what it began would take the place of the
    session that is there.
    """
    site = headers.get("sec-fetch-site", "none")
    return site in ("none", "same-origin") and not scope["path"].startswith(_NO_PAGES)
