"""Names of operations in TensorRT's layer names, expressions and generated kernels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from edgeprofiler.core.activations import ACTIVATIONS

_ELEMENTWISE = (
    "Abs", "Add", "Ceil", "Cos", "Div", "Equal", "Erf", "Exp", "Floor", "Log", "Max", "Min",
    "Mul", "Neg", "Not", "Pow", "Reciprocal", "Round", "Sin", "Sqrt", "Sub", "Where",
    *(activation.name for activation in ACTIVATIONS),
)  # fmt: skip
_SPELLINGS = {word: known.name for known in ACTIVATIONS for word in known.spellings}
_BY_NAME = (
    {name.lower(): name for name in _ELEMENTWISE}
    | _SPELLINGS
    | {
        "plus": "Add",
        "minus": "Sub",
        "sum": "Add",
        "prod": "Mul",
        "truediv": "Div",
        "true_divide": "Div",
    }
)
_ACTIVATION = {word: known.name for known in ACTIVATIONS for word in known.engine}
_BINARY = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Where", "Equal"})

_ATEN = re.compile(r"aten_ops\.(?:torch\.ops\.aten\.)?([A-Za-z_0-9]+)")
_SPLIT = re.compile(r"[\s,()\[\]{}]+")
_SUFFIX = re.compile(r"_\d+$")
_EXPRESSION = re.compile(r"pwgen::i?([A-Za-z]+)\(")
_GENERATED = re.compile(r"__myl_([A-Z][A-Za-z0-9]*)(?:_|$)")
_CAMEL = re.compile(r"[A-Z][a-z0-9]*")

_CODES = {
    "Abs": "Abs", "Add": "Add", "Cas": "Cast", "Con": "Concat", "Div": "Div", "Erf": "Erf",
    "Exp": "Exp", "Gat": "Gather", "Log": "Log", "Max": "Max", "Mea": "ReduceMean", "Min": "Min",
    "Mov": "Move", "Mul": "Mul", "Neg": "Neg", "Pad": "Pad", "Pow": "Pow", "Rec": "Reciprocal",
    "Rep": "Tile", "Res": "Reshape", "Rsq": "Rsqrt", "Sel": "Where", "Sig": "Sigmoid",
    "Sli": "Slice", "Sqr": "Sqrt", "Squ": "Squeeze", "Sub": "Sub", "Sum": "ReduceSum",
    "Tan": "Tanh", "Tra": "Transpose", "Uns": "Unsqueeze",
}  # fmt: skip
"""Myelin's three-letter codes in the names of generated kernels."""

ARITHMETIC = frozenset(_ELEMENTWISE) | {"Rsqrt"}
"""Operations that compute each element by itself."""

MOVES = frozenset(
    {"Concat", "Gather", "Move", "Pad", "Tile", "Reshape", "Slice", "Squeeze", "Transpose",
     "Unsqueeze"}
)  # fmt: skip
"""Operations that only move elements."""


def named(*parts: str) -> tuple[str, ...]:
    """Return the element-wise operations that names speak of, in order, as ONNX calls them.

    `Conv_5 + Add_6 + Relu_7` gives `("Add", "Relu")`; so do torch-tensorrt's names.
    """
    words: list[str] = []
    for part in parts:
        words += (_ATEN.findall(part) if "aten_ops." in part else ()) or _SPLIT.split(part)
    return tuple([name for word in words if (name := _elementwise(word))])


@lru_cache(maxsize=4096)
def _elementwise(word: str) -> str | None:
    plain = word.rpartition("/")[2]
    plain = _SUFFIX.sub("", plain) if plain[-1:].isdigit() else plain
    return _BY_NAME.get(plain.lower())


def expressions(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the operations of a point-wise expression: `pwgen::iMax(arg0, literal1)`."""
    words: list[str] = [word for text in texts for word in _EXPRESSION.findall(text)]
    return tuple(_BY_NAME.get(word.lower(), word) for word in words)


def generated(text: str) -> tuple[str, ...]:
    """Return the operations of a generated kernel: `__myl_MulSumAdd_myl24_1`."""
    match = _GENERATED.match(text)
    if match is None:
        return ()
    codes: list[str] = _CAMEL.findall(match.group(1))
    return tuple(_CODES.get(code[:3], code) for code in codes)


@lru_cache(maxsize=512)
def activation(text: str) -> str | None:
    """Return the operation that a layer's `Activation` names; `None` for `NONE`."""
    word = text.strip().upper()
    if word in ("", "NONE"):
        return None
    return _ACTIVATION.get(word, word.title().replace("_", ""))


def with_fields(names: tuple[str, ...], residual: bool, function: str | None) -> tuple[str, ...]:
    """Return fused operations from names, completed by what a layer's fields say.

    Args:
        names: operations that the layer's name speaks of; they win, being more exact.
        residual: whether a second activation is added.
        function: the activation function.
    """
    if residual and _BINARY.isdisjoint(names):
        names = ("Add", *names)
    if function is not None and _BINARY.issuperset(names):
        names = (*names, function)
    return names
