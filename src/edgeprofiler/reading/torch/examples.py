"""What a module is called with while it is captured: tensors, made where shapes are given."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

from edgeprofiler.core import limits
from edgeprofiler.core.errors import UsageError

if TYPE_CHECKING:
    from edgeprofiler.core.network import Shape


class TorchModule(Protocol):
    """A `torch.nn.Module`, by what is used of it, so that types need no PyTorch."""

    training: bool

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's result."""

    def eval(self) -> Any:
        """Put all parts into evaluation mode."""

    def modules(self) -> Any:
        """Return an iterator over all parts."""


def is_module(found: object) -> TypeGuard[TorchModule]:
    """Whether something is a PyTorch module; PyTorch is not imported for that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(found, torch.nn.Module)


def positional(module: Any, example: Any) -> tuple[Any, ...]:
    """Return a module's positional arguments.

    Args:
        module: whose floating-point type and device tensors get that are made here.
        example: a tensor or a shape; or a tuple or list of those, and of whatever else the
            module takes.

    Raises:
        UsageError: a shape is none.
    """
    if example is None:
        return ()
    one = _is_shape(example) or not isinstance(example, (tuple, list))
    return tuple(_tensor(module, item) for item in ((example,) if one else example))


def named(module: Any, examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return a module's keyword arguments, of tensors, shapes or whatever else it takes."""
    return {name: _tensor(module, item) for name, item in examples.items()}


def by_shape(
    title: str, shapes: Mapping[str, Shape], batch: int | None, own: Shape | None = None
) -> tuple[Shape | None, dict[str, Shape]]:
    """Return the shape of a module's first argument, and those of arguments by name.

    Args:
        title: how messages name the module.
        shapes: by argument; the empty name is the first.
        batch: images at once, in place of every shape's first number.
        own: the shape of the first argument where none is given.

    Raises:
        UsageError: no shape is known.
    """
    wanted = {"": own} if own is not None and not shapes else shapes
    found = {
        name: tuple(shape) if batch is None else (batch, *shape[1:])
        for name, shape in wanted.items()
    }
    if not found:
        raise UsageError(
            f"{title}: a module says nothing of its input; give `shapes`, as 1x3x224x224, or "
            "`resolution`"
        )
    return found.pop("", None), found


def _is_shape(item: Any) -> bool:
    return (
        isinstance(item, (tuple, list))
        and bool(item)
        and all(isinstance(n, int) and not isinstance(n, bool) for n in item)
    )


def _tensor(module: Any, item: Any) -> Any:
    if not _is_shape(item):
        return item
    if min(item) < 1 or math.prod(item) > limits.INPUT_ELEMENTS:
        raise UsageError(
            f"an input of {'x'.join(map(str, item))}: lengths are 1 or more, elements at most "
            f"{limits.INPUT_ELEMENTS}"
        )
    torch = sys.modules["torch"]
    like = next((p for p in module.parameters() if p.is_floating_point()), None)
    kind = {} if like is None else {"dtype": like.dtype, "device": like.device}
    return torch.zeros(tuple(item), **kind)
