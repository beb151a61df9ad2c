"""Where the boxes of a network's graph stand: rows from the top down, branches side by side.

Rows are longest paths (every box below all that it reads); within a row boxes stand by the mean
place of what they read (Sugiyama, Tagawa and Toda, "Methods for visual understanding of
hierarchical system structures", 1981, with one sweep down: networks are nearly chains).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from edgeprofiler.core.reads import Reads, merged

MOST_BOXES = 400
"""Boxes that a picture has at most: a browser pans and zooms so many without a stutter."""


@dataclass(frozen=True)
class Box:
    """One layer, or several in a row that stand for one another."""

    layers: range
    """Their indices, in order of execution."""
    reads: tuple[int, ...]
    """The boxes that it reads."""
    row: int
    place: float
    """Middle of the box in its row, in boxes; 0 is the middle of the picture."""


def laid_out(reads: Reads, most: int = MOST_BOXES) -> tuple[Box, ...]:
    """Return the boxes of a graph, in order of execution.

    Where there are more than `most` layers, chains become one box each; where that is not enough,
    so do layers that follow each other.

    >>> [(box.row, box.place) for box in laid_out(((), (0,), (0,), (1, 2)))]
    [(0, 0.0), (1, -0.5), (1, 0.5), (2, 0.0)]
    """
    groups = [range(index, index + 1) for index in range(len(reads))]
    if len(groups) > most:
        groups = _chains(reads)
    if len(groups) > most:
        size = -(-len(groups) // most)
        parts = [groups[first : first + size] for first in range(0, len(groups), size)]
        groups = [range(part[0].start, part[-1].stop) for part in parts]
    box_of = [place for place, group in enumerate(groups) for _ in group]
    between = [
        merged([[box_of[s] for s in reads[layer] if box_of[s] != place] for layer in group])
        for place, group in enumerate(groups)
    ]
    rows = _rows(between)
    places = _places(between, rows)
    return tuple(Box(*found) for found in zip(groups, between, rows, places, strict=True))


def _chains(reads: Reads) -> list[range]:
    """Return runs of layers of which each reads the one before it, and nobody else does."""
    readers = [0] * len(reads)
    for sources in reads:
        for source in sources:
            readers[source] += 1
    groups = [range(1)]
    for index in range(1, len(reads)):
        if reads[index] == (index - 1,) and readers[index - 1] == 1:
            groups[-1] = range(groups[-1].start, index + 1)
        else:
            groups.append(range(index, index + 1))
    return groups


def _rows(reads: Sequence[Sequence[int]]) -> list[int]:
    rows: list[int] = []
    for sources in reads:
        rows.append(max((rows[source] + 1 for source in sources), default=0))
    highest: dict[int, int] = {}
    for place, sources in enumerate(reads):
        for source in sources:
            highest[source] = min(rows[place], highest.get(source, rows[place]))
    for place, sources in enumerate(reads):
        if not sources and highest.get(place, 0) > 1:  # a constant stands above who reads it
            rows[place] = highest[place] - 1
    return rows


def _places(reads: Sequence[Sequence[int]], rows: Sequence[int]) -> list[float]:
    by_row: dict[int, list[int]] = {}
    for box, row in enumerate(rows):
        by_row.setdefault(row, []).append(box)
    places = [0.0] * len(rows)
    for row in sorted(by_row):
        boxes = by_row[row]
        boxes.sort(key=lambda box: fmean([places[s] for s in reads[box]] or [0.0]))
        for order, box in enumerate(boxes):
            places[box] = order - (len(boxes) - 1) / 2
    return places
