"""Binding a model's inputs to shapes: the file's own, or those that the user asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Shape
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs.change import given_twice
from edgeprofiler.reading.operators.call import DTYPES, BadNodeError, check_size

Dimension = int | str
"""A fixed length, or the name of a free dimension (empty where it has none)."""

_BATCH = re.compile(r".*batch.*|bs|n", re.IGNORECASE)
_TIME = re.compile(
    r".*(time|seq|len|frame|step|token|sample|audio|word|char).*|[tls]", re.IGNORECASE
)
"""Names that exporters give to a free dimension along which a network goes in steps."""
_CHANNELS = (1, 3, 4)
"""Channels of an image; a last dimension of so many is one of a channels-last image."""


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
    places: Mapping[str, tuple[str, int]]
    """The input and axis of each free dimension that has a name."""
    given: Mapping[str, Shape]
    """Shapes that the user says of other tensors than inputs."""


def declared(info: Any) -> Declared | None:
    """Return a ValueInfoProto's tensor, or `None` where it is a sequence, a map or nothing.

    What may be missing is taken as given.
    """
    if not info.HasField("type"):
        return None
    kind = info.type.optional_type.elem_type if info.type.HasField("optional_type") else info.type
    if not kind.HasField("tensor_type"):
        return None
    tensor = kind.tensor_type
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
    wanted, given = _wanted(inputs, options, source)
    batch = options.batch
    if batch is not None and batch < 1:
        raise UsageError(f"`batch` {batch}: the batch must be at least 1")
    own = _own_batch(inputs)
    free: dict[str, int] = {}
    for item in inputs:
        lengths = wanted.get(item.name)
        if lengths is not None and item.dimensions is not None:
            for dimension, length in zip(item.dimensions, lengths, strict=True):
                if isinstance(dimension, str) and dimension:
                    free.setdefault(dimension, length)
        axis = _batch_axis(item, own)
        if batch is not None and axis is not None and item.dimensions:
            name = item.dimensions[axis]
            if isinstance(name, str) and name:
                free[name] = batch
    shapes: dict[str, Shape] = {}
    for item in inputs:
        shape = wanted.get(item.name) or _shape_of(item, free, batch, own)
        if shape is None:
            others = f" ({', '.join(map(repr, given))}: no input)" if given else ""
            raise UsageError(_free_message(item, source, batch) + others)
        axis = _batch_axis(item, own)
        if batch is not None and axis is not None:
            shape = (*shape[:axis], batch, *shape[axis + 1 :])
        _check(item.name, shape, source)
        wanted[item.name] = shape
        shapes[item.name] = tuple(
            d if isinstance(d, int) else n
            for d, n in zip(item.dimensions or [""] * len(shape), shape, strict=True)
        )
    axes: dict[str, tuple[int, ...]] = {}
    places: dict[str, tuple[str, int]] = {}
    for item in inputs:
        dimensions = item.dimensions or ("",) * len(shapes[item.name])
        axes[item.name] = tuple(i for i, d in enumerate(dimensions) if isinstance(d, str))
        for axis, d in enumerate(dimensions):
            if isinstance(d, str) and d:
                places.setdefault(d, (item.name, axis))
    return Bound(shapes, wanted, free, axes, places, given)


def _wanted(
    inputs: Sequence[Declared], options: ReadOptions, source: str
) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Return the shapes asked for of inputs, and those said of other tensors."""
    names = ", ".join(repr(item.name) for item in inputs) or "none"
    known = {item.name: item for item in inputs}
    wanted: dict[str, Shape] = {}
    given: dict[str, Shape] = {}
    for name, shape in options.shapes.items():
        if name == "" and len(inputs) != 1:
            raise UsageError(
                f"`shapes`: {source} has {len(inputs)} inputs ({names}); "
                "say which one, as in `shapes` NAME=1x3x224x224"
            )
        item = inputs[0] if name == "" else known.get(name)
        if item is not None and item.name in wanted:
            raise given_twice(item.name, source)
        if any(n < 1 for n in shape):
            raise UsageError(f"`shapes`: {name or 'the input'!r} cannot be {shape}")
        if item is None:
            given[name] = tuple(shape)
            continue
        if item.dimensions is not None and len(item.dimensions) != len(shape):
            raise UsageError(
                f"`shapes`: the input {item.name!r} of {source} has {len(item.dimensions)} "
                f"dimensions ({_text(item)}), not {len(shape)}"
            )
        if _turned(item, shape):
            right = "x".join(map(str, (shape[0], *shape[2:], shape[1])))
            raise UsageError(
                f"`shapes`: the input {item.name!r} of {source} is channels-last ({_text(item)}); "
                f"write `shapes` {item.name}={right}"
            )
        wanted[item.name] = tuple(shape)
    return wanted, given


