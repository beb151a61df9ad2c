"""How far a long work is: whoever does it tells, whoever draws it listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Progress(Protocol):
    """Is told how far a work is; the command line draws bars or prints lines from it."""

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        """Say that `done` of `total` are done of a stage, in the stage's own unit.

        Args:
            stage: what is being done, in a word or two.
            done: how much of it is done, what an earlier run had finished included.
            total: how much there is; `None` where nobody knows.
        """


def silent(stage: str, done: float, total: float | None) -> None:
    """Progress that nobody watches."""


@dataclass
class Pace:
    """How long a stage will still take, at the pace that it had since it was first heard of.

    What was done before then counts as done, not as quick: a run that goes on is not overrated.

    >>> ticks = iter([0.0, 10.0, 20.0])
    >>> pace = Pace(clock=lambda: next(ticks))
    >>> pace.left_s(50, 100), pace.left_s(60, 100), pace.left_s(70, 100)
    (None, 40.0, 30.0)
    """

    clock: Callable[[], float] = time.monotonic
    _first: tuple[float, float] | None = field(default=None, init=False)
    """When it was first heard of, and how much was done then."""

    def left_s(self, done: float, total: float | None) -> float | None:
        """Return the time left in seconds; `None` where it cannot be told yet, or ever."""
        now_s = self.clock()
        if self._first is None:
            self._first = (now_s, done)
        begun_s, before = self._first
        if total is None or done <= before:
            return None
        return (total - done) * (now_s - begun_s) / (done - before)
