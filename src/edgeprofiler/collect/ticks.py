"""Waiting for absolute times of CLOCK_MONOTONIC, so that lateness does not add up."""

from __future__ import annotations

import ctypes
import errno
import sys
import time
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_TIMER_ABSTIME = 1
_PR_SET_TIMERSLACK = 29


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        _ = libc.clock_nanosleep, libc.prctl
    except (OSError, AttributeError):
        return None
    return libc


def wait_until_function() -> Callable[[float], None]:
    """Return the best way this machine has to sleep until a monotonic time in seconds.

    Also asks the kernel for the shortest timer slack of this thread: the usual 50 µs would
    make every tick late.
    """
    libc = _libc()
    if libc is None:
        return _sleep_until
    libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)
    nanosleep = libc.clock_nanosleep
    nanosleep.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    nanosleep.restype = ctypes.c_int
    deadline = _Timespec()
    address = ctypes.addressof(deadline)

    def wait(until_s: float) -> None:
        whole = int(until_s)
        deadline.seconds = whole
        deadline.nanoseconds = int((until_s - whole) * 1e9)
        while nanosleep(_CLOCK_MONOTONIC, _TIMER_ABSTIME, address, None) == errno.EINTR:
            pass

    wait.keeps = deadline  # type: ignore[attr-defined]  # the structure must outlive its address
    return wait


def _sleep_until(until_s: float) -> None:
    remaining = until_s - time.monotonic()
    if remaining > 0:
        time.sleep(remaining)


class Ticker:
    """Ticks at multiples of a period after its start and counts the ticks that were missed.

    Args:
        period_s: time between ticks.
        now_s: the clock; injected in tests.
        wait_until: how to wait; injected in tests.
    """

    def __init__(
        self,
        period_s: float,
        now_s: Callable[[], float] = time.monotonic,
        wait_until: Callable[[float], None] | None = None,
    ) -> None:
        self._period_s = period_s
        self._now_s = now_s
        self._wait_until = wait_until or wait_until_function()
        self._start_s = now_s()
        self._next = 0
        self.ticks = 0
        """Ticks that were due so far, missed ones included."""
        self.missed = 0
        """Ticks that passed without a chance to sample."""

    def wait(self) -> None:
        """Return at the next tick; ticks that have passed meanwhile are missed, not made up."""
        self._next += 1
        late = (self._now_s() - self._start_s) / self._period_s - self._next
        if late >= 1:
            skipped = int(late)
            self.missed += skipped
            self._next += skipped
        self.ticks = self._next
        self._wait_until(self._start_s + self._next * self._period_s)
