"""Work beside the event loop, in turns, so that quick answers stay quick."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException

T = TypeVar("T")


class Background:
    """A bounded number of threads, and a bounded number of requests that wait for one."""

    def __init__(self, threads: int, max_waiting: int) -> None:
        self._threads = threads
        self._max = threads + max_waiting
        self._now = 0
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Return what `function` returns, computed in a thread.

        Raises:
            HTTPException: too many requests wait already (429).
        """
        async with self.turn():
            return await self.beside(function, *arguments)

    async def beside(self, function: Callable[..., T], *arguments: object) -> T:
        """Return what `function` returns, for a request that has its turn already."""
        if self._limiter is None:  # belongs to the event loop that runs now
            self._limiter = anyio.CapacityLimiter(self._threads)
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._limiter)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Count a request that needs time; refuse one too many."""
        if self._now >= self._max:
            raise HTTPException(429, "too many requests at once; try again")
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1
