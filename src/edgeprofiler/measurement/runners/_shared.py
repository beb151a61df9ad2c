"""What runners of models have in common: the options they take, and loops over runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.runners.protocol import Clock


@dataclass(frozen=True)
class Asked:
    """What a model is to be built for; `None` and no shapes keep the model's own."""

    precision: str
    batch: int | None
    shapes: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(
        cls,
        precision: str,
        batch: int | None,
        shapes: Mapping[str, Sequence[int]] | None,
        choices: Sequence[str],
    ) -> Asked:
        """Return the options of a runner that knows the precisions `choices`.

        Raises:
            UsageError: another precision.
        """
        if precision not in choices:
            raise UsageError(
                f"no precision {precision!r} here; choose one of: {', '.join(choices)}"
            )
        found = {name: tuple(shape) for name, shape in (shapes or {}).items()}
        return cls(precision, batch, found)

    @property
    def options(self) -> dict[str, Any]:
        """The keyword options that make an equal runner."""
        return {
            "precision": self.precision,
            "batch": self.batch,
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
        }


def paced(clock: Clock, runs: int, pauses_s: FloatArray | None) -> Iterator[int]:
    """Yield the index of each run when its pause is over."""
    for index in range(runs):
        if pauses_s is not None and pauses_s[index] > 0:
            clock.sleep(float(pauses_s[index]))
        yield index


def wall_times(clock: Clock, runs: int, execute: Callable[[], object]) -> FloatArray:
    """Return wall times of `runs` calls of `execute` back to back; shape (runs,)."""
    times = np.empty(runs + 1)
    times[0] = clock.now_s()
    for index in range(runs):
        execute()
        times[index + 1] = clock.now_s()
    return np.diff(times)
