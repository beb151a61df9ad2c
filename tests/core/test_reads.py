"""Edges between layers: joined, bounded, and kept when layers change places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.reads import MOST, Reads, chosen, merged


@st.composite
def graphs(draw: st.DrawFn) -> Reads:
    """Edges of up to twelve layers, each of which reads layers before it."""
    size = draw(st.integers(1, 12))
    return tuple(
        tuple(sorted(draw(st.sets(st.integers(0, place - 1), max_size=3)))) if place else ()
        for place in range(size)
    )


def _reached(reads: Reads, place: int) -> set[int]:
    found: set[int] = set()
    for source in reads[place]:
        found |= {source} | _reached(reads, source)
    return found


def test_what_is_merged_keeps_the_latest() -> None:
    assert merged([range(1000)]) == tuple(range(1000 - MOST, 1000))


def test_unknown_stays_unknown() -> None:
    assert chosen(None, [0, 1]) is None


def test_a_new_layer_reads_what_nobody_knows() -> None:
    assert chosen(((), (0,)), [0, None, 1]) == ((), (), (0,))


def test_what_was_read_through_a_layer_that_is_gone_is_read_directly() -> None:
    assert chosen(((), (), (0, 1), (2,)), [0, 1, 3]) == ((), (), (0, 1))


@given(graphs(), st.data())
def test_who_depends_on_whom_does_not_change_when_layers_are_left_out(
    reads: Reads, data: st.DataObject
) -> None:
    kept = sorted(data.draw(st.sets(st.integers(0, len(reads) - 1), min_size=1)))
    found = chosen(reads, kept)
    assert found is not None
    for place, before in enumerate(kept):
        wanted = {kept.index(source) for source in _reached(reads, before) if source in kept}
        assert _reached(found, place) == wanted
