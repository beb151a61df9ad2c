"""A real Dask scheduler with workers on the loopback interface."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from waiting import until


@dataclass
class DaskCluster:
    """Its address, and its workers, which may be killed and started."""

    address: str
    scheduler: subprocess.Popen[bytes]
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, with nothing but the installed packages."""
        command = [
            "distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny",
            "--no-dashboard", "--host", "127.0.0.1", "--memory-limit", "0",
            "--local-directory", str(self.folder),
        ]  # fmt: skip
        self.workers.append(_started(command, self.folder / f"worker-{len(self.workers)}.log"))
        return self.workers[-1]


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[DaskCluster]:
    """Start a scheduler and workers; end them after the block."""
    address = folder / "scheduler.json"
    scheduler = _started(
        [
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--no-show", "--scheduler-file", str(address),
        ],
        folder / "scheduler.log",
    )  # fmt: skip
    cluster = None
    try:
        until(lambda: address.exists() and address.read_text().endswith("}"), "the scheduler")
        cluster = DaskCluster(json.loads(address.read_text())["address"], scheduler, folder)
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        for process in [scheduler, *(cluster.workers if cluster else ())]:
            process.kill()
            process.wait()


def _started(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    # Not on the path of a worker on another machine: the tests, and the current folder.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", *command] if sys.version_info >= (3, 11)
            else [sys.executable, "-m", *command],
            stdout=stream, stderr=stream, cwd=log.parent, env=environment, start_new_session=True,
        )  # fmt: skip
