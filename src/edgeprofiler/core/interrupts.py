"""Signals that ask a process to end, at a moment at which nothing is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(
    # Windows has no SIGHUP
    signal.Signals[name]
    for name in ("SIGTERM", "SIGHUP")
    if name in signal.Signals.__members__
)
"""What `kill`, `timeout`, a batch system, and a terminal that is closed send."""


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Let signals that raise in the main thread wait for the end of the block, which must be short.

    A handler that raises between the taking of a lock and the `with` that gives it back leaves it
    taken: whoever needs it then waits for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
    ours = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number in ours:
            signal.signal(number, lambda *which: came.append(which))
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        for which, frame in came[:1]:
            ours[signal.Signals(which)](which, frame)
