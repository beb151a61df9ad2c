"""Ticks at absolute times of CLOCK_MONOTONIC, so that lateness does not add up."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat, starmap

_CLOCK_MONOTONIC = 1
_TFD_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_TFD_TIMER_ABSTIME = 1
_PR_SET_TIMERSLACK = 29
_NS = 10**9


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
        self._ticks = 0

    @property
    def waits(self) -> Iterator[object]:
        """Endless: each item comes at the next tick; those that have passed are not made up."""
        return starmap(self._wait, repeat(()))

    def due(self, time_s: float) -> int:
        """Return how many ticks were due until a time, missed ones included."""
        return int((time_s - self._start_s) / self._period_s)

    def close(self) -> None:
        """Nothing is held."""

    def _wait(self) -> None:
        self._ticks = max(self._ticks + 1, self.due(self._now_s()))
        remaining_s = self._start_s + self._ticks * self._period_s - self._now_s()
        if remaining_s > 0:
            self._sleep(remaining_s)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerTicker:
    """Ticks from a timer descriptor of Linux.

    One read a tick is the cheapest wait that Python has (os.timerfd_create needs 3.13).

    Args:
        period_s: time between ticks, at least a microsecond.

    Raises:
        OSError: this system has no timer descriptors.
    """

    def __init__(self, period_s: float) -> None:
        self._descriptor = -1
        if not sys.platform.startswith("linux"):
            raise OSError("timer descriptors are Linux's")
        libc = ctypes.CDLL(None, use_errno=True)
        # the usual slack of 50 µs would make every tick late
        libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)
        self._descriptor = libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_CLOEXEC)
        self._period_ns = round(period_s * _NS)
        self._start_ns = time.monotonic_ns()
        first_ns = self._start_ns + self._period_ns
        spec = _TimerSpec(
            _Timespec(*divmod(self._period_ns, _NS)), _Timespec(*divmod(first_ns, _NS))
        )
        if self._descriptor < 0 or libc.timerfd_settime(
            self._descriptor, _TFD_TIMER_ABSTIME, ctypes.byref(spec), None
        ):
            self.close()
            raise OSError(ctypes.get_errno(), "no timer descriptor")

    @property
    def waits(self) -> Iterator[object]:
        """Endless: each item comes at the next tick, at once if one has passed since the last."""
        return starmap(os.read, repeat((self._descriptor, 8)))

    def due(self, time_s: float) -> int:
        """Return how many ticks were due until a time, missed ones included."""
        return int((time_s * _NS - self._start_ns) / self._period_ns)

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
