"""A server outlives those who stall, break off, fill the disk, or killed it before."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

anyio = pytest.importorskip("anyio", reason="the web extra is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="the web extra is not installed")

from fastapi.testclient import TestClient  # noqa: E402 (after the skips)

from edgeprofiler.core.errors import CannotWrite  # noqa: E402
from edgeprofiler.views.web import Settings, create_app, receive  # noqa: E402
from edgeprofiler.views.web.background import Background  # noqa: E402
from edgeprofiler.views.web.connections import impatient  # noqa: E402
from edgeprofiler.views.web.service import Service  # noqa: E402
from edgeprofiler.views.web.uploads import Uploads, clear_abandoned  # noqa: E402


async def application(scope, receive, send) -> None:
    """Answer with as many bytes as the path says, once the whole request is there."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    size = int(scope["path"].strip("/") or 1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(max(1, size >> 16)):
        await send({"type": "http.response.body", "body": b"x" * min(size, 1 << 16),
                    "more_body": True})  # fmt: skip
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(
        application, http=impatient(0.5), lifespan="off", log_level="error", timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True
        )
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(60)


def rest(client: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    client.settimeout(60)
    parts = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(1 << 16):
            parts += part
    return parts


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab",
    ],
)
def test_who_does_not_go_on_with_a_request_is_dropped(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(begun)
        assert b"200 OK" not in rest(client)


def test_who_does_not_take_the_answer_is_dropped(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /100000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        time.sleep(3)
        assert len(rest(client)) < 100_000_000


def test_who_is_served_is_not_dropped(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += client.recv(4096)
            assert b"200 OK" in answer
            time.sleep(0.7)


async def full() -> AsyncIterator[bytes]:
    yield b"x"
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_507() -> None:
    service = Service(Settings())
    with pytest.raises(CannotWrite, match="free space"):
        anyio.run(receive._receive, full(), service, Background(1, 1), "m.onnx")
    from edgeprofiler.views.web.errors import status_of

    assert status_of(CannotWrite("x", "full")) == 507


def test_uploads_of_a_killed_server_are_cleared_and_those_of_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = (
        "import os\nfrom edgeprofiler.views.web.uploads import Uploads\n"
        "here = Uploads(1, 1)\nhere.new_path('a.onnx').write_bytes(b'1')\nos.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", killed], env=environment, check=False)
    assert ran.returncode == -9
    (left,) = tmp_path.iterdir()
    here = Uploads(1, 1)
    mine = here.new_path("b.onnx")
    assert not left.exists()
    clear_abandoned()
    assert mine.parent.is_dir()
    here.close()


def test_links_that_lead_out_of_the_folder_of_recordings_are_not_shown(tmp_path: Path) -> None:
    shown, outside = tmp_path / "shown", tmp_path / "outside"
    for folder in (shown / "inside", outside):
        folder.mkdir(parents=True)
        (folder / "recording.json").write_text("{}")
    (shown / "away").symlink_to(outside)
    (shown / "mixed").mkdir()
    (shown / "mixed" / "recording.json").symlink_to(outside / "recording.json")
    assert Service(Settings(recordings=shown)).recordings() == ("inside",)


def test_an_upload_that_is_broken_off_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    from starlette.requests import ClientDisconnect

    app = create_app(Settings())

    @app.post("/gone")
    async def gone() -> None:
        raise ClientDisconnect

    with TestClient(app, base_url="http://127.0.0.1:8321") as client:
        client.post("/gone")
    assert [r.getMessage() for r in caplog.records if "broken off" in r.message] == [
        "a request was broken off by its sender: /gone"
    ]
