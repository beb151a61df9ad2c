"""Tensors of an engine description: shapes, data types, and which of them are constants."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Shape
from edgeprofiler.core.units import DTYPE_BYTES, dtype_bytes
from edgeprofiler.core.values import Value, clean, plain_shape

_DTYPES = {
    dtype: re.compile(names, re.IGNORECASE)
    for dtype, names in {
        "bf16": "bfloat16|bf16",
        "fp8": "fp8|float8|e4m3|e5m2",
        "int4": "int4|fp4|float4|e2m1",
        "uint8": "uint8",
        "int8": "int8",
        "uint16": "uint16",
        "int16": "int16",
        "uint32": "uint32",
        "int32": "int32",
        "uint64": "uint64",
        "int64": "int64",
        "fp16": "fp16|float16|half",
        "fp64": "fp64|float64|double",
        "tf32": "tf32",
        "fp32": "fp32|float",
        "bool": "bool",
    }.items()
}
"""What formats call data types; the first that is found counts, so `uint8` stands before `int8`."""

_FORMAT_KEYS = ("Format/Datatype", "Datatype", "DataType", "Format", "Type")


@lru_cache(maxsize=512)
def dtype_of(description: str) -> str | None:
    """Return the data type that a format names, `None` where it names none.

    TensorRT writes `Channel major FP16 format where channel % 8 == 0`, Myelin writes `Half`.
    """
    if description in DTYPE_BYTES:
        return description
    for dtype, names in _DTYPES.items():
        if names.search(description):
            return dtype
    return None


@lru_cache(maxsize=4096)  # an engine has few shapes, and each of them often
def tensor_bytes(shape: Shape, dtype: str) -> float:
    """Return the bytes of a tensor.

    >>> tensor_bytes((1, 3, 224, 224), "fp16")
    301056
    """
    return math.prod(shape) * dtype_bytes(dtype)


class EngineTensor(NamedTuple):
    """An input or output of an engine's layer."""

    name: str
    shape: Shape | None
    """`None` where the description does not say; `()` is a scalar."""
    dtype: str | None

    @property
    def size(self) -> int:
        """Number of elements; 0 where the shape is unknown."""
        return 0 if self.shape is None else math.prod(self.shape)


def read_tensors(
    entry: Mapping[str, Any], key: str, told: Callable[[], Value]
) -> tuple[EngineTensor, ...]:
    """Return the tensors that a layer lists.

    Args:
        entry: a layer's entry.
        key: `Inputs` or `Outputs`.
        told: gives the entry with its place, to say what is wrong in it.

    Raises:
        InvalidInput: a dimension is negative, absurd or no integer.
    """
    listed = entry.get(key)
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise told().under(key).wrong("a list")
    tensors: list[EngineTensor] = []
    for raw in listed:
        tensor = _tensor(raw)
        if tensor is None:
            raise _fault(told(), key, len(tensors))
        tensors.append(tensor)
    return tuple(tensors)


def _tensor(raw: Any) -> EngineTensor | None:
    """Return a tensor of its entry; `None` where that cannot be one (`_fault` says why)."""
    if not isinstance(raw, dict):
        return None
    name, dimensions = raw.get("Name"), raw.get("Dimensions")
    if name is None:
        name = ""
    shape = plain_shape(dimensions)
    if not isinstance(name, str) or (shape is None and dimensions is not None):
        return None
    dtype = None
    for kind in _FORMAT_KEYS:
        text = raw.get(kind)
        if isinstance(text, str) and (dtype := dtype_of(text)) is not None:
            break
    # A named tuple's own constructor is a function in Python, which takes as long as all the rest.
    return tuple.__new__(EngineTensor, (clean(name), shape, dtype))


def _fault(layer: Value, key: str, place: int) -> InvalidInput:
    """Return what is wrong with a tensor's entry, its name or its dimensions."""
    tensor = layer.under(key)[place]
    try:
        name = tensor["Name"].default("").text()
        where = f"{layer.place}: tensor {name!r}" if name else tensor.place
        dimensions = tensor["Dimensions"].at(f"{where}: Dimensions")
        if isinstance(dimensions.raw, list) and -1 in dimensions.raw:
            return dimensions.fail(
                "has a negative dimension (-1)",
                "the engine takes dynamic shapes; describe it with the shapes set: "
                "trtexec --shapes=INPUT:1x3x224x224 --exportLayerInfo=engine_info.json",
            )
        dimensions.shape()
    except InvalidInput as error:
        return error
    return tensor.fail("cannot be read")
