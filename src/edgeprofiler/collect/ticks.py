"""Ticks at absolute times of CLOCK_MONOTONIC, so that lateness does not add up."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_TFD_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_PR_SET_TIMERSLACK = 29


class Ticker:
    """Ticks at multiples of a period after its start, for systems without timer descriptors.

    Args:
        period_s: time between ticks.
        now_s: the clock; injected in tests.
        sleep: how to wait for a duration; injected in tests.
    """

    def __init__(
        self,
        period_s: float,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._period_s = period_s
        self._now_s = now_s
        self._sleep = sleep
        self._start_s = now_s()
        self.ticks = 0
        """Ticks that were due so far, missed ones included."""
        self.missed = 0
        """Ticks that passed without a chance to sample."""

    def wait(self) -> None:
        """Return at the next tick; ticks that have passed meanwhile are missed, not made up."""
        self.ticks += 1
        late = int((self._now_s() - self._start_s) / self._period_s - self.ticks)
        if late > 0:
            self.missed += late
            self.ticks += late
        remaining_s = self._start_s + self.ticks * self._period_s - self._now_s()
        if remaining_s > 0:
            self._sleep(remaining_s)

    def close(self) -> None:
        """Nothing is held."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerTicker:
    """Ticks from a timer descriptor of Linux: the kernel counts those that were missed.

    One read a tick is the cheapest wait that Python has (os.timerfd_create needs 3.13).

    Args:
        period_s: time between ticks, at least a microsecond.

    Raises:
        OSError: this system has no timer descriptors.
    """

    def __init__(self, period_s: float) -> None:
        self.ticks = 0
        self.missed = 0
        self._descriptor = -1
        if not sys.platform.startswith("linux"):
            raise OSError("timer descriptors are Linux's")
        libc = ctypes.CDLL(None, use_errno=True)
        # the usual slack of 50 µs would make every tick late
        libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)
        self._descriptor = libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_CLOEXEC)
        seconds, nanoseconds = divmod(round(period_s * 1e9), 10**9)
        period = _Timespec(seconds, nanoseconds)
        spec = _TimerSpec(period, period)
        if self._descriptor < 0 or libc.timerfd_settime(
            self._descriptor, 0, ctypes.byref(spec), None
        ):
            raise OSError(ctypes.get_errno(), "no timer descriptor")

    def wait(self) -> None:
        """Return at the next tick, at once if one is due."""
        due = int.from_bytes(os.read(self._descriptor, 8), sys.byteorder)
        self.ticks += due
        self.missed += due - 1

    def close(self) -> None:
        """Give the timer back; harmless when closed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def make_ticker(period_s: float) -> Ticker | TimerTicker:
    """Return the best ticker that this system has."""
    try:
        return TimerTicker(period_s)
    except (OSError, AttributeError):
        return Ticker(period_s)
