"""Which layer of one network is which layer of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from edgeprofiler.core.network import Layer

Status = Literal["same", "renamed", "changed", "added", "removed"]


@dataclass(frozen=True)
class LayerPair:
    """A layer of the first network (index `a`), of the second (index `b`), or of both."""

    a: int | None
    b: int | None
    status: Status


def align(a: Sequence[Layer], b: Sequence[Layer]) -> tuple[LayerPair, ...]:
    """Pair the layers of two networks: by name, else by place and shape, else by place.

    Names that both networks have once are anchors, kept where their order agrees. Between two
    anchors, layers of equal work pair in order; what then lies at one place pairs if its kind and
    operation agree.
    """
    pairs: list[tuple[int, int]] = []
    start_a = start_b = 0
    for anchor_a, anchor_b in [*_anchors(a, b), (len(a), len(b))]:
        pairs += _between(a, b, range(start_a, anchor_a), range(start_b, anchor_b))
        if anchor_a < len(a):
            pairs.append((anchor_a, anchor_b))
        start_a, start_b = anchor_a + 1, anchor_b + 1
    return _with_unpaired(a, b, sorted(pairs))


def _anchors(a: Sequence[Layer], b: Sequence[Layer]) -> list[tuple[int, int]]:
    """Names unique in both networks, as the longest run that is in order in both."""
    seen_a, seen_b = (Counter(layer.name for layer in layers) for layers in (a, b))
    unique = {name for name in seen_a if seen_a[name] == 1 and seen_b.get(name) == 1}
    return _in_order(
        [i for i, layer in enumerate(a) if layer.name in unique],
        [j for j, layer in enumerate(b) if layer.name in unique],
        lambda i: a[i].name,
        lambda j: b[j].name,
    )


def _between(
    a: Sequence[Layer], b: Sequence[Layer], range_a: range, range_b: range
) -> list[tuple[int, int]]:
    """Pair equal work in order, then, in each gap that is left, equal kinds in order."""
    pairs = _in_order(range_a, range_b, lambda i: _work(a[i]), lambda j: _work(b[j]))
    found = list(pairs)
    place_a, place_b = range_a.start, range_b.start
    for stop_a, stop_b in [*pairs, (range_a.stop, range_b.stop)]:
        found += _in_order(
            range(place_a, stop_a),
            range(place_b, stop_b),
            lambda i: (a[i].kind, a[i].op),
            lambda j: (b[j].kind, b[j].op),
        )
        place_a, place_b = stop_a + 1, stop_b + 1
    return found


def _in_order(
    left: Sequence[int],
    right: Sequence[int],
    key_left: Callable[[int], Hashable],
    key_right: Callable[[int], Hashable],
) -> list[tuple[int, int]]:
    """Pairs of equal keys whose order agrees on both sides."""
    matcher = SequenceMatcher(
        None, [key_left(i) for i in left], [key_right(j) for j in right], autojunk=False
    )
    return [
        (left[block.a + k], right[block.b + k])
        for block in matcher.get_matching_blocks()
        for k in range(block.size)
    ]


def _work(layer: Layer) -> Hashable:
    """What a layer does, whatever it is called."""
    return (
        layer.kind, layer.op, layer.input_shapes, layer.output_shapes, layer.kernel, layer.stride,
        layer.dilation, layer.groups, layer.dtype, layer.macs, layer.bytes_moved,
    )  # fmt: skip


def _with_unpaired(
    a: Sequence[Layer], b: Sequence[Layer], pairs: list[tuple[int, int]]
) -> tuple[LayerPair, ...]:
    rows: list[LayerPair] = []
    place_a = place_b = 0
    for i, j in [*pairs, (len(a), len(b))]:
        rows += [LayerPair(k, None, "removed") for k in range(place_a, i)]
        rows += [LayerPair(None, k, "added") for k in range(place_b, j)]
        if i < len(a):
            rows.append(LayerPair(i, j, _status(a[i], b[j])))
        place_a, place_b = i + 1, j + 1
    return tuple(rows)


def _status(left: Layer, right: Layer) -> Status:
    if _work(left) != _work(right):
        return "changed"
    return "same" if left.name == right.name else "renamed"
