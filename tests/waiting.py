"""Waiting for something that another process does, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 300.0
"""Far beyond what any machine needs; only something that never happens takes so long."""


def until(condition: Callable[[], bool], what: str = "what the test waits for") -> None:
    """Return once `condition()` holds; fail when it never does."""
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"{what} has not happened within {PATIENCE_S:.0f} s")
        time.sleep(0.01)


def ended(pid: int) -> bool:
    """Say whether a process has ended; one that nobody has waited for has, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
