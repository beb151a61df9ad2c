"""The values of a table in a device's TOML file; what is wrong is told with the file's name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgeprofiler.core.errors import InvalidInput

DTYPES = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "uint8", "int4")
_RANGES: Mapping[str, tuple[float, float, str]] = {
    "sms": (1, 1024, "write how many multiprocessors it has"),
    "gpu_clock_hz": (1e6, 1e10, "write it in Hz"),
    "bandwidth_bytes_per_s": (1e8, 1e14, "write it in bytes a second"),
    "l2_bytes": (1024, 1e10, "write it in bytes"),
    "compute_capability": (1, 20, "write CUDA's number, such as 8.7"),
    "idle_power_w": (1e-3, 1e4, "write it in watts"),
    "power_budget_w": (0.1, 1e5, "write it in watts"),
    **dict.fromkeys(DTYPES, (1e8, 1e17, "write it in operations a second")),
}
"""What no board lies outside of: a number beyond is one in another unit."""


class Fields:
    """A table's values by key; each method raises `InvalidInput` where a value is another kind.

    Args:
        table: what TOML holds.
        where: the file, for messages.
    """

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self._table, self._where = table, where

    def __contains__(self, key: str) -> bool:
        return key in self._table

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys, in the file's order."""
        return tuple(self._table)

    def fail(self, problem: str, fix: str = "") -> InvalidInput:
        """Return the error to raise."""
        return InvalidInput(self._where, problem, fix)

    def allow(self, known: Sequence[str]) -> None:
        """Refuse keys that are not in `known`: a mistyped one would be left out of account."""
        for key in self._table:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                fix = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
                raise self.fail(f"has an unknown key {key[:40]!r}", fix)

    def table(self, key: str) -> Fields:
        """Return a table that must be there."""
        value = self._table.get(key)
        if not isinstance(value, dict):
            raise self.fail(f"[{key}] is missing")
        return Fields(value, self._where)

    def nested(self, key: str) -> Fields:
        """Return a table, an empty one where it is missing."""
        value = self._table.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(f"{key} is not a table")
        return Fields(value, self._where)

    def tables(self, key: str) -> list[Fields]:
        """Return a list of tables, an empty one where it is missing."""
        value = self._table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.fail(f"{key} is not a list of tables", f"write [[{key}]]")
        return [Fields(entry, self._where) for entry in value]

    def text(self, key: str) -> str:
        """Return a text that must be there."""
        value = self._table.get(key)
        if not isinstance(value, str) or not value:
            raise self.fail(f"{key} is missing or no text")
        return value

    def loose(self, key: str, default: object) -> object:
        """Return a value of any kind."""
        return self._table.get(key, default)

    def loose_text(self, key: str, default: str = "") -> str:
        """Return a value of any kind as text; it is for people only."""
        return str(self.loose(key, default))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, an empty one where it is missing."""
        value = self._table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self.fail(f"{key} is not a list of texts")
        return tuple(value)

    def flag(self, key: str) -> bool:
        """Return whether something holds; it does not where nothing is said."""
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            raise self.fail(f"{key} is neither true nor false")
        return value

    def finite(self, key: str) -> float:
        """Return a finite number of any size."""
        value = self._table.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
        ):
            raise self.fail(f"{key} is not a finite number")
        return float(value)

    def at_least(self, key: str, least: float) -> float:
        """Return a number that is `least` or more."""
        number = self.finite(key)
        if number < least:
            raise self.fail(f"{key} is {number:g}", f"it must be at least {least:g}")
        return number

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number above zero that a board can have; `default` where it is missing."""
        if key not in self._table:
            if default is None:
                raise self.fail(f"{key} is missing")
            return default
        number = self.finite(key)
        if number <= 0:
            raise self.fail(f"{key} is {number:g}", "it must be above zero")
        least, most, fix = _RANGES.get(key, (0, math.inf, ""))
        if not least <= number <= most:
            raise self.fail(f"{key} is {number:g}, which no board has", fix)
        return number

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number as `number` does."""
        number = self.number(key, default)
        if number != int(number):
            raise self.fail(f"{key} is {number:g}", "it must be a whole number")
        return int(number)