def _turned(item: Declared, shape: Shape) -> bool:
    """Whether a channels-last image is given a shape with its channels first."""
    last = item.dimensions[-1] if item.dimensions else None
    return len(shape) == 4 and last in _CHANNELS and shape[1] == last != shape[3]


def _own_batch(inputs: Sequence[Declared]) -> int | None:
    """Return the batch that the file fixes: the first dimension of its first image-like input."""
    ranked = sorted(inputs, key=lambda item: -min(len(item.dimensions or ()), 3))
    for item in ranked:
        if item.dimensions and len(item.dimensions) > 1:
            first = item.dimensions[0]
            return first if isinstance(first, int) else None
    return None


def _batch_axis(item: Declared, own: int | None) -> int | None:
    """Return the axis of an input's images; `None` where it has none that could be told."""
    dimensions = item.dimensions
    if dimensions is None:
        return 0
    named = [axis for axis, d in enumerate(dimensions) if isinstance(d, str)]
    for axis in named:
        if _BATCH.fullmatch(str(dimensions[axis])):
            return axis
    if not dimensions:
        return None
    first = dimensions[0]
    if isinstance(first, str):
        return None if _TIME.fullmatch(first) else 0
    return 0 if len(dimensions) > 1 and first == own else None


def _shape_of(
    item: Declared, free: Mapping[str, int], batch: int | None, own: int | None
) -> Shape | None:
    if item.dimensions is None:
        return None
    shape = [free.get(d) if isinstance(d, str) else d for d in item.dimensions]
    axis = _batch_axis(item, own)
    if batch is not None and axis is not None:
        shape[axis] = batch
    return None if None in shape else tuple(n for n in shape if n is not None)


def _free_message(item: Declared, source: str, batch: int | None) -> str:
    if item.dimensions is None:
        return (
            f"{source}: the input {item.name!r} does not say its dimensions; "
            f"give them, as in `shapes` {item.name}=1x3x224x224"
        )
    images = _batch_axis(item, None)
    places = [
        (axis, d) for axis, d in enumerate(item.dimensions)
        if isinstance(d, str) and not (batch is not None and axis == images)
    ]  # fmt: skip
    names = ", ".join(repr(d) if d else f"number {axis}" for axis, d in places)
    if [axis for axis, _ in places] == [images]:
        return (
            f"{source}: the input {item.name!r} ({_text(item)}) leaves its batch free "
            f"({names}); give `batch` 1"
        )
    return (
        f"{source}: the input {item.name!r} ({_text(item)}) leaves dimensions free: {names}; "
        f"give its size, as in `shapes` {item.name}={_example(item, images)}"
    )


def _example(item: Declared, images: int | None) -> str:
    """Return a shape that the input could have."""
    dimensions = item.dimensions or ()
    last = len(dimensions) == 4 and dimensions[3] in _CHANNELS
    image = ("1", "224", "224", "3") if last else ("1", "3", "224", "224")

    def length(axis: int, dimension: Dimension) -> str:
        if isinstance(dimension, int):
            return str(dimension)
        if axis == images:
            return "1"
        if _TIME.fullmatch(dimension):
            return "100"
        return image[axis] if len(dimensions) == 4 else "1"

    return "x".join(length(axis, d) for axis, d in enumerate(dimensions))


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
            raise Unsupported(
                f"{source}: the input {info.name!r} is no tensor but a list or a map, whose length "
                "nothing says; export the model with its tensors as inputs of their own"
            )
        return Declared(info.name, "fp32", None)
    return found
