"""Remotes that run here: an S3 server, one that breaks off, and a small DagsHub."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from paths import ROOT


def moto_server() -> str | None:
    """Return the S3 server's program: it lives in an environment of its own."""
    candidates = (
        os.environ.get("EDGEPROFILER_MOTO_SERVER"),
        shutil.which("moto_server"),
        str(ROOT / ".venv-moto" / "bin" / "moto_server"),
    )
    return next((c for c in candidates if c and Path(c).is_file()), None)


@dataclass
class S3:
    """A local S3 server seen through a gateway that can be told to break off."""

    url: str
    bucket: str = "data"
    requests: list[str] = field(default_factory=list)
    """Method and path of every request for an object."""
    allowed: dict[str, int] = field(default_factory=dict)
    """Requests for objects of a method that still pass; the connection is cut after those."""


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an S3 server."""
    program = moto_server()
    if program is None:
        pytest.skip("no moto_server (set EDGEPROFILER_MOTO_SERVER, or make .venv-moto)")
    port = _free_port()
    log = (tmp_path_factory.mktemp("moto") / "log").open("w")
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=subprocess.STDOUT
    )
    try:
        for _ in range(3000):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=10).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert process.poll() is None, "the S3 server has ended"
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()
        log.close()


@pytest.fixture
def s3(moto: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """An empty bucket behind the gateway."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{moto}/moto-api/reset", method="POST")
    ).close()
    urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{moto}/data", method="PUT")
    ).close()
    state = S3("")

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 300

        def _pass(self) -> None:
            path = self.path.split("?")[0]
            # A folder's listing is asked for several times; files are what must not be.
            is_object = "/files/md5/" in path and not path.endswith(("/files/md5/", ".dir"))
            if is_object:
                state.requests.append(f"{self.command} {path}")
                left = state.allowed.get(self.command)
                if left is not None:
                    if left <= 0:
                        self.close_connection = True
                        return
                    state.allowed[self.command] = left - 1
            body = _body_of(self)
            hop = ("expect", "transfer-encoding", "content-length", "connection")
            headers = {k: v for k, v in self.headers.items() if k.lower() not in hop}
            there = http.client.HTTPConnection("127.0.0.1", moto, timeout=300)
            there.request(self.command, self.path, body, headers)
            answer = there.getresponse()
            content = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            size = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", size or str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass  # noqa: N815, their names are given

        def log_message(self, *arguments: object) -> None:
            pass

    with Serving(Gateway) as url:
        state.url = url
        yield state


@dataclass
class DagsHub:
    """A server that answers as much of DagsHub's interface as its client asks for."""

    url: str = ""
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """How each path of `main` is versioned (git or dvc), and its bytes."""
    raw: list[str] = field(default_factory=list)
    """Paths that were downloaded, in order."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """What was pushed to its DVC remote."""
    fails_after: int | None = None
    """Downloads that still succeed."""
    altered: set[str] = field(default_factory=set)
    token: str = "a-token"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsHub]:
    """A small DagsHub with the repository `owner/repo`, and a user's token."""
    state = DagsHub()
    api = "/api/v1/repos/owner/repo"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 300

        def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response_only(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode())

        def do_GET(self) -> None:
            path = self.path.split("?")[0].rstrip("/")
            if path == "/api/v1/user":
                good = self.headers.get("Authorization") == f"Bearer {state.token}"
                self._json({"login": "me", "username": "me"}) if good else self._send(401, b"{}")
            elif path == api:
                self._json(_repository(state.url))
            elif path.startswith(f"{api}/content/main/"):
                self._content(path.removeprefix(f"{api}/content/main/"))
            elif path.startswith(f"{api}/raw/main/"):
                self._raw(path.removeprefix(f"{api}/raw/main/"))
            elif path.startswith("/owner/repo.dvc/"):
                self._object(path)
            else:
                self._send(404, b"{}")

        do_HEAD = do_GET  # noqa: N815

        def do_POST(self) -> None:
            body = _body_of(self)
            basic = base64.b64encode(f"owner:{state.token}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {basic}":
                self._send(401, b"{}")
                return
            state.objects[self.path] = body
            self._send(200, b"{}")

        do_PUT = do_POST  # noqa: N815

        def _content(self, path: str) -> None:
            if path in state.files:
                self._json(_entry(path, *state.files[path]))
                return
            inside = [p.removeprefix(f"{path}/") for p in state.files if p.startswith(f"{path}/")]
            if not inside:
                self._send(404, b"{}")
                return
            entries = []
            for name in sorted({p.split("/")[0] for p in inside}):
                full = f"{path}/{name}"
                if full in state.files:
                    entries.append(_entry(full, *state.files[full]))
                else:
                    entries.append(_entry(full, "dir", b""))
            self._json(entries)

        def _raw(self, path: str) -> None:
            if state.fails_after is not None:
                if state.fails_after <= 0:
                    self._send(502, b"")
                    return
                state.fails_after -= 1
            state.raw.append(path)
            data = state.files[path][1]
            self._send(200, data[::-1] if path in state.altered else data, "text/plain")

        def _object(self, path: str) -> None:
            if path in state.objects:
                self._send(200, state.objects[path], "application/octet-stream")
            else:
                self._send(404, b"")

        def log_message(self, *arguments: object) -> None:
            pass

    with Serving(Handler) as url:
        state.url = url
        monkeypatch.setenv("DAGSHUB_CLIENT_HOST", url)
        monkeypatch.setenv("DAGSHUB_USER_TOKEN", state.token)
        yield state


def _body_of(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    body = b""
    while size := int(request.rfile.readline().strip() or b"0", 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def _entry(path: str, versioning: str, data: bytes) -> dict[str, object]:
    is_dir = versioning == "dir"
    if versioning == "git":
        digest = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    else:
        digest = hashlib.md5(data).hexdigest()
    return {
        "path": path, "type": "dir" if is_dir else "file", "size": len(data), "hash": digest,
        "versioning": "git" if is_dir else versioning, "download_url": "", "content_url": "",
    }  # fmt: skip


def _repository(url: str) -> dict[str, object]:
    user = {"id": 1, "login": "owner", "full_name": "", "avatar_url": "", "public": True,
            "email": "", "username": "owner"}  # fmt: skip
    return {
        "id": 1, "owner": user, "name": "repo", "full_name": "owner/repo", "description": "",
        "private": False, "fork": False, "parent": None, "empty": False, "mirror": False,
        "size": 1, "html_url": url, "clone_url": url, "ssh_url": "", "stars_count": 0,
        "forks_count": 0, "watchers_count": 0, "open_issues_count": 0, "default_branch": "main",
        "created_at": "", "updated_at": "", "permissions": None,
    }  # fmt: skip


class Serving:
    """A server in a thread of its own."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
