"""How far a long work is, for people: bars on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgeprofiler.cli import common
from edgeprofiler.core.progress import Pace, Progress
from edgeprofiler.core.text import visible

if TYPE_CHECKING:
    from edgeprofiler.core.parallel import Workers

LINE_EVERY_S = 10.0
"""Time between two lines of a stage: a log of a night's work stays readable."""
BARS_AFTER_S = 1.0
"""Work that is done by then draws no bar."""


@contextmanager
def shown_progress(name: str = "") -> Iterator[Progress]:
    """Show on standard error how far the block is; nothing where it is quickly done.

    Args:
        name: what is worked on, in front of each stage.
    """
    from edgeprofiler.cli.screen import Screen

    console = Screen(to_stderr=True).console
    said = f"{visible(name)}: " if name else ""
    if console.is_terminal:
        with _bars(console, said) as tell:
            yield tell
    else:
        yield Lines(said)


@contextmanager
def shown_workers(jobs: int | None, cluster: str | None) -> Iterator[Workers]:
    """Give the workers that the options name, and show how far they are while they work.

    Args:
        jobs: processes on this machine; one a core where `None`.
    """
    from edgeprofiler.core.parallel import Workers

    with shown_progress() as progress:
        yield Workers(jobs, cluster, progress)


@contextmanager
def _bars(console: Any, name: str) -> Iterator[Progress]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    tasks: dict[str, Any] = {}
    begun_s = time.monotonic()

    def tell(stage: str, done: float, total: float | None) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(name + visible(stage), total=total, count="")
        bars.update(tasks[stage], completed=done, total=total, count=_count(done, total))
        if time.monotonic() - begun_s > BARS_AFTER_S:
            bars.start()

    try:
        yield tell
    finally:
        bars.stop()


@dataclass
class Lines:
    """A line for each stage now and then, with the time left."""

    name: str = ""
    say: Callable[[str], None] = common.note
    clock: Callable[[], float] = time.monotonic
    _paces: dict[str, Pace] = field(default_factory=dict, init=False)
    _last_s: dict[str, float] = field(default_factory=dict, init=False)

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        """Say it where the stage's last line is a while ago."""
        now_s = self.clock()
        pace = self._paces.setdefault(stage, Pace(self.clock))
        left_s = pace.left_s(done, total)
        if now_s - self._last_s.setdefault(stage, now_s) < LINE_EVERY_S:
            return
        self._last_s[stage] = now_s
        left = "" if left_s is None else f", about {_duration(left_s)} left"
        self.say(f"{self.name}{visible(stage)}: {_count(done, total)}{left}")


def _count(done: float, total: float | None) -> str:
    return f"{done:,.0f}" if total is None else f"{done:,.0f}/{total:,.0f}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
