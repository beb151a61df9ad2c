"""The shortest of several runs: what else the machine does only ever adds."""

from __future__ import annotations

import time
from collections.abc import Callable


def least_s(
    work: Callable[[], object], runs: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the seconds of the shortest of several runs, by the processor or another clock."""
    times = []
    for _ in range(runs):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)
