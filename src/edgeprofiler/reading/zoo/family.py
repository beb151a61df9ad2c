"""What a family of networks tells the zoo of each of its members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

from edgeprofiler.reading.graphs import GraphBuilder


class Build(Protocol):
    """Adds a network to a builder and returns its result, or its results."""

    def __call__(self, g: GraphBuilder, x: str, classes: int) -> str | tuple[str, ...]:
        """Add the network that reads `x` and tells `classes` classes apart."""
        ...


Setting = int | float | tuple[int, ...]
"""A width or a depth of a network: a number of channels, a factor, or the blocks of each stage."""


@dataclass(frozen=True)
class Entry:
    """A network of the zoo."""

    build: Build
    resolution: int = 224
    """Height and width of the input that it was made for."""
    channels: int = 3
    classes: int = 1000
    task: Literal["classification", "detection", "segmentation"] = "classification"
    open: tuple[str, ...] = ()
    """Which keywords of `build` whoever asks for the network may set."""

    @property
    def settings(self) -> Mapping[str, Setting]:
        """What may be set, with the network's own values."""
        given = self.build.keywords if isinstance(self.build, partial) else {}
        return {name: given[name] for name in self.open}

    def built_as(self, settings: Mapping[str, Setting]) -> Build:
        """Return how to build the network with other settings."""
        told: dict[str, Any] = dict(settings)
        return partial(self.build, **told)
