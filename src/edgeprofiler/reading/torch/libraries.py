"""Networks of timm and torchvision by name: made without weights, nothing is downloaded."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import contextmanager
from difflib import get_close_matches
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any

from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.core.extras import require
from edgeprofiler.core.text import first_line
from edgeprofiler.reading.front_end import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeprofiler.core.graph import Graph
    from edgeprofiler.core.network import Shape

_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?")
"""A name, and of timm's the tag of its weights; no address of a hub."""


class _Library(ABC):
    """A front end for `LIBRARY:NAME` and `LIBRARY:NAME?classes=N`."""

    name: str

    def recognises(self, source: str, head: bytes) -> bool:  # noqa: ARG002 (the protocol's)
        """Say whether `source` names a network of the library."""
        return source.startswith(f"{self.name}:")

    def at_resolution(self, resolution: int, batch: int | None) -> dict[str, Shape]:
        """Return the shape of an input of colour images, which all that have a name read."""
        return {"": (batch or 1, 3, resolution, resolution)}

    def read(self, source: str, options: ReadOptions) -> Graph:
        """Return the graph of a network.

        Raises:
            InvalidInput: no network of that name.
            UsageError: the library does not say what the network reads, and no shape is given.
            Unavailable: the library, or what captures its modules, is not installed.
            Unsupported: the network cannot be captured at the shape asked for.
        """
        options.refuse_trips(source)
        name, classes = _address(source, f"{self.name}:")
        if options.batch is not None and options.batch < 1:
            raise InvalidInput(source, f"a batch of {options.batch}", "give 1 or more")
        return _captured(self, name, classes, tuple(options.shapes.items()), options.batch)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @abstractmethod
    def names(self) -> Collection[str]:
        """Return the names of all networks."""

    @abstractmethod
    def make(self, name: str, classes: int | None) -> tuple[Any, Shape | None]:
        """Return a network, and the shape of one input that it was made for, if that is said."""


def _address(source: str, prefix: str) -> tuple[str, int | None]:
    """Return name and number of classes from an address as `timm:resnet18?classes=3`.

    Raises:
        InvalidInput: the address has another option.
    """
    name, _, query = source.removeprefix(prefix).strip().partition("?")
    if not query:
        return name, None
    key, _, value = query.partition("=")
    if key != "classes" or not value.isdecimal() or len(value) > 6:
        raise InvalidInput(source, f"{query!r} is no option", f"write {prefix}{name}?classes=3")
    return name, int(value)


@lru_cache(maxsize=64)
def _captured(
    library: _Library,
    name: str,
    classes: int | None,
    shapes: tuple[tuple[str, Shape], ...],
    batch: int | None,
) -> Graph:
    from edgeprofiler.reading.torch.capture import from_torch
    from edgeprofiler.reading.torch.examples import by_shape

    source = f"{library.name}:{name}"
    with require("torch"):
        import torch  # noqa: F401 - both libraries need it; its absence is told as such
    with _loading(library.name):
        known = library.names()
    if not _NAME.fullmatch(name) or name.partition(".")[0] not in known:
        close = get_close_matches(name, known, 3, 0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else ""
        raise InvalidInput(source, f"{library.name} has no network of that name", hint)
    try:
        module, own = library.make(name, classes)
    except Exception as error:  # a library raises any kind of error from a network's making
        raise InvalidInput(source, first_line(error, typed=True)) from None
    first, others = by_shape(source, dict(shapes), batch, own)
    return from_torch(module, first, name=name, kwargs=others)


@contextmanager
def _loading(name: str) -> Iterator[None]:
    """Have a library that is not there, or does not fit PyTorch, told in one line."""
    try:
        with require("", f"pip install {name}"):
            yield
    except Unavailable:
        raise
    except Exception as error:  # torchvision's operators, where it was built for another PyTorch
        raise Unavailable(
            f"{name} cannot be loaded ({first_line(error)})",
            f"install {name} for this version of PyTorch",
        ) from None


class TimmFrontEnd(_Library):
    """Reads `timm:NAME` where it is installed (github.com/huggingface/pytorch-image-models)."""

    name = "timm"

    def names(self) -> Collection[str]:
        """Return the names of all networks, without tags of weights."""
        import timm

        return frozenset(timm.list_models())

    def make(self, name: str, classes: int | None) -> tuple[Any, Shape | None]:
        """Return a network without weights, and what timm says that it reads."""
        import timm

        more = {} if classes is None else {"num_classes": classes}
        module = timm.create_model(name, pretrained=False, exportable=True, **more)
        size = getattr(module, "pretrained_cfg", {}).get("input_size")
        return module, (1, *size) if size else None


class TorchvisionFrontEnd(_Library):
    """Reads `torchvision:NAME` where it is installed (github.com/pytorch/vision)."""

    name = "torchvision"

    def names(self) -> Collection[str]:
        """Return the names of all networks."""
        from torchvision.models import list_models

        return frozenset(list_models())

    def make(self, name: str, classes: int | None) -> tuple[Any, Shape | None]:
        """Return a network without weights, and what its published weights were made for."""
        from torchvision.models import get_model_builder, get_model_weights

        build = get_model_builder(name)
        asked: dict[str, Any] = {"weights": None, "weights_backbone": None, "init_weights": False}
        chosen = {key: value for key, value in asked.items() if key in signature(build).parameters}
        if classes is not None:
            chosen["num_classes"] = classes
        made_for = next(iter(get_model_weights(name)), None)
        prepare = made_for.transforms() if made_for is not None else None
        size = getattr(prepare, "crop_size", None) or getattr(prepare, "resize_size", None)
        image = len(size or ()) == 1
        return build(**chosen), (1, 3, size[0], size[0]) if size and image else None
