"""Modules of ours that run as processes of their own, and what crosses between the processes.

A child is told values and answers with objects, each a line of JSON. Errors cross as their class
and their words, so that nothing a child sends back can act here. What may grow or hang runs in a
bounded fork of a process that has no other threads, and is killed where it exceeds its bounds.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgeprofiler.core import errors, limits
from edgeprofiler.core.errors import EdgeProfilerError, InvalidInput

_OPEN_FILES = 128
_START_SECONDS = 120.0
"""For imports, on a board whose disk is slow."""
_ERRORS: Mapping[str, type[EdgeProfilerError]] = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, EdgeProfilerError)
}


def told(error: EdgeProfilerError) -> dict[str, Any]:
    """Return an error as JSON values; `retold` makes it again."""
    return {"error": type(error).__name__, "words": list(error.args)}


def retold(document: Mapping[str, Any]) -> EdgeProfilerError:
    """Return the error of another process, with its own class and words."""
    kind = _ERRORS.get(str(document["error"]), EdgeProfilerError)
    return kind(*map(str, document["words"]))


class Child:
    """A module of ours in a process of its own, told values and heard by lines of JSON.

    Ctrl-C in the terminal does not reach it, and whatever it starts ends with it.

    Args:
        module: what runs, as `python -m MODULE`.
        quiet: leave out what it writes to standard error.
        environment: variables that differ from this process's.
    """

    def __init__(self, module: str, *, quiet: bool = False, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            # One thread: polls need no matrix products, and address space is counted.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def tell(self, message: object) -> None:
        """Send a value; nothing happens where the process has ended."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def hear(self) -> dict[str, Any] | None:
        """Return the next object that it says, `None` once it has ended; other lines are noise."""
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in iter(self._process.stdout.readline, b""):
                with contextlib.suppress(ValueError):
                    message = json.loads(line)
                    if isinstance(message, dict):
                        return message
        return None

    def read(self, size: int) -> bytes:
        """Return the next bytes that it writes, fewer where it ended."""
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            return self._process.stdout.read(size)
        return b""

    def kill(self) -> None:
        """End the process and what it started at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self, patience_s: float) -> int:
        """Close its standard input, wait, kill it where it stays; return its exit code."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            return self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def close(self) -> None:
        """End the process at once, and forget what it still had to say."""
        self.kill()
        self.end(patience_s=30.0)
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdout.close()


@dataclass(frozen=True)
class Bounds:
    """What a bounded child may take."""

    memory_bytes: int
    """Address space beyond what the process has that it is forked from."""
    seconds: float
    """Of the clock, and of the processor."""
    answer_bytes: int = limits.ANSWER_BYTES

    def impose(self) -> None:
        """Bound this process: memory, processor, open files; no file is written, no core."""
        used = 0
        with contextlib.suppress(OSError, ValueError):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            used = pages * resource.getpagesize()
        bounds = {
            resource.RLIMIT_AS: used + self.memory_bytes,
            resource.RLIMIT_CPU: max(1, int(self.seconds) + 1),
            resource.RLIMIT_FSIZE: 0,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_NOFILE: _OPEN_FILES,
        }
        for name, value in bounds.items():
            with contextlib.suppress(OSError, ValueError):  # a stricter limit is in force already
                resource.setrlimit(name, (value, value))


def ask(module: str, task: Mapping[str, Any], bounds: Bounds, source: object) -> bytes:
    """Return what a module of ours answers, run within bounds in a process that ends with it.

    Args:
        module: calls `answer_once` where it is run.
        task: what it is to do, as JSON values.
        bounds: what it may take, its imports left out.
        source: the file that it reads, for messages.

    Raises:
        InvalidInput: it exceeded its bounds, or died.
        EdgeProfilerError: whatever it raised, with its words.
    """
    child = Child(module, quiet=True)
    watchdog = threading.Timer(bounds.seconds + _START_SECONDS, child.kill)
    watchdog.start()
    try:
        child.tell({"task": task, "memory_bytes": bounds.memory_bytes, "seconds": bounds.seconds})
        head = child.hear() or {}
        size = int(head.get("size", 0))
        data = child.read(size) if size <= bounds.answer_bytes else b""
    finally:
        watchdog.cancel()
        child.close()
    if head.get("error") in _ERRORS:
        raise retold(head)
    if "size" not in head or len(data) < size:
        raise InvalidInput(
            source,
            f"cannot be read within {bounds.memory_bytes >> 20} MiB of memory and "
            f"{bounds.seconds:g} s",
        )
    return data


def answer_once(prepare: Callable[[], None], work: Callable[[Mapping[str, Any]], bytes]) -> None:
    """Be the process that `ask` starts: do the work of one task within its bounds, and answer.

    Args:
        prepare: imports what the work needs, before the bounds, which count what comes after.
        work: returns the answer to a task.
    """
    asked = json.loads(sys.stdin.buffer.readline())
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may mix with the answer
    data = b""
    try:
        prepare()
        Bounds(asked["memory_bytes"], asked["seconds"]).impose()
        data = work(asked["task"])
        head: dict[str, Any] = {"size": len(data)}
    except EdgeProfilerError as error:
        head = told(error)
    except MemoryError:
        head = {}
    out.write(json.dumps(head).encode() + b"\n" + data)
    out.flush()


End = Literal["done", "seconds", "size", "died"]
"""How a bounded child ended: `seconds` and `size` where it exceeded those and was killed."""


def supervise(work: Callable[[], bytes], bounds: Bounds) -> tuple[End, bytes]:
    """Do work in a bounded fork of this process; return how it ended and what it answered.

    This process must have no other threads.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _work(work, bounds, write)
    os.close(write)
    deadline = time.monotonic() + bounds.seconds
    data = bytearray()
    end: End = "seconds"
    try:
        # What comes late was too late, also where this process had no turn to look earlier.
        while (left := deadline - time.monotonic()) > 0 and select.select([read], [], [], left)[0]:
            chunk = os.read(read, 1 << 16)
            data += chunk
            if not chunk or len(data) > bounds.answer_bytes:
                end = "size" if chunk else "done"
                break
    finally:
        os.close(read)
        if end != "done":
            os.kill(child, signal.SIGKILL)
        _, code = os.waitpid(child, 0)
    if end == "done" and code != 0:
        by = os.WTERMSIG(code) if os.WIFSIGNALED(code) else 0
        end = "seconds" if by == signal.SIGXCPU else "died"
    return end, bytes(data) if end == "done" else b""


def _work(work: Callable[[], bytes], bounds: Bounds, write: int) -> None:
    """Do the work of a fresh child and never return."""
    status = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        bounds.impose()
        try:
            data = work()
        except (MemoryError, RecursionError) as error:
            data = json.dumps({"error": type(error).__name__, "words": []}).encode()
        while data:
            data = data[os.write(write, data) :]
        status = 0
    finally:
        os._exit(status)  # the parent's buffers and exit handlers are not the child's
