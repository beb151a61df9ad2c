"""The shortest of several runs: what else the machine does only ever adds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


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


def least_of_each_s(works: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """Return the processor seconds of the shortest run of each, run in turns.

    What else the machine does meets all of them alike, so that their ratios hold on a busy one.
    """
    least = [float("inf")] * len(works)
    for _ in range(runs):
        for place, work in enumerate(works):
            start = time.process_time()
            work()
            least[place] = min(least[place], time.process_time() - start)
    return least
