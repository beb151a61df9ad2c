"""A signal that comes while something is half done interrupts once it is done."""

import signal
import threading

import pytest

from edgeprofiler.core.interrupts import held_interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_waits_for_the_end_of_the_block(number: int) -> None:
    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    steps: list[str] = []

    def work() -> None:
        with held_interrupts():
            signal.raise_signal(number)
            steps.append("half")
            signal.raise_signal(number)
            steps.append("whole")

    before = signal.signal(number, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
        assert steps == ["half", "whole"]
        assert signal.getsignal(number) is interrupt
    finally:
        signal.signal(number, before)


def test_signals_that_raise_nothing_and_other_threads_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def work() -> None:
        with held_interrupts():
            found.append(signal.getsignal(signal.SIGINT))

    with held_interrupts():
        assert signal.getsignal(signal.SIGTERM) == before
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
