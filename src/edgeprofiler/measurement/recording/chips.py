"""What the settings in a recording say of the sensor's chips."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any


def chip_numbers(
    settings: Mapping[str, Any], name: str, rails: Collection[str] = ()
) -> tuple[float, ...]:
    """Return a setting's values: of the sensor itself, and of each chip that it lists in `chips`.

    Args:
        settings: as a sensor tells them; what is no number, or no text of one, is left out.
        name: of the setting, as the chip's driver names it: `samples`, `update_interval` (ms).
        rails: only of the chips that have one of these as a label, if any chip has.
    """
    chips = settings.get("chips")
    values = chips.values() if isinstance(chips, Mapping) else ()
    listed = [chip for chip in values if isinstance(chip, Mapping)]
    named = [chip for chip in listed if not set(rails).isdisjoint(map(str, chip.values()))]
    found = [_number(chip.get(name)) for chip in (settings, *(named or listed))]
    return tuple(value for value in found if math.isfinite(value))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
