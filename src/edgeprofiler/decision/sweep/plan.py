"""What is swept, cut into parts that do not depend on who works on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from edgeprofiler._version import __version__
from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.core.files import digest_of_file, sha256_of
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network
from edgeprofiler.decision.sweep.variants import Variant
from edgeprofiler.prediction.predictors.protocol import Predictor
from edgeprofiler.prediction.question import Question
from edgeprofiler.reading.lowering import Plans

PART_ROWS = 20_000
"""Rows of a part: some seconds' work, a file of about a megabyte, and some megabytes in memory."""
PART_CANDIDATES = 1_000
"""Candidates of a part; each is built and lowered, which takes as long as many rows."""


@dataclass(frozen=True)
class SweepPart:
    """Some rows of the sweep: those from `start` to `stop` of all, and the candidates of them."""

    number: int
    start: int
    stop: int
    candidates: tuple[Variant, ...]

    def __str__(self) -> str:
        return f"part {self.number} (rows {self.start:,} to {self.stop - 1:,})"

    @property
    def digest(self) -> str:
        """What tells it from a part of other candidates."""
        return sha256_of("".join(c.digest for c in self.candidates).encode())[:16]


@dataclass(frozen=True)
class SweepPlan:
    """The combinations of a sweep; the rows of one candidate lie together.

    Of a candidate's rows the batch changes first, then the device, the precision, the resolution.
    """

    question: Question
    """What has one value."""
    base: Any
    """The model, or the function that makes it, where candidates do not say it."""
    read: Mapping[int | None, Graph | Network]
    """The model at each resolution, where it is read already; workers may lack its file."""
    answers: tuple[Predictor, ...]
    """What predicts for each device and clocks."""
    resolutions: tuple[int | None, ...]
    precisions: tuple[str | None, ...]
    batches: tuple[int | None, ...]
    rate_hz: float | None = None
    """Images a second that arrive; `None`: back to back."""
    refused: Mapping[int | None, EdgeProfilerError] = field(default_factory=dict)
    """Why the model cannot be read at a resolution, where that was tried already."""

    @cached_property
    def plans(self) -> Plans:
        """How networks are lowered, kept from part to part in each process that works on them."""
        return Plans([graph for graph in self.read.values() if isinstance(graph, Graph)])

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to other processes: the fields."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def rows_each(self) -> int:
        """Combinations of one candidate."""
        each = len(self.resolutions) * len(self.precisions) * len(self.answers)
        return each * len(self.batches)

    @property
    def rows_of_part(self) -> int:
        """Rows of every part but the last."""
        return min(PART_ROWS, PART_CANDIDATES * self.rows_each)

    def parts(self, candidates: Iterator[Variant]) -> Iterator[SweepPart]:
        """Cut the sweep of candidates into parts, taking no more of them than a part needs."""
        held: list[Variant] = []
        start, first = 0, 0  # of the part, and of the first candidate that is held
        for number in range(2**63):
            last = (start + self.rows_of_part - 1) // self.rows_each
            held += islice(candidates, last + 1 - first - len(held))
            stop = min(start + self.rows_of_part, (first + len(held)) * self.rows_each)
            if stop <= start:
                return
            yield SweepPart(number, start, stop, tuple(held))
            drop = stop // self.rows_each - first
            held, first, start = held[drop:], first + drop, stop

    def document(self) -> dict[str, Any]:
        """Return what makes the sweep what it is, as JSON values."""
        return {
            "schema": "edgeprofiler.sweep-plan/1",
            "version": __version__,
            "question": self.question.document(),
            "model": _identity(self.base),
            "devices": [a.device.spec for a in self.answers],
            "answered_by": sha256_of("".join(map(_identity, self.answers)).encode()),
            "resolutions": list(self.resolutions),
            "precisions": list(self.precisions),
            "batches": list(self.batches),
            "rows_of_part": self.rows_of_part,
            # Sizes may come from files beside the model's own.
            "graphs": sha256_of(repr(self.read).encode("utf-8", "surrogatepass")),
        }


def _identity(thing: Any) -> str:
    """Return what tells a model, a function or a predictor from another one."""
    if isinstance(thing, (str, Path)):
        path = Path(thing)
        return f"{path.name} {digest_of_file(path)}" if path.is_file() else str(thing)
    if callable(thing) and hasattr(thing, "__qualname__"):
        return f"{thing.__module__}.{thing.__qualname__}"
    return sha256_of(repr(thing).encode())
