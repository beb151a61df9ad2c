"""Ticks come at multiples of the period; lateness is counted and never adds up."""

import time
from collections import deque
from itertools import islice

import pytest

from edgeprofiler.measurement.collect import ticks
from edgeprofiler.measurement.collect.ticks import Ticker, TimerTicker, make_ticker
from edgeprofiler.testing import VirtualClock


def test_ticks_come_at_multiples_of_the_period_however_long_the_work_takes():
    clock = VirtualClock(100.0)
    ticker = Ticker(0.01, clock.now_s, clock.sleep)
    times = []
    for work_s, _ in zip((0.0, 0.004, 0.009, 0.0, 0.005), ticker.waits, strict=False):
        times.append(round(clock.now_s() - 100.0, 6))
        clock.sleep(work_s)
    assert times == [0.01, 0.02, 0.03, 0.04, 0.05]
    assert ticker.due(100.0501) == 5


def test_ticks_that_pass_during_work_are_missed_and_counted():
    clock = VirtualClock()
    ticker = Ticker(0.01, clock.now_s, clock.sleep)
    waits = ticker.waits
    next(waits)
    clock.sleep(0.0351)
    next(waits)
    assert clock.now_s() == pytest.approx(0.0451)
    assert ticker.due(clock.now_s()) - 2 == 2
    next(waits)
    assert clock.now_s() == pytest.approx(0.05)
    assert ticker.due(clock.now_s() + 1e-6) == 5
    ticker.close()


def test_the_kernel_s_timer_does_not_make_up_for_what_was_missed():
    ticker = TimerTicker(0.001)
    waits = ticker.waits
    next(waits)
    time.sleep(0.02)
    next(waits)
    due = ticker.due(time.monotonic())
    assert due >= 17
    deque(islice(waits, 10), maxlen=0)
    assert ticker.due(time.monotonic()) >= due + 9, "at most the first came at once"
    ticker.close()
    ticker.close()


def test_the_kernel_s_timer_never_wakes_before_its_tick_is_due():
    ticker = TimerTicker(0.0007)
    due = [ticker.due(time.monotonic()) for _ in islice(ticker.waits, 200)]
    assert all(count >= number for number, count in enumerate(due, 1))
    ticker.close()


def test_other_systems_fall_back_to_sleeping(monkeypatch):
    monkeypatch.setattr(ticks.sys, "platform", "darwin")
    assert isinstance(make_ticker(0.001), Ticker)
