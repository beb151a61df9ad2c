"""What a store is: it keeps things and gives them back unaltered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from edgeprofiler.learning.stores.kept import Kept


@runtime_checkable
class Store(Protocol):
    """Keeps trained predictors and boards under addresses of its own kind."""

    name: str

    def get(self, address: str) -> Kept:
        """Return what is kept at `address`.

        Raises:
            InvalidInput: there is none, or it was altered or cut off.
            Unavailable: the store cannot be reached.
        """

    def put(self, kept: Kept, address: str) -> str:
        """Keep a thing and return the address by which `get` finds it.

        Raises:
            CannotWrite: it cannot be kept there.
        """

    def list(self) -> Sequence[str]:
        """Return the addresses that the store knows."""
