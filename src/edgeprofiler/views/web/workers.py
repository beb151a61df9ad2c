"""The server's side of its workers: hand out jobs, replace workers that hang or die."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Mapping
from typing import Any

from edgeprofiler.core.children import Child, retold
from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.views.web.settings import Settings

_GRACE_SECONDS = 30.0
_START_SECONDS = 120.0
_ELSEWHERE = "a model that large or odd can be read on the command line"


class _Worker(Child):
    """One worker process; it lives until it hangs, dies or is closed."""

    def __init__(self) -> None:
        super().__init__(
            "edgeprofiler.views.web.worker", quiet=True, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1",
            PYTHONDONTWRITEBYTECODE="1",
        )  # fmt: skip
        self._fresh = True

    def run(self, task: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return how a job ended and its answer.

        Where the worker itself ended, that is `hung` if it had to be killed and else `gone`.
        """
        patience = task["seconds"] + _GRACE_SECONDS + (_START_SECONDS if self._fresh else 0)
        hung = threading.Event()

        def end() -> None:
            hung.set()
            self.kill()

        watchdog = threading.Timer(patience, end)
        watchdog.start()
        try:
            self.tell(task)
            state = self.hear()
            data = b"" if state is None else self.read(state["size"])
        finally:
            watchdog.cancel()
        if state is None or len(data) < state["size"]:
            return "hung" if hung.is_set() else "gone", b""
        self._fresh = False
        return state["status"], data


class WebWorkers:
    """A few workers that take turns; each is started when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turns: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(settings.workers):
            self._turns.put(None)
        self._lock = threading.Lock()
        self._all: set[_Worker] = set()
        self._closed = False

    def start(self) -> None:
        """Start one worker now, so that the first file need not wait for it."""
        try:
            worker = self._turns.get_nowait()
        except queue.Empty:
            return
        try:
            with contextlib.suppress(Unavailable):  # closed again in the meantime
                worker = self._ready(worker)
        finally:
            self._turns.put(worker)

    def run(self, do: str, label: str, seconds: float, **task: Any) -> Any:
        """Return the result of a job, a JSON value.

        Args:
            do: the job, a key of `edgeprofiler.views.web.jobs.JOBS`.
            label: what the user calls the thing that is read.
            seconds: when the job is killed.
            task: further arguments of the job.

        Raises:
            InvalidInput: the job exceeded its bounds, or died.
            EdgeProfilerError: whatever the job raised, with its words.
        """
        whole = {
            "do": do,
            "label": label,
            "seconds": seconds,
            "memory_bytes": self._settings.worker_memory_bytes,
            **task,
        }
        worker = self._turns.get()
        try:
            worker = self._ready(worker)
            status, data = worker.run(whole)
            if status in ("hung", "gone"):
                self._retire(worker)
                worker = None
        finally:
            self._turns.put(worker)
        return self._result(status, data, label, seconds)

    def open(self) -> None:
        """Allow workers to be started, also after `close`."""
        with self._lock:
            self._closed = False

    def close(self) -> None:
        """End all workers; none is started again before `open`."""
        with self._lock:
            self._closed = True
            ended, self._all = self._all, set()
        for worker in ended:
            worker.close()

    def _ready(self, worker: _Worker | None) -> _Worker:
        if worker is not None and worker.alive:
            return worker
        if worker is not None:
            self._retire(worker)
        with self._lock:
            if self._closed:
                raise Unavailable("the server is shutting down", "start it again")
            fresh = _Worker()
            self._all.add(fresh)
        return fresh

    def _retire(self, worker: _Worker) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.close()

    def _result(self, status: str, data: bytes, label: str, seconds: float) -> Any:
        memory = f"{self._settings.worker_memory_bytes / 2**20:.0f} MiB of memory"
        ends = {
            "seconds": f"took longer than {seconds:g} s and was stopped",
            "size": "describes more than can be shown",
            "died": f"the process that read it ended early (it may use {memory})",
            "hung": f"took longer than {seconds:g} s and was stopped",
            "gone": f"the process that read it ended early (it may use {memory})",
        }
        if status in ends:
            raise InvalidInput(label, ends[status], _ELSEWHERE)
        document = json.loads(data)
        if "result" in document:
            return document["result"]
        if document["error"] == "MemoryError":
            raise InvalidInput(label, f"needs more than {memory} to read", _ELSEWHERE)
        if document["error"] == "RecursionError":
            raise InvalidInput(label, "is nested too deep")
        raise retold(document)
