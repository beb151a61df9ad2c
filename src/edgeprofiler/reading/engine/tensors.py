"""Tensors of an engine description: shapes, data types, and which of them are constants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from edgeprofiler.core.network import Shape, elements
from edgeprofiler.core.units import DTYPE_BYTES
from edgeprofiler.core.values import Value

_DTYPES = tuple(
    (re.compile(pattern, re.IGNORECASE), dtype)
    for pattern, dtype in (
        (r"bfloat16|bf16", "bf16"),
        (r"fp8|float8|e4m3|e5m2", "fp8"),
        (r"int4|fp4|float4|e2m1", "int4"),
        (r"uint8", "uint8"),
        (r"int8", "int8"),
        (r"uint16", "uint16"),
        (r"int16", "int16"),
        (r"uint32", "uint32"),
        (r"int32", "int32"),
        (r"uint64", "uint64"),
        (r"int64", "int64"),
        (r"fp16|float16|half", "fp16"),
        (r"fp64|float64|double", "fp64"),
        (r"tf32", "tf32"),
        (r"fp32|float", "fp32"),
        (r"bool", "bool"),
    )
)
_FORMAT_KEYS = ("Format/Datatype", "Datatype", "DataType", "Format", "Type")


@lru_cache(maxsize=512)
def dtype_of(description: str) -> str | None:
    """Return the data type that a format names, `None` where it names none.

    TensorRT writes `Channel major FP16 format where channel % 8 == 0`, Myelin writes `Half`.
    """
    if description in DTYPE_BYTES:
        return description
    for pattern, dtype in _DTYPES:
        if pattern.search(description):
            return dtype
    return None


@dataclass(frozen=True)
class EngineTensor:
    """An input or output of an engine's layer."""

    name: str
    shape: Shape | None
    """`None` where the description does not say; `()` is a scalar."""
    dtype: str | None

    @property
    def size(self) -> int:
        """Number of elements; 0 where the shape is unknown."""
        return 0 if self.shape is None else elements(self.shape)


def read_tensor(value: Value, layer: str) -> EngineTensor:
    """Return the tensor that `value` describes.

    Args:
        value: an entry of `Inputs` or `Outputs`.
        layer: how messages call the layer that it belongs to.

    Raises:
        InvalidInput: a dimension is negative, absurd or no integer.
    """
    keys = value.mapping()
    name = value["Name"].default("").text()
    where = f"{layer}: tensor {name!r}" if name else value.place
    dimensions = value["Dimensions"].at(f"{where}: Dimensions")
    if isinstance(dimensions.raw, list) and -1 in dimensions.raw:
        raise dimensions.fail(
            "has a negative dimension (-1)",
            "the engine takes dynamic shapes; describe it with the shapes set: "
            "trtexec --shapes=INPUT:1x3x224x224 --exportLayerInfo=engine_info.json",
        )
    described = (keys[key] for key in _FORMAT_KEYS if isinstance(keys.get(key), str))
    dtypes = (dtype for text in described if (dtype := dtype_of(text)) is not None)
    return EngineTensor(
        name=name,
        shape=dimensions.maybe(Value.shape),
        dtype=next(dtypes, None),
    )
