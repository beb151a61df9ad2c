"""A sweep on a cluster has the rows of a sweep here, whatever is killed meanwhile."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dask_cluster import DaskCluster, dask_cluster

from edgeprofiler.core.parallel import Workers
from edgeprofiler.decision.sweep import plan, sweep

pytest.importorskip("distributed", reason="the extra [cluster] is not installed")

ASKED = {"device": ["jetson-nano", "jetson-orin-nano"], "batch": "1:40:1"}
CLIENT = """
import os, signal, sys
from edgeprofiler.core.parallel import Workers
from edgeprofiler.decision.sweep import plan, sweep
plan.PART_ROWS = 5
def die(stage, done, total):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
sweep("zoo:lenet", output=sys.argv[2], workers=Workers(cluster=sys.argv[1], progress=die),
      device=["jetson-nano", "jetson-orin-nano"], batch="1:40:1")
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory):
    with dask_cluster(tmp_path_factory.mktemp("dask")) as found:
        yield found


def test_a_cluster_has_the_rows_of_one_process(
    cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 7)
    there = sweep("zoo:lenet", workers=Workers(cluster=cluster.address), **ASKED)
    assert there.columns() == sweep("zoo:lenet", **ASKED).columns()


def test_a_client_that_is_killed_goes_on_when_it_is_started_again(
    cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 5)
    command = [sys.executable, "-c", CLIENT, cluster.address, str(tmp_path)]
    done = subprocess.run(command, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    finished = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert 2 <= len(finished) < 16
    workers = Workers(cluster=cluster.address)
    again = sweep("zoo:lenet", output=tmp_path, best=80, workers=workers, **ASKED)
    assert again.columns() == sweep("zoo:lenet", best=80, **ASKED).columns()
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert len(after) == 16
    assert finished.items() <= after.items()
