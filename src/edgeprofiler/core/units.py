"""Conversions where foreign data enters, and formatting where a person reads.

Inside EdgeProfiler every number is SI: seconds, watts, joules, hertz, bytes.
"""

from __future__ import annotations

import math

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
