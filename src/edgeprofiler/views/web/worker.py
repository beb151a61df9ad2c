"""The process that reads what strangers send, and forks one child for each file.

The parent imports the readers once; each job runs in a child of its own with bounds on address
space, processor seconds and time, and dies with its job. A child writes no file. Jobs come as
lines of JSON on standard input; answers go to standard output as a line of JSON (`status`,
`size`) and that many bytes of JSON.

The parent starts no thread and opens nothing that a job names, so forking it is safe.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import EdgeProfilerError, InvalidInput, Unavailable
from edgeprofiler.views.web.jobs import JOBS

MAX_ANSWER_BYTES = 32 * 1024 * 1024
_OPEN_FILES = 128


def error_document(error: EdgeProfilerError) -> dict[str, Any]:
    """Return an error as JSON values; the parent raises it again."""
    words: list[str]
    if isinstance(error, InvalidInput):
        words = [error.source, error.problem, error.remedy]
    elif isinstance(error, Unavailable):
        words = [error.reason, error.remedy]
    else:
        words = [str(error)]
    return {"error": type(error).__name__, "words": words}


def answer(task: Mapping[str, Any]) -> bytes:
    """Return what a job answers, as JSON: its document, or the error that it met."""
    try:
        document = {"result": JOBS[task["do"]](task)}
        text = json.dumps(document, allow_nan=False)
    except EdgeProfilerError as error:
        found = error_document(error)
        path = str(task.get("folder") or task["question"]["model"])
        # Where the file lies is nobody's business; its own name is what the user knows.
        found["words"] = [word.replace(path, task["label"]) for word in found["words"]]
        text = json.dumps(found)
    return text.encode("utf-8", "replace")


def bound(memory_bytes: int, seconds: float) -> None:
    """Bound this process: address space, processor seconds, open files; no file written."""
    import resource

    used = 0
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        used = pages * resource.getpagesize()
    limits = {
        resource.RLIMIT_AS: used + memory_bytes,
        resource.RLIMIT_CPU: max(1, int(seconds) + 1),
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    for name, value in limits.items():
        with contextlib.suppress(OSError, ValueError):  # a stricter limit is in force already
            resource.setrlimit(name, (value, value))


def run_child(task: Mapping[str, Any], write: int) -> None:
    """Run a job in a fresh child and never return."""
    status = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        bound(task["memory_bytes"], task["seconds"])
        try:
            data = answer(task)
        except (MemoryError, RecursionError) as error:
            data = json.dumps({"error": type(error).__name__, "words": []}).encode()
        while data:
            data = data[os.write(write, data) :]
        status = 0
    finally:
        os._exit(status)  # the parent's buffers and exit handlers are not the child's


def supervise(task: Mapping[str, Any]) -> tuple[str, bytes]:
    """Run a job in a child; return how it ended and what it answered.

    The status is `done`, `seconds` (it was killed), `size` (its answer was too large) or `died`.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        run_child(task, write)
    os.close(write)
    deadline = time.monotonic() + task["seconds"]
    chunks: list[bytes] = []
    size, status = 0, "done"
    try:
        while True:
            left = deadline - time.monotonic()
            # What comes late was too late, also where this process had no turn to look earlier.
            if left <= 0 or not select.select([read], [], [], left)[0]:
                status = "seconds"
                break
            chunk = os.read(read, 1 << 16)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                status = "size"
                break
    finally:
        os.close(read)
        if status != "done":
            os.kill(child, signal.SIGKILL)
        _, code = os.waitpid(child, 0)
    if status == "done" and code != 0:
        ended = os.WTERMSIG(code) if os.WIFSIGNALED(code) else 0
        status = "seconds" if ended == signal.SIGXCPU else "died"
    return status, b"".join(chunks) if status == "done" else b""


def warm() -> None:
    """Import what jobs need, so that a child has it from its first moment."""
    from edgeprofiler.core import plugins
    from edgeprofiler.prediction.predict import predict

    with contextlib.suppress(EdgeProfilerError, ImportError):
        predict("zoo:squeezenet1_1")
        for name in plugins.available("frontends"):
            with contextlib.suppress(Unavailable):
                plugins.load("frontends", name)
        import onnx  # noqa: F401 - the slowest import of a reader


def main() -> None:
    """Serve jobs until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that an import prints may mix with answers
    warm()
    for line in sys.stdin.buffer:
        status, data = supervise(json.loads(line))
        out.write(json.dumps({"status": status, "size": len(data)}).encode() + b"\n" + data)
        out.flush()


if __name__ == "__main__":
    main()
