"""Connections that are not kept for ever: whoever stalls is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from edgeprofiler.core.extras import require


def impatient(stall_s: float) -> type[Any]:
    """Return uvicorn's protocol of HTTP, dropping who sends or takes nothing for so long.

    That is a client that has begun a request and does not go on, or does not read its answer.
    While we compute nobody is dropped, and idle connections are uvicorn's to close.

    Raises:
        Unavailable: uvicorn is not installed.
    """
    with require("web"):
        from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):  # type: ignore[misc, unused-ignore]
        _timer: asyncio.TimerHandle | None = None
        _paused: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            _cancel(self._timer)
            _cancel(self._paused)
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._paused = self._later(self.transport.abort)

        def resume_writing(self) -> None:
            _cancel(self._paused)
            super().resume_writing()

        def _wait(self) -> None:
            """Begin to wait for the rest of a request, where there is a rest."""
            _cancel(self._timer)
            cycle: Any = self.cycle
            if cycle is None or cycle.response_complete or cycle.more_body:
                self._timer = self._later(self._stalled)

        def _stalled(self) -> None:
            # Between two requests the connection is idle, which uvicorn bounds.
            if self.timeout_keep_alive_task is None:
                self.transport.abort()

        def _later(self, act: Callable[[], None]) -> asyncio.TimerHandle:
            return self.loop.call_later(stall_s, act)

    return Impatient


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
