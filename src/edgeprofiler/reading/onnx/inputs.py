"""Binding a model's inputs to shapes: the file's own, or those that the user asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Shape
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.operators.call import DTYPES, BadNodeError, check_size

Dimension = int | str
"""A fixed length, or the name of a free dimension (empty where it has none)."""


@dataclass(frozen=True)
class Declared:
    """A tensor as the file declares it; `dimensions` is `None` where even the rank is not said."""

    name: str
    dtype: str
    dimensions: tuple[Dimension, ...] | None

    def static(self, free: Mapping[str, int]) -> Shape | None:
        """Return the shape with named dimensions bound, or `None` where some stay free."""
        if self.dimensions is None:
            return None
        shape = tuple(free.get(d, -1) if isinstance(d, str) else d for d in self.dimensions)
        return None if any(n < 0 for n in shape) else shape


@dataclass(frozen=True)
class Bound:
    """Input shapes: those at which a file is read, and those that it is then changed to."""

    shapes: Mapping[str, Shape]
    """The file's own lengths, and what was given for dimensions that it leaves free."""
    wanted: Mapping[str, Shape]
    """The same with dimensions that the file fixes as the user wants them."""
    free: Mapping[str, int]
    """Lengths of the free dimensions that have a name."""
    free_axes: Mapping[str, tuple[int, ...]]
    """Axes that the file leaves free, by input."""


def declared(info: Any) -> Declared | None:
    """Return a ValueInfoProto's tensor, or `None` where it is a sequence, a map or nothing."""
    if not info.HasField("type") or not info.type.HasField("tensor_type"):
        return None
    tensor = info.type.tensor_type
    dimensions: tuple[Dimension, ...] | None = None
    if tensor.HasField("shape"):
        dimensions = tuple(
            int(d.dim_value) if d.HasField("dim_value") and d.dim_value > 0 else str(d.dim_param)
            for d in tensor.shape.dim
        )
    return Declared(info.name, DTYPES.get(tensor.elem_type, "fp32"), dimensions)


def bind(inputs: Sequence[Declared], options: ReadOptions, source: str) -> Bound:
    """Return a shape for each input.

    Raises:
        UsageError: a dimension is free and not given, or an option names no input.
        InvalidInput: an absurd size.
    """
    wanted = _wanted(inputs, options, source)
    batch = options.batch
    if batch is not None and batch < 1:
        raise UsageError(f"`batch` {batch}: the batch must be at least 1")
    own = _own_batch(inputs)
    free: dict[str, int] = {}
    for item in inputs:
        given = wanted.get(item.name)
        if given is not None and item.dimensions is not None:
            for dimension, length in zip(item.dimensions, given, strict=True):
                if isinstance(dimension, str) and dimension:
                    free.setdefault(dimension, length)
        if batch is not None and _has_batch(item, own):
            first = item.dimensions[0] if item.dimensions else ""
            if isinstance(first, str) and first:
                free[first] = batch
    shapes: dict[str, Shape] = {}
    for item in inputs:
        shape = wanted.get(item.name) or _shape_of(item, free, batch, own)
        if shape is None:
            raise UsageError(_free_message(item, source, batch))
        if batch is not None and _has_batch(item, own):
            shape = (batch, *shape[1:])
        _check(item.name, shape, source)
        wanted[item.name] = shape
        shapes[item.name] = tuple(
            d if isinstance(d, int) else n
            for d, n in zip(item.dimensions or [""] * len(shape), shape, strict=True)
        )
    axes = {
        item.name: tuple(i for i, d in enumerate(item.dimensions or ()) if isinstance(d, str))
        for item in inputs
    }
    return Bound(shapes, wanted, free, {name: found for name, found in axes.items() if found})


