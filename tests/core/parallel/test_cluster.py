"""A cluster by address gives the answers of a plain loop, whatever dies meanwhile."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dask_cluster import DaskCluster, dask_cluster

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.parallel import Workers, mapped

pytest.importorskip("distributed", reason="the extra [cluster] is not installed")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory):
    with dask_cluster(tmp_path_factory.mktemp("dask")) as found:
        yield found


def test_a_cluster_gives_the_answers_of_a_loop(cluster: DaskCluster) -> None:
    workers = Workers(cluster=cluster.address)
    found = [o.get() for o in mapped(math.sqrt, range(200), workers, ordered=True)]
    assert found == [math.sqrt(chunk) for chunk in range(200)]


def test_a_chunk_that_fails_there_is_named_here(cluster: DaskCluster) -> None:
    found = list(mapped(math.sqrt, [1, -1, 4], Workers(cluster=cluster.address), ordered=True))
    assert [outcome.answer for outcome in found] == [1, None, 2]
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        found[1].get()


def test_a_worker_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    cluster: DaskCluster,
) -> None:
    def work(chunk: int) -> tuple[int, int]:
        time.sleep(0.05)
        return chunk, os.getpid()

    victim = cluster.start_worker()
    found = []
    for outcome in mapped(work, range(120), Workers(cluster=cluster.address)):
        found.append(outcome.get())
        if victim.poll() is None and any(pid == victim.pid for _, pid in found):
            victim.send_signal(signal.SIGKILL)
            victim.wait()
    assert victim.returncode == -signal.SIGKILL
    assert sorted(chunk for chunk, _ in found) == list(range(120))


def test_a_scheduler_that_is_not_there_is_told() -> None:
    with pytest.raises(Unavailable, match=r"no Dask scheduler answers at tcp://127.0.0.1:9;"):
        list(mapped(abs, range(3), Workers(cluster="tcp://127.0.0.1:9")))


def test_a_scheduler_that_goes_away_is_told(tmp_path: Path) -> None:
    code = """
import os, signal, sys, time
from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.parallel import Workers, mapped
def work(chunk):
    time.sleep(0.1)
try:
    for outcome in mapped(work, range(1000), Workers(cluster=sys.argv[1])):
        outcome.get()
        os.kill(int(sys.argv[2]), signal.SIGKILL)
except Unavailable as error:
    print(error)
"""
    with dask_cluster(tmp_path, workers=1) as found:
        done = subprocess.run(
            [sys.executable, "-c", code, found.address, str(found.scheduler.pid)],
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
    assert f"the cluster at {found.address} is gone" in done.stdout, done.stderr[-2000:]
