"""A function over chunks gives the same answers alone and on every core."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest
from waiting import ended, until

from edgeprofiler.core.errors import InvalidInput, Unavailable, UsageError
from edgeprofiler.core.parallel import ALONE, Outcome, Workers, mapped

EACH = pytest.mark.parametrize("workers", [ALONE, Workers(jobs=2)], ids=["alone", "two jobs"])


@EACH
def test_every_chunk_is_answered_once(workers: Workers) -> None:
    found = list(mapped(lambda chunk: chunk**2, range(40), workers))
    assert sorted(outcome.get() for outcome in found) == [chunk**2 for chunk in range(40)]
    assert sorted(outcome.place for outcome in found) == list(range(40))


@EACH
def test_answers_come_in_order_where_asked(workers: Workers) -> None:
    def slow_at_first(chunk: int) -> int:
        time.sleep(0.2 if chunk == 0 else 0)
        return chunk

    found = [outcome.get() for outcome in mapped(slow_at_first, range(9), workers, ordered=True)]
    assert found == list(range(9))


@EACH
def test_a_chunk_that_fails_is_named_and_the_rest_goes_on(workers: Workers) -> None:
    def work(chunk: int) -> int:
        if chunk == 2:
            raise InvalidInput("the third", "is bad", "leave it out")
        return chunk

    found = list(mapped(work, range(5), workers, named="part {}".format, ordered=True))
    assert [outcome.answer for outcome in found] == [0, 1, None, 3, 4]
    with pytest.raises(InvalidInput, match="part 2: the third: is bad; leave it out"):
        found[2].get()


@EACH
def test_chunks_without_end_are_taken_as_they_are_needed(workers: Workers) -> None:
    taken: list[int] = []

    def endless():
        for chunk in count():
            taken.append(chunk)
            yield chunk

    found: list[Outcome[int]] = list(islice(mapped(abs, endless(), workers), 20))
    assert len(found) == 20
    assert len(taken) < 30


@EACH
def test_progress_hears_of_every_chunk(workers: Workers) -> None:
    heard: list[tuple[str, float, float | None]] = []
    told = Workers(workers.jobs, progress=lambda *said: heard.append(said))
    assert len(list(mapped(abs, [1, 2, 3], told, stage="folds"))) == 3
    assert heard == [("folds", 1, 3), ("folds", 2, 3), ("folds", 3, 3)]


def test_a_process_that_dies_is_told_in_a_line() -> None:
    def die(chunk: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(Unavailable, match="ended before its work"):
        list(mapped(die, range(4), Workers(jobs=2)))
    # and the next call has workers again
    assert [o.get() for o in mapped(abs, [-1, -2], Workers(jobs=2), ordered=True)] == [1, 2]


def test_a_loop_of_one_imports_nothing() -> None:
    code = (
        "import sys; from edgeprofiler.core.parallel import Workers, mapped\n"
        "list(mapped(abs, range(3))); list(mapped(abs, [1], Workers(jobs=None)))\n"
        "assert not {'joblib', 'distributed', 'numpy'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_workers_too(number: int, tmp_path: Path) -> None:
    """Ctrl-C goes to the whole group of processes, as from a terminal."""
    code = f"""
import os, pathlib, signal, time
from edgeprofiler.cli.interruption import ending_interrupts
from edgeprofiler.core.parallel import Workers, mapped
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
def work(chunk):
    pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()
    time.sleep(60)
try:
    with ending_interrupts():
        list(mapped(work, range(4), Workers(jobs=2)))
except KeyboardInterrupt:
    print("interrupted")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until(lambda: len(list(tmp_path.iterdir())) == 2, "the start of two workers")
    workers = [int(path.name) for path in tmp_path.iterdir()]
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert out == "interrupted\n"
    assert "Traceback" not in err
    for worker in workers:
        until(partial(ended, worker), "the end of a worker")


def test_an_interruption_while_a_lock_is_taken_does_not_leave_it_taken() -> None:
    """The thread that manages the workers needs the lock of each of their futures to end."""
    code = """
import signal, time
from concurrent.futures import Future
from edgeprofiler.core.parallel import Workers, mapped
signal.signal(signal.SIGINT, signal.default_int_handler)
def added(future, call, before=Future.add_done_callback):
    future._condition.acquire()
    signal.raise_signal(signal.SIGINT)
    future._condition.release()
    before(future, call)
Future.add_done_callback = added
try:
    list(mapped(time.sleep, [60] * 4, Workers(jobs=2)))
except KeyboardInterrupt:
    print("interrupted")
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout == "interrupted\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"jobs": 0}, "`jobs` is 0"),
        ({"jobs": 2, "cluster": "tcp://here:8786"}, "give one"),
        ({"cluster": "here"}, "tcp://HOST:8786"),
    ],
)
def test_workers_that_cannot_be_are_refused(given: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Workers(**given)


def test_a_process_reads_a_function_once_for_all_its_chunks() -> None:
    """What a function works out for one chunk it has for the next."""
    seen: list[int] = []

    def numbered(chunk: int) -> tuple[int, int]:
        seen.append(chunk)
        return os.getpid(), len(seen)

    found = [outcome.get() for outcome in mapped(numbered, range(12), Workers(jobs=2))]
    for process in {process for process, _ in found}:
        numbers = sorted(number for pid, number in found if pid == process)
        assert numbers == [*range(1, len(numbers) + 1)]
    assert not seen
