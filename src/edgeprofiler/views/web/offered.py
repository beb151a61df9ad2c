"""What a page and the API offer to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from edgeprofiler.core import plugins
from edgeprofiler.core.choices import DEFAULT_DEVICE
from edgeprofiler.core.device import ClockRange, device_names, load_device
from edgeprofiler.prediction.question import FILED

FIELDS = tuple(name for name in FILED if name not in ("shapes", "front_end"))
"""Fields of a question that can be asked here. A file is sent, and told by what is in it; sizes
are asked by batch and resolution alone."""


@dataclass(frozen=True)
class Board:
    """A device as a page offers it."""

    name: str
    description: str
    modes: tuple[str, ...]
    default_mode: str
    clocks: Mapping[str, ClockRange]
    """What its clocks can be set to, by the words of `AXES`."""


@cache
def boards() -> tuple[Board, ...]:
    """Return the shipped devices, the default one first."""
    loaded = [load_device(name) for name in device_names()]
    found = [
        Board(
            d.name, d.description, tuple(m.name for m in d.modes), d.default_mode,
            d.datasheet.ranges,
        )
        for d in loaded
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda board: (board.name != DEFAULT_DEVICE, board.name)))


@cache
def zoo_models() -> tuple[str, ...]:
    """Return the addresses of all networks of the zoo."""
    found: tuple[str, ...] = plugins.load("frontends", "zoo")().sources()
    return found
