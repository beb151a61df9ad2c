"""Numbers and words in a board's TOML file."""

from __future__ import annotations

from collections.abc import Mapping

from edgeprofiler.core.values import Value

DTYPES = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "uint8", "int4")

_CLOCK = (1e6, 1e10, "write it in Hz")
_RANGES: Mapping[str, tuple[float, float, str]] = {
    "sms": (1, 1024, "write how many multiprocessors it has"),
    "cpu_cores": (1, 1024, "write how many cores it has"),
    **{f"{axis}_clock{end}_hz": _CLOCK for axis in ("gpu", "emc", "cpu") for end in ("", "_min")},
    "cpu_work": (0.05, 20, "write the work of a clock as a part of an Orin's core's"),
    "bandwidth_bytes_per_s": (1e8, 1e14, "write it in bytes a second"),
    "memory_bytes": (1e6, 1e14, "write it in bytes"),
    "l2_bytes": (1024, 1e10, "write it in bytes"),
    "compute_capability": (1, 20, "write CUDA's number, such as 8.7"),
    "idle_power_w": (1e-3, 1e4, "write it in watts"),
    "power_budget_w": (0.1, 1e5, "write it in watts"),
    **dict.fromkeys(DTYPES, (1e8, 1e17, "write it in operations a second")),
}
"""What no board lies outside of: a number beyond is one in another unit."""


def number(table: Value, key: str, default: float | None = None) -> float:
    """Return a number that a board can have; `default` where it is missing.

    Raises:
        InvalidInput: it is missing, no number, or one that no board has.
    """
    value = table[key]
    if value.null and default is not None:
        return default
    found = value.number(above=0)
    least, most, fix = _RANGES[key]
    if not least <= found <= most:
        raise value.fail(f"is {found:g}, which no board has", fix)
    return found


def whole(table: Value, key: str, default: int | None = None) -> int:
    """Return a whole number as `number` does."""
    found = number(table, key, default)
    return int(found) if default == found else table[key].whole()


def optional(table: Value, key: str, default: float | None = None) -> float | None:
    """Return a number as `number` does, `default` where it is missing: that may be nothing."""
    return default if table[key].null else number(table, key)


def words(table: Value, key: str, default: str = "") -> str:
    """Return a text for people."""
    return table[key].default(default).words()
