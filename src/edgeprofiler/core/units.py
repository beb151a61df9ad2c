"""Conversions where foreign data enters, and formatting where a person reads.

Inside EdgeProfiler every number is SI: seconds, watts, joules, hertz, bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

DTYPE_BYTES: dict[str, float] = {
    "fp64": 8, "fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int8": 1, "uint8": 1,
    "int4": 0.5, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
    "bool": 1, "string": 1,
}  # fmt: skip
"""Bytes an element of each data type takes in memory."""


def dtype_bytes(dtype: str) -> float:
    """Return the bytes of one element of `dtype`; an unknown type counts as four."""
    return DTYPE_BYTES.get(dtype, 4)


def seconds_from_ms(value_ms: float) -> float:
    """Return seconds from milliseconds."""
    return value_ms * 1e-3


def ms_from_seconds(value_s: float) -> float:
    """Return milliseconds from seconds."""
    return value_s * 1e3


def watts_from_microwatts(value_uw: float) -> float:
    """Return watts from microwatts."""
    return value_uw * 1e-6


_PREFIXES = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def engineering(value: float | None, unit: str, digits: int = 3) -> str:
    """Return `value` for a person, with an SI prefix: `engineering(0.0021, "s") == "2.1 ms"`."""
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0:
        return f"0 {unit}".rstrip()
    rounded = float(f"{value:.{digits - 1}e}")  # before the prefix, so that 999.96 m becomes 1
    exponent = int(math.floor(math.log10(abs(rounded)) / 3) * 3)
    exponent = min(max(exponent, -9), 12)
    return f"{rounded / 10**exponent:.{digits}g} {_PREFIXES[exponent]}{unit}".rstrip()


_FIXED: dict[str, tuple[float, str]] = {
    "%": (0.01, ""), "ms": (1e-3, "s"), "µs": (1e-6, "s"), "h": (3600.0, "s"), "mJ": (1e-3, "j"),
    "kWh": (3.6e6, "j"), "kg": (1e3, "g"), "MHz": (1e6, "hz"), "GB/s": (1e9, "bytes_per_s"),
    "MiB": (2.0**20, "bytes"), "GiB": (2.0**30, "bytes"), "TFLOP/s": (1e12, "flops"),
}  # fmt: skip
"""Units whose size in SI is not 1, and what names in files end with."""

_SI = {
    "s": "s", "J": "j", "W": "w", "Hz": "hz", "B": "bytes", "FLOP/s": "flops",
    "B/s": "bytes_per_s", "MACs": "macs", "": "",
}  # fmt: skip
"""Units that take a prefix, and what names in files end with."""


def positive(value: float) -> float:
    """Return a number that is above zero; NaN for any other, which tells nothing of a load.

    >>> positive(2.5), positive(-0.1)
    (2.5, nan)
    """
    return value if value > 0 else math.nan


def known(value: float) -> float | None:
    """Return a number as JSON holds it: `None` where it is unknown.

    >>> known(2.5), known(math.nan)
    (2.5, None)
    """
    return float(value) if math.isfinite(value) else None


def scale_of(unit: str) -> tuple[float, str]:
    """Return the size of a unit in SI, and what names in files end with.

    >>> scale_of("mJ"), scale_of("W")
    ((0.001, 'j'), (1.0, 'w'))
    """
    return _FIXED.get(unit) or (1.0, _SI.get(unit, unit.lower()))


_MEASURED = {"s": "s", "sec": "s", "seconds": "s", "w": "w", "watt": "w", "watts": "w", "a": "a",
             "v": "v", "j": "j"}  # fmt: skip
_SCALES = {"": 1.0, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3}


def measured_in(unit: str) -> tuple[float, str] | None:
    """Return the size of a unit that a foreign file names, and its quantity in SI; else `None`.

    Capitals do not count: `mW` is written in every way, and no board draws megawatts.

    >>> measured_in("mW"), measured_in("µs"), measured_in("Mb")
    ((0.001, 'w'), (1e-06, 's'), None)
    """
    text = unit.strip().lower()
    if text in _MEASURED:
        return 1.0, _MEASURED[text]
    quantity = _MEASURED.get(text[1:]) if len(text) > 1 else None
    scale = _SCALES.get(text[:1])
    return None if quantity is None or scale is None else (scale, quantity)


def plain(value: float, digits: int = 3) -> str:
    """Return a number for a column whose heading has the unit: trailing zeros line it up.

    >>> plain(0.5), plain(12.0), plain(1234.0), plain(0.00001234)
    ('0.500', '12.0', '1230', '1.2e-05')
    """
    if not math.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    if abs(value) < 10.0**-digits:
        return f"{value:.{digits - 2}e}"
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 10.0 ** (digits - 1):
        return f"{rounded:,.0f}" if abs(rounded) >= 1e4 else f"{rounded:.0f}"
    return f"{rounded:#.{digits}g}"


def in_unit(value: float, unit: str, digits: int = 3) -> str:
    """Return an SI value in a unit: with a prefix of its own where the unit is SI's.

    >>> in_unit(0.0021, "s"), in_unit(0.0021, "ms"), in_unit(5400.0, "h"), in_unit(1200.0, "EUR")
    ('2.1 ms', '2.10 ms', '1.50 h', '1200 EUR')
    """
    if unit in _SI or not math.isfinite(value):
        return engineering(value, unit, digits)
    factor, _ = scale_of(unit)
    return f"{plain(value / factor, digits)} {unit}"


def signed(value: float, text: Callable[[float], str]) -> str:
    """Return a number as `text` words it, with a plus where it is one.

    >>> signed(0.25, plain), signed(-0.25, plain)
    ('+0.250', '-0.250')
    """
    return ("+" if value > 0 else "") + text(value)


def between(low: float, high: float, text: Callable[[float], str]) -> str:
    """Return an interval as `text` words its ends; empty where there is none.

    >>> between(0.001, 0.003, lambda value: in_unit(value, "s"))
    '1 ms to 3 ms'
    >>> between(1.0, math.inf, plain)
    '1.00 or more'
    """
    if not math.isfinite(low):
        return ""
    if not math.isfinite(high):
        return f"{text(low)} or more"
    first, last = text(low), text(high)
    return first if first == last else f"{first} to {last}"
