"""Executors of the standard kind: joblib's processes here, or Dask's on a cluster."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.extras import require
from edgeprofiler.core.parallel.workers import Workers

_ANSWER_S = 10.0
"""How long a scheduler may take to answer; one in reach does so within a fraction of a second."""
_WAITING = 16
"""Chunks that are handed out at least: a cluster that grows with its load must see a load."""
_THREADED = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _THREADED}
"""Environment of a process among as many as there are cores."""


@dataclass(frozen=True)
class Pool:
    """An executor, and what one must know of it."""

    executor: Executor
    packed: Callable[[Any], bytes]
    """Writes a function so that the workers can read it: by its name, or whole where it has none
    there."""
    cluster: Any = None
    """Dask's client; `None` on this machine."""
    jobs: int = 1

    @property
    def window(self) -> int:
        """Chunks to hand out at once, so that nobody idles and few answers wait in memory.

        Raises:
            Unavailable: the cluster is gone.
        """
        if self.cluster is None:
            return 2 * self.jobs
        try:
            threads: int = sum(self.cluster.ncores().values())
        except OSError:
            raise self.lost() from None
        return max(_WAITING, 2 * threads)

    def abandon(self) -> None:
        """Drop what is still being worked on."""
        if self.cluster is None:
            self.executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]
        else:
            self.executor.shutdown(wait=False)

    def lost(self) -> Unavailable:
        """Return the error of workers that are gone."""
        if self.cluster is None:
            return Unavailable(
                "a worker process ended before its work, as it does where memory is short",
                "use fewer `jobs`, or 1",
            )
        return Unavailable(
            f"the cluster at {self.cluster.scheduler.address} is gone",
            "start it again, and the same call",
        )


@contextmanager
def pool_of(workers: Workers) -> Iterator[Pool]:
    """Start or join the workers.

    Raises:
        Unavailable: no scheduler answers at the address, or Dask is not installed.
    """
    if workers.cluster is not None:
        with _joined(workers.cluster) as pool:
            yield pool
        return
    import joblib
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.backend.reduction import dumps

    jobs = workers.jobs or joblib.cpu_count()
    # The processes stay for the next call of this process, and end when they idle or it does.
    yield Pool(
        get_reusable_executor(
            max_workers=jobs, timeout=60, initializer=_leave_interrupts, env=_ONE_THREAD
        ),
        lambda function: bytes(dumps(function)),
        jobs=jobs,
    )


@contextmanager
def _joined(address: str) -> Iterator[Pool]:
    with require("cluster", "work on this machine with `jobs`"):
        from cloudpickle import dumps
        from distributed import Client
    # What it has to say of lost connections is said by us, in a line.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_ANSWER_S, set_as_default=False)
    except OSError:
        raise Unavailable(
            f"no Dask scheduler answers at {address}", "start one with `dask scheduler`"
        ) from None
    with client:
        yield Pool(client.get_executor(), dumps, cluster=client)


def _leave_interrupts() -> None:
    """Leave Ctrl-C, which the terminal sends to all of us, to the process that was called."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
