"""Ticks come at multiples of the period; lateness is counted and never adds up."""

import pytest

from edgeprofiler.collect import ticks
from edgeprofiler.collect.ticks import Ticker, TimerTicker, make_ticker
from edgeprofiler.testing import VirtualClock


def test_ticks_come_at_multiples_of_the_period_however_long_the_work_takes():
    clock = VirtualClock(100.0)
    ticker = Ticker(0.01, clock.now_s, clock.sleep)
    times = []
    for work_s in (0.0, 0.004, 0.009, 0.0, 0.005):
        ticker.wait()
        times.append(round(clock.now_s() - 100.0, 6))
        clock.sleep(work_s)
    assert times == [0.01, 0.02, 0.03, 0.04, 0.05]
    assert (ticker.ticks, ticker.missed) == (5, 0)


def test_ticks_that_pass_during_work_are_missed_and_counted():
    clock = VirtualClock()
    ticker = Ticker(0.01, clock.now_s, clock.sleep)
    ticker.wait()
    clock.sleep(0.0351)
    ticker.wait()
    assert ticker.missed == 2
    ticker.wait()
    assert clock.now_s() == pytest.approx(0.05)
    assert ticker.ticks == 5
    ticker.close()


def test_the_kernel_s_timer_counts_what_was_missed():
    import time

    ticker = TimerTicker(0.001)
    ticker.wait()
    time.sleep(0.02)
    ticker.wait()
    assert ticker.missed >= 15
    assert ticker.ticks - ticker.missed == 2
    ticker.close()
    ticker.close()


def test_other_systems_fall_back_to_sleeping(monkeypatch):
    monkeypatch.setattr(ticks.sys, "platform", "darwin")
    assert isinstance(make_ticker(0.001), Ticker)
