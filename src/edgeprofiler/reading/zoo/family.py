"""What a family of networks tells the zoo of each of its members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from edgeprofiler.reading.graphs import GraphBuilder


class Build(Protocol):
    """Adds a network to a builder and returns its result, or its results."""

    def __call__(self, g: GraphBuilder, x: str, classes: int) -> str | tuple[str, ...]:
        """Add the network that reads `x` and tells `classes` classes apart."""
        ...


@dataclass(frozen=True)
class Entry:
    """A network of the zoo."""

    build: Build
    resolution: int = 224
    """Height and width of the input that it was made for."""
    channels: int = 3
    classes: int = 1000
    task: Literal["classification", "detection", "segmentation"] = "classification"
