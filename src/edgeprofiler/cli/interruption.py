"""Signals that ask a command to end: they take the way of Ctrl-C, which cleans up."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from edgeprofiler.cli.common import note
from edgeprofiler.core.errors import EXIT_INTERRUPTED
from edgeprofiler.core.interrupts import ENDING

SAME_S = 1.0
"""Within this time a further signal says the same: `timeout` sends two, a terminal one each for
its job and from its shell. Later ones interrupt a cleaning up that hangs."""


@contextmanager
def keeping(told: str) -> Iterator[None]:
    """Say on Ctrl-C in the block what is kept and how to go on, and end with its code."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"interrupted; {told}")
        raise typer.Exit(EXIT_INTERRUPTED) from None


@contextmanager
def ending_interrupts() -> Iterator[None]:
    """Raise `KeyboardInterrupt` in the block on `ENDING`, as Ctrl-C does.

    A signal that is ignored, as SIGHUP under `nohup`, stays so; a handler of someone's own stays
    in place; away from the main thread, which alone gets signals, nothing changes.
    """
    came_s = -math.inf

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal came_s
        now_s = time.monotonic()
        if now_s - came_s >= SAME_S:
            came_s = now_s
            raise KeyboardInterrupt

    ours = []
    try:
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                if signal.getsignal(number) == signal.SIG_DFL:
                    signal.signal(number, interrupt)
                    ours.append(number)
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
