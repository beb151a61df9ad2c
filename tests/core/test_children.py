"""A child that grows, hangs or crashes ends within its bounds; errors cross with their words."""

import json
import os
import pickle
import signal
import time
from collections.abc import Callable

import pytest

from edgeprofiler.core import errors
from edgeprofiler.core.children import Bounds, Child, End, retold, supervise, told
from edgeprofiler.core.errors import (
    CannotWrite,
    EdgeProfilerError,
    InvalidInput,
    Unavailable,
    Unsupported,
)

BOUNDS = Bounds(memory_bytes=1 << 28, seconds=300)

ERRORS = (
    InvalidInput("a.json", "is empty", "look"), InvalidInput("a.json", "is empty"),
    Unavailable("no sensor", "buy one"), CannotWrite("out", "is full"), Unsupported("a; b"),
)  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_an_error_is_the_same_in_another_process(error: EdgeProfilerError) -> None:
    for again in (retold(json.loads(json.dumps(told(error)))), pickle.loads(pickle.dumps(error))):
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_a_class_that_is_no_error_of_ours_is_not_made() -> None:
    assert type(retold({"error": "SystemExit", "words": ["x"]})) is EdgeProfilerError
    assert type(retold({"error": "errno", "words": ["x"]})) is EdgeProfilerError
    assert errors.EXIT_OK == 0


@pytest.mark.parametrize(
    ("work", "bounds", "end"),
    [
        (lambda: b"{}", BOUNDS, "done"),
        (lambda: time.sleep(900), Bounds(1 << 28, 0.2), "seconds"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), BOUNDS, "died"),
        (lambda: 1 / 0, BOUNDS, "died"),
        (lambda: b"x" * 100_000, Bounds(1 << 28, 300, answer_bytes=1000), "size"),
    ],
)
def test_how_a_bounded_child_ended_is_told(
    work: Callable[[], bytes], bounds: Bounds, end: End
) -> None:
    assert supervise(work, bounds) == (end, b"{}" if end == "done" else b"")


def test_too_much_memory_is_an_answer() -> None:
    end, data = supervise(lambda: bytes(1 << 30), BOUNDS)
    assert (end, json.loads(data)["error"]) == ("done", "MemoryError")


def test_a_child_is_told_heard_and_ended() -> None:
    """`json.tool` answers a line of JSON once its input ends."""
    child = Child("json.tool", quiet=True)
    child.tell({"a": 1})
    assert child.alive
    assert child.end(patience_s=60) == 0
    assert child.read(100).split() == [b"{", b'"a":', b"1", b"}"]
    child.close()
    child.tell("nobody hears it")
    assert child.hear() is None


def test_a_child_that_stays_is_killed() -> None:
    child = Child("asyncio", quiet=True)  # a prompt that waits
    os.kill(child.pid, signal.SIGSTOP)
    assert child.end(patience_s=0.1) == -signal.SIGKILL
    child.close()
