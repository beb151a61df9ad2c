"""A program that is measured gets its signals; a caller's own handlers are left alone."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from waiting import PATIENCE_S, ended, until

from edgeprofiler.measurement.monitor import passing, run_program
from edgeprofiler.measurement.monitor.passing import Passing
from edgeprofiler.testing import FakeSensor

pytestmark = pytest.mark.skipif(not hasattr(os, "getpgid"), reason="needs POSIX's signals")

SLEEPER = (
    "import os, sys, time\n"
    "with open(sys.argv[1] + '.new', 'w') as told: told.write(str(os.getpid()))\n"
    "os.rename(sys.argv[1] + '.new', sys.argv[1])\n"
    "time.sleep(10_000)"
)
NUMBER = signal.SIGUSR1


@pytest.fixture
def heard():
    """Note what comes to a handler of this process's own."""
    came = []
    before = signal.signal(NUMBER, lambda number, _frame: came.append(number))
    yield came
    signal.signal(NUMBER, before)


@pytest.fixture
def sleeper(tmp_path):
    """Return a program that sleeps, and what to call to send a signal to us once it does."""
    told = tmp_path / "pid"

    def send():
        until(told.exists, "the program's start")
        os.kill(os.getpid(), NUMBER)

    return [sys.executable, "-c", SLEEPER, str(told)], threading.Thread(target=send), told


def test_a_signal_goes_to_the_program_and_what_it_drew_is_returned(heard, sleeper):
    command, sender, _ = sleeper
    handler = signal.getsignal(NUMBER)
    sender.start()
    code, found = run_program(command, FakeSensor(power_w=8.0), period_s=0.002, pass_on=[NUMBER])
    assert code == -NUMBER
    assert found.mean_w == pytest.approx(8.0, abs=0.01)
    assert heard == []
    assert signal.getsignal(NUMBER) is handler


def test_without_being_asked_no_handler_is_changed(monkeypatch):
    def refuse(*_):
        raise AssertionError("touched a signal")

    monkeypatch.setattr(signal, "signal", refuse)
    assert run_program([sys.executable, "-c", ""], FakeSensor(), period_s=0.002)[0] == 0


def test_away_from_the_main_thread_a_program_is_measured_without_touching_signals(monkeypatch):
    def refuse(*_):
        raise AssertionError("touched a signal")

    monkeypatch.setattr(signal, "signal", refuse)
    codes = []

    def run():
        code, _ = run_program(
            [sys.executable, "-c", "raise SystemExit(3)"], FakeSensor(), period_s=0.002,
            pass_on=[NUMBER],
        )  # fmt: skip
        codes.append(code)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert codes == [3]


def test_a_caller_s_handler_that_raises_does_not_leave_the_program_running(sleeper):
    command, sender, told = sleeper

    def leave(*_):
        raise SystemExit(5)

    before = signal.signal(NUMBER, leave)
    try:
        sender.start()
        with pytest.raises(SystemExit):
            run_program(command, FakeSensor(), period_s=0.002)
    finally:
        signal.signal(NUMBER, before)
    assert ended(int(told.read_text()))


def test_a_caller_s_handler_that_raises_while_the_program_is_started_does_not_lose_it(
    sleeper, monkeypatch
):
    command, _, told = sleeper
    raised = threading.Event()

    class Slow(subprocess.Popen):
        """Does not return before the signal that the program sends, so to speak, has come."""

        def __init__(self, arguments, **more):
            super().__init__(arguments, **more)
            if arguments == command:
                until(told.exists, "the program's start")
                os.kill(os.getpid(), NUMBER)
                assert raised.wait(PATIENCE_S)

    def leave(*_):
        raised.set()
        raise SystemExit(5)

    monkeypatch.setattr(subprocess, "Popen", Slow)
    before = signal.signal(NUMBER, leave)
    try:
        with pytest.raises(SystemExit):
            run_program(command, FakeSensor(), period_s=0.002)
    finally:
        signal.signal(NUMBER, before)
    assert ended(int(told.read_text()))


def test_a_signal_that_comes_while_the_program_is_started_is_kept_for_it(heard):
    with Passing([NUMBER]) as passed:
        passed.hold()
        signal.raise_signal(NUMBER)
        program = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        passed.to(program)
        assert program.wait() == -NUMBER
    program.stdin.close()
    assert heard == []


def test_where_no_witness_can_be_started_signals_are_passed_on(heard, monkeypatch):
    monkeypatch.setattr(passing, "_start_witness", lambda: None)
    program = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with Passing([NUMBER]) as passed:
        passed.hold()
        passed.to(program)
        signal.raise_signal(NUMBER)
        assert program.wait() == -NUMBER
    program.stdin.close()


def test_a_program_that_has_ended_already_needs_no_signal(heard):
    program = subprocess.Popen(["true"])
    until(lambda: ended(program.pid), "the program's end")
    with Passing([NUMBER]) as passed:
        passed.hold()
        passed.to(program)
        signal.raise_signal(NUMBER)
    assert program.wait() == 0
    assert heard == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_witness_that_has_no_time_to_die_counts_as_soon_as_the_signal_reaches_it(heard):
    program = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with Passing([NUMBER]) as passed:
        passed.hold()
        passed.to(program)
        witness = passed._witness.pid
        os.kill(witness, signal.SIGSTOP)
        os.kill(witness, NUMBER)
        signal.raise_signal(NUMBER)
        os.kill(witness, signal.SIGCONT)
    program.stdin.close()
    assert program.wait() == 0
