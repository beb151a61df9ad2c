"""Many recordings, each attributed by itself: a task for whoever works."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from edgeprofiler.core.parallel import ALONE, Outcome, Workers, mapped
from edgeprofiler.core.profile import Profile
from edgeprofiler.measurement.attribution.attribute import attribute
from edgeprofiler.measurement.recording.opening import open_recording


def attribute_many(
    recordings: Sequence[str | Path],
    method: str = "layers",
    *,
    model: str | None = None,
    workers: Workers = ALONE,
) -> Generator[Outcome[Profile], None, None]:
    """Yield what each recording's layers cost, in order; one that cannot be is told in its place.

    Args:
        recordings: folders.
        method: as of `attribute`.
        model: which model of raw layouts.
        workers: who works on them.
    """
    work = partial(_attributed, method, model)
    return mapped(work, recordings, workers, stage="recordings", ordered=True)


def _attributed(method: str, model: str | None, place: str | Path) -> Profile:
    return attribute(open_recording(Path(place), model), method)
