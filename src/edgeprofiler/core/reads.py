"""Which layers each layer of a network reads: the edges of its graph, by index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Reads = tuple[tuple[int, ...], ...]
"""For each layer the indices of those whose results it reads, in order."""

MOST = 128
"""Most that are kept of one layer, the latest: no network reads so many at once (the widest
concatenation of DenseNet-264 has 65 parts), and chains of concatenations stay linear."""


def merged(parts: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """Return the places of several parts, each once and in order.

    >>> merged([(3, 1), (), (1, 2)])
    (1, 2, 3)
    """
    found = [place for part in parts for place in part]
    return tuple(found) if len(found) < 2 else tuple(sorted({*found})[-MOST:])


def chosen(reads: Reads | None, places: Sequence[int | None]) -> Reads | None:
    """Return what layers read that are put in another order, others of them left out.

    What a layer reads through one that is left out, it reads itself.

    Args:
        reads: of the layers as they were; `None` where unknown, and then so is the result.
        places: the former index of each layer; `None` for one that is new.

    >>> chosen(((), (0,), (1,)), [0, 2])
    ((), (0,))
    """
    if reads is None:
        return None
    now = {before: place for place, before in enumerate(places) if before is not None}
    seen: list[tuple[int, ...]] = []  # what a reader of each former layer finds
    found: list[tuple[int, ...]] = []
    for before, sources in enumerate(reads):
        inside = [place for place in sources if place < before]
        found.append(merged(seen[place] for place in inside))
        seen.append((now[before],) if before in now else found[-1])
    return tuple(() if before is None else found[before] for before in places)
