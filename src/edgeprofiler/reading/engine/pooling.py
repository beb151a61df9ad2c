"""Poolings and means over space."""

from __future__ import annotations

from edgeprofiler.core.network import Layer, Shape, elements
from edgeprofiler.reading.engine.raw import RawLayer


def read_pooling(raw: RawLayer) -> Layer:
    """Return the layer of a pooling; its kernel is what TensorRT calls `WindowSize`.

    Raises:
        InvalidInput: it has no dimensions.
    """
    if not raw.input_shapes or not raw.output_shapes:
        raise raw.fail("is a pooling without input or output dimensions")
    source, result = raw.input_shapes[0], raw.output_shapes[0]
    kernel = raw.numbers("WindowSize") or raw.numbers("Kernel")
    spatial = source[-len(kernel) :] if kernel else source[2:]
    whole = not kernel or kernel == spatial
    if whole and elements(spatial) > 0 and over_space(source, result, len(spatial)):
        op = "global_pool"
    else:
        op = "max_pool" if _is_maximum(raw) else "average_pool"
    return raw.build("pooling", op, kernel=kernel, moves=raw.moves())


def read_reduce(raw: RawLayer) -> Layer:
    """Return the layer of a reduction; a mean over all positions is a pooling."""
    mean = "mean" in raw.name.lower() or raw.text("Operation").upper() in ("AVG", "MEAN", "KAVG")
    shapes = (*raw.input_shapes[:1], *raw.output_shapes[:1])
    if mean and len(shapes) == 2 and len(shapes[0]) > 2 and over_space(*shapes):
        return raw.build("pooling", "global_pool")
    return raw.build("other", "reduce")


def over_space(source: Shape, result: Shape, rank: int | None = None) -> bool:
    """Say whether `result` holds one element for each image and channel of `source`.

    Args:
        source: shape of the input, spatial dimensions last.
        result: shape of the output.
        rank: number of spatial dimensions; all after the channels if `None`.
    """
    kept = source[:2] if rank is None else source[: len(source) - rank]
    return tuple(size for size in result if size != 1) == tuple(size for size in kept if size != 1)


def _is_maximum(raw: RawLayer) -> bool:
    stated = raw.text("PoolingType").upper()
    return stated.startswith("MAX") if stated else "max" in raw.name.lower()
