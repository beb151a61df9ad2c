"""What a front end is: something that turns a model into a `Graph` or a `Network`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network, Shape


@dataclass(frozen=True)
class ReadOptions:
    """What a user may change of a model while it is read."""

    batch: int | None = None
    """Images at once; `None` keeps the model's own."""
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    """Input shapes by input name; the empty name means a network's only input."""
    trips: int | None = None
    """Runs of loops whose number is known only while the model runs; `None` gives a range."""
    trust: bool = False
    """Whether Python code that the source names may be run to read it."""

    def refuse_trips(self, source: str) -> None:
        """Raise `UsageError` where runs of loops are said of a model that has no such loop."""
        if self.trips is not None:
            raise UsageError(
                f"`trips`: {source} has no loop whose runs are known only while the model runs"
            )


@runtime_checkable
class FrontEnd(Protocol):
    """Reads one kind of model.

    Made without arguments; reading runs no code of the model unless its user trusts it. One whose
    reading is slow may have `at_resolution(resolution, batch)`, which tells the shapes of inputs
    without reading.
    """

    name: str

    def recognises(self, source: str, head: bytes) -> bool:
        """Say whether `source` is this front end's.

        Args:
            source: what the user typed: a path, or an address such as `zoo:resnet18`.
            head: the first 4,096 bytes of the file; empty where `source` is no file.
        """

    def read(self, source: str, options: ReadOptions) -> Graph | Network:
        """Return a `Graph` to be lowered, or a `Network` where the file holds a built engine.

        Raises:
            UsageError: an option names what this model does not have.
            InvalidInput: the source is not what it claims to be; file, place and remedy are said.
            Unsupported: an option makes no sense for this kind of model.
        """
