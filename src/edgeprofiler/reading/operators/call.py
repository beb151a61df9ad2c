"""One operator as a rule sees it: what is known of its inputs, and what it says of itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core import limits
from edgeprofiler.core.graph import Dimension, Node, Shape, Tensor

FOLD_ELEMENTS = 8192
"""Constants of at most this many elements are computed; of larger ones the shape alone."""

DTYPES: dict[int, str] = {
    1: "fp32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    8: "string", 9: "bool", 10: "fp16", 11: "fp64", 12: "uint32", 13: "uint64",
    14: "complex64", 15: "complex128", 16: "bf16", 17: "fp8", 18: "fp8", 19: "fp8", 20: "fp8",
    21: "uint4", 22: "int4", 23: "fp4", 24: "fp8", 25: "uint2", 26: "int2",
}  # fmt: skip
"""EdgeProfiler's name of each `TensorProto.DataType`."""

NUMPY: dict[str, type[np.generic]] = {
    "fp32": np.float32, "fp64": np.float64, "fp16": np.float16, "bool": np.bool_,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip
"""NumPy's type for those data types that are computed with."""

NAMES: dict[np.dtype[Any], str] = {np.dtype(kind): name for name, kind in NUMPY.items()}

ONNX_CODES: dict[str, int] = {name: code for code, name in reversed(list(DTYPES.items()))}


class BadNodeError(ValueError):
    """A node contradicts its inputs (a shape that cannot be, an attribute that is missing)."""


class UnknownShapeError(Exception):
    """A node's output shape cannot be told from shapes and constants alone."""


@dataclass(slots=True)
class Operand:
    """A tensor: its shape, its type, and its elements where it is a small constant."""

    shape: Shape
    dtype: str
    constant: bool = False
    data: npt.NDArray[Any] | None = None

    @staticmethod
    def of(data: npt.NDArray[Any]) -> Operand:
        """Return the constant that holds `data`."""
        return Operand(data.shape, NAMES.get(data.dtype, "fp32"), constant=True, data=data)

    @staticmethod
    def of_tensor(tensor: Tensor) -> Operand:
        """Return what a rule must know of a graph's tensor."""
        if tensor.value is None:
            return Operand(tensor.shape, tensor.dtype, tensor.constant)
        data = np.array(tensor.value, NUMPY.get(tensor.dtype)).reshape(tensor.shape)
        return Operand(tensor.shape, tensor.dtype, tensor.constant, data)

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def tensor(self, name: str, *, stated: bool) -> Tensor:
        """Return the graph's tensor, with its elements where they are to be `stated`."""
        elements = _plain(self.data) if stated and self.data is not None else None
        return Tensor(name, self.shape, self.dtype, self.constant, elements)


def _plain(data: npt.NDArray[Any]) -> tuple[int, ...] | tuple[float, ...] | None:
    """Return elements as Python's numbers; `None` for many, and where one is not finite."""
    if data.size > FOLD_ELEMENTS:
        return None
    numbers = data.reshape(-1).tolist()
    if data.dtype.kind == "f":
        return tuple(numbers) if all(map(math.isfinite, numbers)) else None
    return tuple(map(int, numbers))


Spec = tuple[Shape, str]
"""Shape and data type of an output."""


@dataclass(slots=True)
class Call:
    """One node as a rule sees it."""

    op: str
    inputs: Sequence[Operand | None]
    attributes: Mapping[str, Any]
    outputs: int = 1
    doubts: list[str] = field(default_factory=list)
    """What a rule had to assume."""

    @staticmethod
    def of(node: Node, tensors: Mapping[str, Tensor]) -> Call:
        """Return a graph's node with what is known of its inputs."""
        inputs = [Operand.of_tensor(tensors[name]) if name else None for name in node.inputs]
        return Call(node.op, inputs, node.attributes, len(node.outputs))

    def has(self, index: int) -> bool:
        """Whether input `index` is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def value(self, index: int) -> Operand:
        """Return input `index`."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise BadNodeError(f"lacks its input {index}")
        return value

    def shape(self, index: int) -> Shape:
        """Return the shape of input `index`."""
        return self.value(index).shape

    def data(self, index: int) -> npt.NDArray[Any]:
        """Return the elements of input `index`, which must be a small constant."""
        value = self.value(index)
        if value.data is None:
            raise UnknownShapeError(f"input {index} is computed at run time")
        return value.data

    def integers(self, name: str, index: int | None = None) -> tuple[int, ...] | None:
        """Return integers from an attribute or, in later opsets, from a constant input."""
        found = self.attributes.get(name)
        if found is None:
            if index is None or not self.has(index):
                return None
            data = self.data(index)
            if data.dtype.kind not in "iub":
                raise BadNodeError(f"wants integers as {name}")
            return tuple(data.reshape(-1).tolist())
        if isinstance(found, int):
            return (found,)
        if not isinstance(found, tuple) or not all(isinstance(v, int) for v in found):
            raise BadNodeError(f"wants integers as {name}")
        return found

    def integer(self, name: str, default: int) -> int:
        """Return an attribute that is one integer."""
        found = self.attributes.get(name, default)
        if not isinstance(found, int):
            raise BadNodeError(f"wants an integer as {name}")
        return found

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is a string."""
        found = self.attributes.get(name, default)
        if not isinstance(found, str):
            raise BadNodeError(f"wants text as {name}")
        return found

    def same(self, dtype: str | None = None) -> list[Spec]:
        """Return one output of the shape of the first input."""
        value = self.value(0)
        return [(value.shape, dtype or value.dtype)]

    def vector(self, index: int, lengths: Sequence[int], what: str) -> None:
        """Refuse an optional input that is no vector of one of `lengths`."""
        if self.has(index) and self.shape(index) not in [(length,) for length in lengths]:
            wanted = " or ".join(map(str, lengths))
            raise BadNodeError(f"has a {what} of shape {text(self.shape(index))}, not {wanted}")


Rule = Callable[[Call], "list[Spec]"]
"""Returns shape and type of each output."""


def text(shape: Shape) -> str:
    """Return a shape as messages write it."""
    return "x".join(map(str, shape)) or "scalar"


def lengths(dimensions: Iterable[Dimension], shape_of: Callable[[str], Shape]) -> Shape:
    """Return a shape whose dimensions are numbers, or as long as those of other tensors."""
    return tuple(d if isinstance(d, int) else shape_of(d[0])[d[1]] for d in dimensions)


def axis_of(axis: int, rank: int) -> int:
    """Return a non-negative axis, or raise `BadNodeError`."""
    if not -rank <= axis < rank:
        raise BadNodeError(f"has axis {axis}, but its input has {rank} dimensions")
    return axis + rank if axis < 0 else axis


def axes_of(axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Return non-negative axes without repetition."""
    found = tuple(axis_of(axis, rank) for axis in axes)
    if len(set(found)) != len(found):
        raise BadNodeError("names an axis twice")
    return found


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that `shapes` broadcast to, as NumPy and ONNX do."""
    first = shapes[0] if shapes else ()
    if all(shape == first for shape in shapes):
        return first
    rank = max(map(len, shapes))
    result = [1] * rank
    for shape in shapes:
        for offset, length in enumerate(reversed(shape), start=1):
            if length != 1 and result[-offset] != length:
                if result[-offset] != 1:
                    raise BadNodeError(f"cannot combine shapes {' and '.join(map(text, shapes))}")
                result[-offset] = length
    return tuple(result)


def check_size(shape: Shape) -> None:
    """Raise `BadNodeError` for a negative or absurd shape."""
    if len(shape) > limits.RANK:
        raise BadNodeError(f"makes a tensor of {len(shape)} dimensions")
    total = 1
    for length in shape:
        if length < 0 or length > limits.DIMENSION:
            raise BadNodeError(f"makes a tensor with a dimension of {length}")
        total *= max(length, 1)
        if total > limits.ELEMENTS:
            raise BadNodeError(f"makes a tensor of more than {limits.ELEMENTS:.0e} elements")
