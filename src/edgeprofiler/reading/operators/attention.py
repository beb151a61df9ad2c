"""Attention as one operator: `Attention` of opset 23, in three or four dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeprofiler.core.graph import Shape
from edgeprofiler.reading.operators.call import BadNodeError, Call, Rule, Spec, text


@dataclass(frozen=True)
class Heads:
    """The sizes of an attention: every head multiplies queries by keys, and weights by values."""

    batch: int
    queries: int
    """Heads of the queries; several may share one head of keys and values."""
    keys: int
    """Heads of keys and values."""
    rows: int
    """Queries of a head."""
    columns: int
    """Keys of a head, those of the past included."""
    depth: int
    """Length of a query and of a key."""
    value_depth: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the two products."""
        scores = self.batch * self.queries * self.rows * self.columns
        return scores * (self.depth + self.value_depth)


def heads_of(shapes: Sequence[Shape | None], query_heads: int = 0, key_heads: int = 0) -> Heads:
    """Return the sizes of an attention from the shapes of queries, keys, values and the past.

    Args:
        shapes: of the inputs; the past keys stand at place 4.
        query_heads: heads of queries of three dimensions (batch, rows, heads x depth).
        key_heads: heads of keys and values of three dimensions.
    """
    parts = [shape for shape in shapes[:3] if shape is not None]
    if len(parts) != 3 or any(len(shape) not in (3, 4) for shape in parts):
        shown = ", ".join(map(text, parts))
        raise BadNodeError(f"wants queries, keys and values of 3 or 4 dimensions, not {shown}")
    query, key, value = (
        _four(shape, count)
        for shape, count in zip(parts, (query_heads, key_heads, key_heads), strict=True)
    )
    past = shapes[4] if len(shapes) > 4 else None
    before = past[2] if past is not None and len(past) == 4 else 0
    fits = query[3] == key[3] and key[:3] == value[:3] and query[0] == key[0]
    if not fits or not key[1] or query[1] % key[1]:
        raise BadNodeError(f"has queries {text(query)}, keys {text(key)}, values {text(value)}")
    return Heads(query[0], query[1], key[1], query[2], key[2] + before, query[3], value[3])


def _four(shape: Shape, heads: int) -> Shape:
    if len(shape) == 4:
        return shape
    if heads < 1 or shape[2] % heads:
        raise BadNodeError(f"cannot cut {text(shape)} into {heads} heads")
    return (shape[0], heads, shape[1], shape[2] // heads)


def _attention(call: Call) -> list[Spec]:
    shapes = [None if value is None else value.shape for value in call.inputs]
    heads = heads_of(shapes, call.integer("q_num_heads", 0), call.integer("kv_num_heads", 0))
    h, dtype = heads, call.value(0).dtype
    whole = (h.batch, h.queries, h.rows, h.value_depth)
    result = (h.batch, h.rows, h.queries * h.value_depth) if len(call.shape(0)) == 3 else whole
    specs: list[Spec] = [
        (result, dtype),
        ((h.batch, h.keys, h.columns, h.depth), dtype),
        ((h.batch, h.keys, h.columns, h.value_depth), dtype),
        ((h.batch, h.queries, h.rows, h.columns), dtype),
    ]
    return specs[: max(call.outputs, 1)]


RULES: dict[str, Rule] = {"Attention": _attention}
