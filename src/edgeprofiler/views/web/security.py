"""What every request must pass and every response carries, whatever the page.

A local server is reachable from every page that the user's browser shows. So a request must be
addressed to this server by a name that is its own (else another site's name could be made to
point here), one that changes or computes anything must come from its own pages or from no page at
all, and no body may exceed its bound.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from edgeprofiler.views.web.settings import Settings, is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BASE = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=()",
}


def policy(**changes: str) -> str:
    """Return the content-security policy; names of `changes` have `_` for `-`."""
    table = {**_BASE, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return "; ".join(f"{name} {value}" for name, value in table.items())


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


STRICT = policy()
PLOTS = policy(
    style_src=f"'self' {_hashed('')} 'unsafe-hashes' {_hashed('font-weight:bold')}",
    img_src="'self' data: blob:",
)
"""For pages with plots: plotly adds an empty style sheet, which it fills rule by rule, and an
attribute for what is bold in a tip; it draws a picture to be saved from a blob of the page. No
other style can be written into such a page."""


class Guard:
    """ASGI middleware: names, origins and sizes are checked before anything reads a request."""

    def __init__(self, app: ASGIApp, settings: Settings, uploads: frozenset[str]) -> None:
        self._app = app
        self._settings = settings
        self._uploads = uploads
        self._names = {"localhost", settings.host.lower().strip("[]")}
        self._names.update(name.lower().strip("[]") for name in settings.allowed_hosts)
        self._local = is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _headers(scope)
        limit = self._limit(scope["path"])
        refusal = self._refusal(scope, headers, limit)
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, _too_large(limit))
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                for name, value in security_headers(scope["path"]).items():
                    own.setdefault(name, value)
            await send(message)

        app = self._app if refusal is None else _refused(*refusal)
        await app(scope, bounded, guarded)

    def _limit(self, path: str) -> int:
        if path in self._uploads:
            return self._settings.max_upload_bytes + 4096
        return self._settings.max_body_bytes

    def _refusal(self, scope: Scope, headers: dict[str, str], limit: int) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self._own_name(host):
            return 421, (
                f"this server is not called {host[:80]!r}; open it as "
                f"http://localhost:{self._settings.port}, or start it with "
                "`edgeprofiler serve --allow-host`"
            )
        if scope["method"] not in _SAFE and not _same_origin(headers, host):
            return 403, "a request from another site's page is refused"
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return 400, "the content-length is no number"
        if len(length) > 18 or int(length) > limit:
            return 413, _too_large(limit)
        return None

    def _own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # No name server can make an address point elsewhere: it is what the browser connects to.
        return address.is_loopback or not self._local


def _same_origin(headers: dict[str, str], host: str) -> bool:
    """Say whether a request comes from our own pages, or from no browser's page."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        # A header that is sent twice is joined, and so matches nothing that is expected.
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def security_headers(path: str) -> dict[str, str]:
    """Return what every response carries, unless it says otherwise itself."""
    # The package's own files may be kept, but are asked for again: another version may run here.
    kept = "no-cache" if path.startswith("/static/") else "no-store"
    return {**HEADERS, "content-security-policy": STRICT, "cache-control": kept}


def _too_large(limit: int) -> str:
    return f"the request is too large; the limit is {limit / 1e6:.3g} MB"


def _refused(status: int, message: str) -> JSONResponse:
    body = {"error": {"kind": "Refused", "message": message}}
    return JSONResponse(body, status, headers={"connection": "close"})
