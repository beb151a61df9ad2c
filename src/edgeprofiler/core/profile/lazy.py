"""Profiles of many networks that are made one by one when asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from edgeprofiler.core.profile.profile import Profile


class LazyProfiles(Sequence[Profile]):
    """A sequence whose profiles exist only once they are asked for; its arrays exist at once."""

    @abstractmethod
    def _profile(self, index: int) -> Profile:
        """Make the profile of network `index`, from 0 up."""

    @overload
    def __getitem__(self, index: int) -> Profile: ...
    @overload
    def __getitem__(self, index: slice) -> list[Profile]: ...
    def __getitem__(self, index: int | slice) -> Profile | list[Profile]:
        if isinstance(index, slice):
            return [self._profile(i) for i in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"profile {index} of {len(self)}")
        return self._profile(position)
