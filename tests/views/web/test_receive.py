"""A file arrives in time and within bounds, or not at all; few requests wait at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

anyio = pytest.importorskip("anyio", reason="the web extra is not installed")
pytest.importorskip("fastapi", reason="the web extra is not installed")

from starlette.exceptions import HTTPException  # noqa: E402 (after the skips)

from edgeprofiler.core.errors import InvalidInput  # noqa: E402
from edgeprofiler.views.web import Settings, receive  # noqa: E402
from edgeprofiler.views.web.background import Background  # noqa: E402
from edgeprofiler.views.web.service import Service  # noqa: E402


async def trickle() -> AsyncIterator[bytes]:
    yield b"x"
    await anyio.sleep(3600)
    yield b"y"


async def flood() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 1000


@pytest.mark.parametrize(
    ("chunks", "seconds", "words"),
    [(trickle, 0.1, "did not arrive within"), (flood, 600.0, "is larger than")],
)
def test_what_does_not_end_is_given_up(chunks, seconds: float, words: str) -> None:
    service = Service(Settings(upload_seconds=seconds, max_upload_bytes=50_000))
    with pytest.raises(InvalidInput, match=words):
        anyio.run(receive._receive, chunks(), service, Background(1, 1), "slow.onnx")
    assert service.uploads.all() == ()
    folder = service.uploads.new_path("x").parents[1]
    assert len(list(folder.iterdir())) == 1
    service.close()


def test_one_request_too_many_is_told_to_come_back() -> None:
    async def work() -> None:
        background = Background(1, 1)
        async with background.turn(), background.turn():
            with pytest.raises(HTTPException, match="try again"):
                await background.run(len, "x")
        assert await background.run(len, "x") == 1

    anyio.run(work)
