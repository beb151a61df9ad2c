"""What a `.pt2` archive says: the program's JSON alone; weights and example inputs stay packed.

PyTorch's own loader is not used: it unpickles the example inputs and evaluates the sizes that the
JSON gives as expressions. Of those sizes, the number that each had when it was exported is taken.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.archives import member_names, members
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.graph import Shape
from edgeprofiler.core.values import Value, parse_json

_PROGRAM = re.compile(r"(?:[^/]+/)?(?:models/[^/]+\.json|serialized_exported_program\.json)")
"""Where the program lies: since PyTorch 2.8, and before."""

DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "fp16", 7: "fp32", 8: "fp64",
    12: "bool", 13: "bf16",
}  # fmt: skip
"""Types of numbers by their codes in the JSON."""


class Ref(str):
    """The name of a tensor, where an argument may be a text too."""

    __slots__ = ()


def program_of(path: Path) -> Value:
    """Return the program of an archive.

    Raises:
        InvalidInput: it is no archive of `torch.export`, or larger than what is read.
    """
    name = next((name for name in member_names(path, path) if _PROGRAM.fullmatch(name)), None)
    if name is None:
        raise InvalidInput(
            path, "holds no exported program", "write it by torch.export.save(program, path)"
        )
    ((_, text),) = members(path, path, limits.PROGRAM_BYTES, only=name)
    return parse_json(text, path)


def shape_of(tensor: Value) -> Shape:
    """Return a tensor's shape; of a free size, what it was when the program was exported."""
    return tuple(_size(size) for size in tensor["sizes"].items())


def free_axes(tensor: Value) -> tuple[int, ...]:
    """Return the axes whose length is free."""
    return tuple(axis for axis, size in enumerate(tensor["sizes"].items()) if "as_expr" in size)


def _size(size: Value) -> int:
    if "as_expr" not in size:
        return size["as_int"].whole(0, limits.ELEMENTS)
    return size["as_expr"]["hint"]["as_int"].whole(0, limits.ELEMENTS)


def argument(value: Value, numbers: dict[str, int]) -> Any:
    """Return an argument as Python's: a `Ref`, a number, a text, a list of those, or `None`.

    A body, as of a loop, is given as it stands.

    Args:
        value: one of the JSON's tagged values.
        numbers: sizes by name, which arguments may name.
    """
    for kind, inner in value.entries():
        if kind in ("as_tensor", "as_tensors", "as_optional_tensors"):
            return _tensors(inner)
        if kind in ("as_sym_int", "as_sym_ints"):
            several = isinstance(inner.raw, list)
            found = [_number(item, numbers) for item in (inner.items() if several else [inner])]
            return found if several else found[0]
        if kind == "as_graph":
            return inner["graph"]
        plain = ("as_int", "as_float", "as_bool", "as_string", "as_scalar_type")
        if kind in plain or kind in ("as_ints", "as_floats", "as_bools"):
            return inner.raw
    return None


def _tensors(value: Value) -> Any:
    if isinstance(value.raw, list):
        return [_tensors(item) for item in value.items()]
    if "as_none" in value:
        return None
    return Ref(untagged(value)["name"].name())


def untagged(value: Value) -> Value:
    """Return what stands in a tensor's tag; some versions write none."""
    return next((inner for kind, inner in value.entries() if kind == "as_tensor"), value)


def _number(value: Value, numbers: dict[str, int]) -> int:
    if "as_int" in value:
        return value["as_int"].whole()
    name = value["as_name"].name()
    if name not in numbers:
        raise value.fail(f"names a size {name!r} that nothing makes")
    return numbers[name]
