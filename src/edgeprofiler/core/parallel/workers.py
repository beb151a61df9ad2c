"""Who works: this process, processes on this machine, or a cluster by its address."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.progress import Progress, silent

_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://\S+:\d+")
MOST_JOBS = 4096
"""More processes than any one machine has cores; beyond it is a slip of the keyboard."""


@dataclass(frozen=True)
class Workers:
    """Who works on the chunks of a long work, and who is told how far it is.

    >>> import edgeprofiler
    >>> edgeprofiler.Workers(cluster="tcp://10.0.0.5:8786").alone
    False

    Args:
        jobs: processes on this machine; 1 works in this process alone, `None` takes every core
            that this process may use.
        cluster: address of a Dask scheduler, such as `tcp://10.0.0.5:8786` (extra `[cluster]`);
            its workers need this package in the same version, and nothing else.
        progress: is told how far the work is.

    Raises:
        UsageError: both are given, `jobs` is no number of processes, or the address is none.
    """

    jobs: int | None = 1
    cluster: str | None = None
    progress: Progress = field(default=silent, compare=False)

    def __post_init__(self) -> None:
        if self.jobs is not None and not 1 <= self.jobs <= MOST_JOBS:
            raise UsageError(f"`jobs` is {self.jobs}; give a number from 1 to {MOST_JOBS:,}")
        if self.cluster is None:
            return
        if self.jobs not in (None, 1):
            raise UsageError("`jobs` work on this machine, `cluster` on others: give one of them")
        if not _ADDRESS.fullmatch(self.cluster):
            raise UsageError(
                f"`cluster` {self.cluster!r} is no address of a scheduler; give it as "
                "tcp://HOST:8786"
            )

    @property
    def alone(self) -> bool:
        """Whether this process does all of it."""
        return self.jobs == 1 and self.cluster is None


ALONE = Workers()
"""This process alone: a plain loop."""
