"""What a predictor is: networks in, profiles of one device out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import Network
from edgeprofiler.core.profile import Profile


class Predictor(Protocol):
    """Turns networks into profiles of one device."""

    @property
    def device(self) -> Device:
        """The device that it answers for."""

    @property
    def confidence(self) -> float:
        """Share of true values that its intervals are to cover."""

    def predict(self, network: Network) -> Profile:
        """Return what one inference of `network` costs."""

    def predict_many(self, networks: Sequence[Network]) -> Sequence[Profile]:
        """Return the profiles of many networks, in order, faster than one at a time."""
