"""Quantities as people write them: `12h/day`, `220 g/kWh`, `50Wh`."""

from __future__ import annotations

import math
import re

from edgeprofiler.core.errors import UsageError

_NUMBER = r"(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"


def parse_duty(text: str) -> float:
    """Return the share of the day that a device works: `12h/day` and `50%` are 0.5."""
    match = re.fullmatch(rf"{_NUMBER}\s*(h/day|h|min/h|%)", text.strip())
    if match is None:
        raise UsageError(f"`duty` {text!r} is no duty; write 12h/day, 20min/h or 50%")
    share = float(match[1]) / {"h/day": 24, "h": 24, "min/h": 60, "%": 100}[match[2]]
    if not 0 < share <= 1:
        raise UsageError(f"`duty` {text!r} is more than all the time, or none")
    return share


def parse_battery(text: str) -> float:
    """Return joules of a battery: `50Wh`, or `5000mAh@3.7V`."""
    match = re.fullmatch(rf"{_NUMBER}\s*Wh", text.strip())
    if match is not None and 0 < float(match[1]) < math.inf:
        return float(match[1]) * 3600
    match = re.fullmatch(rf"{_NUMBER}\s*(m?)Ah\s*@\s*{_NUMBER}\s*V", text.strip())
    if match is not None:
        ampere_hours = float(match[1]) * (1e-3 if match[2] else 1.0)
        joules = ampere_hours * float(match[3]) * 3600
        if 0 < joules < math.inf:
            return joules
    raise UsageError(f"`battery` {text!r} is no battery; write 50Wh or 5000mAh@3.7V")


def parse_intensity(text: str) -> float:
    """Return grams of CO2e a joule: `220 g/kWh`, `0.22 kg/kWh`."""
    match = re.fullmatch(rf"{_NUMBER}\s*(k?)g\s*/\s*kWh", text.strip())
    if match is None or not math.isfinite(float(match[1])):
        raise UsageError(f"`intensity` {text!r} is no carbon intensity; write '220 g/kWh'")
    return float(match[1]) * (1000 if match[2] else 1) / 3.6e6


def parse_price(text: str) -> tuple[float, str]:
    """Return the price of a joule and its currency: `0.30 EUR/kWh`."""
    match = re.fullmatch(rf"{_NUMBER}\s*([A-Za-z€$£]*)\s*/\s*kWh", text.strip())
    if match is None or not math.isfinite(float(match[1])):
        raise UsageError(f"`price` {text!r} is no price; write '0.30 EUR/kWh'")
    return float(match[1]) / 3.6e6, match[2]
