"""What a user may say of a log that does not say it itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.units import measured_in
from edgeprofiler.core.values import split_quantity

PARTS = {"time": "s", "power": "w", "current": "a", "voltage": "v"}
"""What a column may hold, and its unit in SI."""

_ROLE = re.compile(r"(?:^|,)\s*(time|power|current|voltage)(?:_([A-Za-zµ]+))?\s*:")
_HOW = "write columns=time:NAME,power:NAME (or current:, voltage:; power_mw: where it is no watt)"


@dataclass(frozen=True)
class Role:
    """A column of a log and what it holds."""

    part: str
    """One of `PARTS`."""
    column: str
    scale: float = 0.0
    """Size of its unit in SI; 0 where nothing says it: powers are in watts then, and times are
    stamps. A unit beside a number in a cell counts before it."""
    rail: str = ""
    constant: float | None = None
    """A voltage that is no column but a number."""


@dataclass(frozen=True)
class LogOptions:
    """What the user says of a log."""

    columns: str = ""
    """`time:NAME,power:NAME`; numbers count columns where a file has no header."""
    interval_s: float = 0.0
    """Time between lines that have no stamps; 0 where it is not said."""
    zone: str = ""
    """Time zone of stamps that name none; this machine's where empty."""


def roles_of(columns: str) -> list[Role]:
    """Return what `columns=` says.

    >>> roles_of("time:Timestamp,power_mw:Main power")[1]
    Role(part='power', column='Main power', scale=0.001, rail='Main power', constant=None)

    Raises:
        UsageError: it is written otherwise, or a unit is none.
    """
    marks = list(_ROLE.finditer(columns))
    if not marks or marks[0].start() != 0:
        raise UsageError(f"columns={columns!r} names no columns; {_HOW}")
    found = []
    ends = [mark.start() for mark in marks[1:]] + [len(columns)]
    for mark, end in zip(marks, ends, strict=True):
        part, unit, name = mark[1], mark[2], columns[mark.end() : end].strip()
        size = measured_in(unit) if unit else (1.0, PARTS[part])
        if not name or size is None or size[1] != PARTS[part]:
            raise UsageError(f"columns={columns!r}: {mark[0].strip(', ')}{name} is none; {_HOW}")
        found.append(_constant(part, name) or Role(part, name, size[0] if unit else 0.0, name))
    parts = [role.part for role in found]
    if parts.count("time") > 1 or not {"power", "current"} & {*parts}:
        raise UsageError(f"columns={columns!r} needs one time and a power or a current; {_HOW}")
    if "current" in parts and "power" not in parts and "voltage" not in parts:
        raise UsageError(f"columns={columns!r} has a current and no voltage; {_HOW}")
    return found


def _constant(part: str, name: str) -> Role | None:
    number, unit = split_quantity(name)
    size = measured_in(unit) if unit else None
    if part != "voltage" or size is None or size[1] != "v":
        return None
    try:
        return Role(part, "", rail=name, constant=float(number) * size[0])
    except ValueError:
        return None
