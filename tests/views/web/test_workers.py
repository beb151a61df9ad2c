"""A job that grows, hangs or crashes ends; the server and the next job do not."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from edgeprofiler.core import limits
from edgeprofiler.core.children import Bounds, supervise
from edgeprofiler.core.errors import InvalidInput, Unavailable, Unsupported, UsageError
from edgeprofiler.prediction.question import Question
from edgeprofiler.views.web import jobs, worker
from edgeprofiler.views.web.settings import Settings
from edgeprofiler.views.web.workers import WebWorkers


def about(model: str, **more: object) -> dict[str, object]:
    """What a job needs to know of a network."""
    return {"model": model, "device": "jetson-orin-nano", "precision": "fp16", **more}


@pytest.fixture(scope="module")
def workers() -> Iterator[WebWorkers]:
    made = WebWorkers(Settings(workers=1))
    yield made
    made.close()


def test_a_job_gives_its_document(workers: WebWorkers) -> None:
    document = workers.run("network", "lenet", 300, question=about("zoo:lenet"))
    chain = [document, document["wider"]]
    assert chain[1]["wider"] is None
    assert [part["network"]["name"] for part in chain] == ["lenet", "lenet"]
    assert [part["network"]["precision"] for part in chain] == ["fp16", "fp32"]
    assert document["layers"]


def test_an_error_keeps_its_kind_and_words(workers: WebWorkers) -> None:
    with pytest.raises(InvalidInput) as caught:
        workers.run("network", "none", 300, question=about("zoo:none"))
    assert "the zoo has no network" in caught.value.problem
    with pytest.raises(UsageError, match="no precision"):
        workers.run("network", "x", 300, question=about("zoo:lenet", precision="fp4"))


def test_a_job_that_takes_too_long_is_killed(workers: WebWorkers) -> None:
    with pytest.raises(InvalidInput, match=r"big: took longer than 0\.001 s"):
        workers.run("network", "big", 0.001, question=about("zoo:efficientnet_b7"))
    assert workers.run("network", "lenet", 300, question=about("zoo:lenet"))


def test_too_little_memory_is_said() -> None:
    small = WebWorkers(Settings(workers=1, worker_memory_bytes=1 << 20))
    try:
        with pytest.raises(InvalidInput, match="memory"):
            small.run("network", "big", 300, question=about("zoo:efficientnet_b7"))
    finally:
        small.close()


def test_a_worker_that_died_is_replaced(workers: WebWorkers) -> None:
    workers.run("network", "lenet", 300, question=about("zoo:lenet"))
    (process,) = workers._all
    process.kill()
    process._process.wait()
    assert workers.run("network", "lenet", 300, question=about("zoo:lenet"))


def test_a_worker_that_ends_by_itself_is_not_called_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeprofiler.core.children.sys.executable", "/bin/false")
    ending = WebWorkers(Settings(workers=1))
    try:
        with pytest.raises(InvalidInput, match="ended early"):
            ending.run("network", "lenet", 300, question=about("zoo:lenet"))
    finally:
        ending.close()


def test_a_closed_pool_starts_nothing() -> None:
    closed = WebWorkers(Settings(workers=1))
    closed.start()
    closed.close()
    with pytest.raises(Unavailable, match="shutting down"):
        closed.run("network", "lenet", 300, question=about("zoo:lenet"))


def supervised(
    monkeypatch: pytest.MonkeyPatch, job: Any, seconds: float = 300.0, memory: int = 1 << 28
) -> tuple[str, bytes]:
    def run(task: Mapping[str, Any]) -> dict[str, Any]:
        found = job(task)
        return found if isinstance(found, dict) else {}

    monkeypatch.setitem(jobs.JOBS, "test", run)
    task = {"do": "test", "label": "x", "source": "y"}
    return supervise(partial(worker.answer, task), Bounds(memory, seconds))


def test_a_child_that_sleeps_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    assert supervised(monkeypatch, lambda _: time.sleep(900), 0.2)[0] == "seconds"
    assert time.monotonic() - began < 600


def test_a_child_that_takes_memory_answers_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    status, data = supervised(monkeypatch, lambda _: bytearray(1 << 30))
    assert status == "done"
    assert json.loads(data)["error"] == "MemoryError"


def test_a_child_that_crashes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = supervised(monkeypatch, lambda _: os.kill(os.getpid(), signal.SIGKILL))
    assert killed[0] == "died"
    assert supervised(monkeypatch, lambda _: 1 / 0)[0] == "died"


def test_a_child_writes_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    target = tmp_path / "written"
    status, _ = supervised(monkeypatch, lambda _: target.write_text("x"))
    assert status == "died"
    assert not target.exists() or target.stat().st_size == 0


def test_paths_become_labels() -> None:
    task = {"do": "network", "label": "mine.onnx", "question": about("/nowhere/x.onnx")}
    found = json.loads(worker.answer(task))
    assert found["words"][0] == "mine.onnx"


def test_too_many_layers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WEB_LAYERS", 3)
    with pytest.raises(Unsupported, match="the web app takes 3"):
        jobs.read_network(Question("zoo:lenet"))