def _wanted(inputs: Sequence[Declared], options: ReadOptions, source: str) -> dict[str, Shape]:
    names = ", ".join(repr(item.name) for item in inputs) or "none"
    known = {item.name: item for item in inputs}
    wanted: dict[str, Shape] = {}
    for name, shape in options.shapes.items():
        if name == "" and len(inputs) != 1:
            raise UsageError(
                f"`shapes`: {source} has {len(inputs)} inputs ({names}); "
                "say which one, as in `shapes` NAME=1x3x224x224"
            )
        item = inputs[0] if name == "" else known.get(name)
        if item is None:
            raise UsageError(f"`shapes`: {source} has no input {name!r}; its inputs: {names}")
        if item.dimensions is not None and len(item.dimensions) != len(shape):
            raise UsageError(
                f"`shapes`: the input {item.name!r} of {source} has {len(item.dimensions)} "
                f"dimensions ({_text(item)}), not {len(shape)}"
            )
        if any(n < 1 for n in shape):
            raise UsageError(f"`shapes`: the input {item.name!r} cannot be {shape}")
        wanted[item.name] = tuple(shape)
    return wanted


def _own_batch(inputs: Sequence[Declared]) -> int | None:
    """Return the batch that the file fixes: the first dimension of its first image-like input."""
    ranked = sorted(inputs, key=lambda item: -min(len(item.dimensions or ()), 3))
    for item in ranked:
        if item.dimensions and len(item.dimensions) > 1:
            first = item.dimensions[0]
            return first if isinstance(first, int) else None
    return None


def _has_batch(item: Declared, own: int | None) -> bool:
    if item.dimensions is None:
        return True
    if not item.dimensions:
        return False
    first = item.dimensions[0]
    return isinstance(first, str) or (len(item.dimensions) > 1 and first == own)


def _shape_of(
    item: Declared, free: Mapping[str, int], batch: int | None, own: int | None
) -> Shape | None:
    if item.dimensions is None:
        return None
    shape = [free.get(d) if isinstance(d, str) else d for d in item.dimensions]
    if batch is not None and shape and _has_batch(item, own):
        shape[0] = batch
    return None if None in shape else tuple(n for n in shape if n is not None)


def _free_message(item: Declared, source: str, batch: int | None) -> str:
    if item.dimensions is None:
        return (
            f"{source}: the input {item.name!r} does not say its dimensions; "
            f"give them, as in `shapes` {item.name}=1x3x224x224"
        )
    fixed_batch = batch is not None
    places = [
        (axis, d) for axis, d in enumerate(item.dimensions)
        if isinstance(d, str) and not (fixed_batch and axis == 0)
    ]  # fmt: skip
    names = ", ".join(repr(d) if d else f"number {axis}" for axis, d in places)
    if [axis for axis, _ in places] == [0]:
        return (
            f"{source}: the input {item.name!r} ({_text(item)}) leaves its batch free "
            f"({names}); give `batch` 1"
        )
    usual = {0: "1", 1: "3", 2: "224", 3: "224"}
    example = "x".join(
        str(d) if isinstance(d, int) else usual.get(axis, "1")
        for axis, d in enumerate(item.dimensions)
    )
    return (
        f"{source}: the input {item.name!r} ({_text(item)}) leaves dimensions free: {names}; "
        f"give its size, as in `shapes` {item.name}={example}"
    )


def _text(item: Declared) -> str:
    return " x ".join(str(d) if d else "?" for d in item.dimensions or ()) or "scalar"


def _check(name: str, shape: Shape, source: str) -> None:
    try:
        check_size(shape)
    except BadNodeError as error:
        raise InvalidInput(source, f"the input {name!r}: it {error}") from None


def require_tensor(info: Any, source: str) -> Declared:
    """Return an input's declaration, or raise `Unsupported` where it is no tensor."""
    found = declared(info)
    if found is None:
        if info.HasField("type") and info.type.WhichOneof("value"):
            raise Unsupported(f"{source}: the input {info.name!r} is no tensor")
        return Declared(info.name, "fp32", None)
    return found
