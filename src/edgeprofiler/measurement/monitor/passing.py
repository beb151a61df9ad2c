"""Signals that are meant to end a program, on their way through the one that measures it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

SAME_S = 1.0
"""Within this time a signal that comes again is the same one: `timeout` sends each twice."""
SETTLE_S = 0.5
"""A signal to the whole process group has reached all of it after this time."""
LOOK_S = 0.01
_PENDING = ("SigPnd", "ShdPnd")


class Passing:
    """Passes signals on to a program, unless they were sent to it as well.

    Ctrl-C in a terminal, its hang-up and `timeout` signal the whole process group. If we passed
    those on too, the program would get them twice, and the second would break off the cleaning
    up that the first began. Who else was meant cannot be asked; but a witness in the same group,
    a process that does nothing and dies of any signal, tells whether it was the group.

    Signals that are ignored stay so, for the program too. Away from the main thread, and on
    systems without process groups, no signal is touched.

    Args:
        numbers: the signals; those of this process until `__exit__`, once `hold` was called.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        main = threading.current_thread() is threading.main_thread()
        may = main and hasattr(os, "getpgid")
        # `None` is a handler that Python did not install and could not put back
        self._numbers = [
            number
            for number in numbers
            if may and signal.getsignal(number) not in (signal.SIG_IGN, None)
        ]
        self._before: dict[int, Any] = {}
        self._came_s: dict[int, float] = {}
        self._early: list[int] = []
        self._program: subprocess.Popen[bytes] | None = None
        self._witness: subprocess.Popen[bytes] | None = None
        self._died_s: dict[int, float] = {}

    def __enter__(self) -> Passing:
        if self._numbers:
            self._witness = _start_witness()
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        _end(self._witness)

    def hold(self) -> None:
        """From now on keep signals for the program, which is about to be started."""
        for number in self._numbers:
            self._before[number] = signal.getsignal(number)
            signal.signal(number, self._take)

    def to(self, program: subprocess.Popen[bytes]) -> None:
        """From now on pass signals on to the program, and first those that were kept for it."""
        self._program = program
        for number in self._early:
            program.send_signal(number)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if now_s - self._came_s.get(number, -math.inf) < SAME_S:
            return
        self._came_s[number] = now_s
        if self._program is None:
            self._early.append(number)
        elif not self._has_it(self._program, number):
            self._program.send_signal(number)

    def _has_it(self, program: subprocess.Popen[bytes], number: int) -> bool:
        """Return whether the signal that came was sent to the program too, or is not needed."""
        with suppress(ProcessLookupError):
            if os.getpgid(program.pid) != os.getpgrp():
                return False
        end_s = time.monotonic() + SETTLE_S
        while (now_s := time.monotonic()) < end_s:
            self._ask_witness(now_s)
            if now_s - self._died_s.get(number, -math.inf) < SAME_S or _has_ended(program.pid):
                return True
            time.sleep(LOOK_S)
        return False

    def _ask_witness(self, now_s: float) -> None:
        """Note which signal the witness has died of; another one stands in for the next."""
        witness = self._witness
        if witness is None:
            return
        if witness.poll() is not None:
            self._died_s[-witness.returncode] = now_s
            _end(witness)
            self._witness = _start_witness()
        else:
            # on a busy machine it may take long to die of what has reached it
            self._died_s.update(dict.fromkeys(_waiting(witness.pid), now_s))


def _start_witness() -> subprocess.Popen[bytes] | None:
    """Start a process that waits for nothing; it ends when we do, however we end."""
    try:
        return subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None


def _waiting(pid: int) -> set[int]:
    """Return the signals that have reached a process and are not handled yet; Linux tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return set()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line[:6] in _PENDING]
    return {n for n in range(1, signal.NSIG) if any(mask >> (n - 1) & 1 for mask in masks)}


def _end(witness: subprocess.Popen[bytes] | None) -> None:
    if witness is not None:
        assert witness.stdin is not None
        witness.stdin.close()
        witness.wait()


def _has_ended(pid: int) -> bool:
    """Return whether a child has ended, and leave its exit code to be fetched."""
    if not hasattr(os, "waitid"):
        return False
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
