"""Kernels that Myelin generates (`kgen`) and regions that it runs as one layer."""

from __future__ import annotations

from dataclasses import replace

from edgeprofiler.core.network import Layer, elements
from edgeprofiler.reading.engine import operations
from edgeprofiler.reading.engine.operations import ARITHMETIC, MOVES
from edgeprofiler.reading.engine.pooling import over_space
from edgeprofiler.reading.engine.products import find_product, fully_connected, read_product
from edgeprofiler.reading.engine.raw import RawLayer

_PRODUCTS = frozenset({"Gemm", "MatMul", "addmm", "linear", "Linear"})


def read_generated(raw: RawLayer) -> Layer:
    """Return the layer of a generated kernel, as far as its name says what it computes."""
    names = operations.generated(raw.text("TacticName")) or operations.generated(raw.name)
    if not names or not raw.input_shapes or not raw.output_shapes:
        return _region(raw)
    if {"Mul", "ReduceSum"} <= {*names} and find_product(raw) is not None:
        return read_product(raw, "gemm")
    if "Exp" in names and "ReduceSum" in names:
        return raw.build("other", "softmax", fused_ops=_beside(names, "Exp", "ReduceSum"))
    source, result = raw.input_shapes[0], raw.output_shapes[0]
    if elements(result) < elements(source) and not MOVES.issuperset(names):
        return _reduction(raw, names)
    if "ReduceMean" in names and "Mul" in names:
        return raw.build("other", "normalization", fused_ops=_beside(names, "ReduceMean"))
    if {*names} == {"Cast"}:
        return raw.build("other", "reformat")
    if MOVES.union({"Cast"}).issuperset(names):
        return raw.build("other", "concat" if "Concat" in names else "copy")
    if ARITHMETIC.union(MOVES, {"Cast"}).issuperset(names):
        computing = [name for name in names if name in ARITHMETIC]
        return raw.build("other", "pointwise", fused_ops=tuple(computing[1:]))
    return raw.build("other", "generated", fused_ops=names)


def _reduction(raw: RawLayer, names: tuple[str, ...]) -> Layer:
    source, result = raw.input_shapes[0], raw.output_shapes[0]
    computing = tuple(n for n in _beside(names, "ReduceMean", "ReduceSum") if n in ARITHMETIC)
    if "ReduceMean" in names and len(source) > 2 and over_space(source, result):
        return raw.build("pooling", "global_pool", fused_ops=computing)
    if "ReduceMean" in names or "ReduceSum" in names:
        return raw.build("other", "reduce", fused_ops=computing)
    return raw.build("other", "generated", fused_ops=names)


def _region(raw: RawLayer) -> Layer:
    """Return a region of many operations; one that holds a single product is that product."""
    last = [node.rpartition("/")[2] for node in raw.nodes]
    if raw.text("Metadata") and sum(name in _PRODUCTS for name in last) == 1:
        layer = fully_connected(raw)
        if layer is not None:
            return layer
    layer = raw.build("other", "generated")
    return layer if raw.constants else replace(layer, weight_bytes=None)


def _beside(names: tuple[str, ...], *main: str) -> tuple[str, ...]:
    return tuple(name for name in names if name not in main)
