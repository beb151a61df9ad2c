"""What the heading of a column says: a name and a unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeprofiler.core.units import measured_in

_UNIT = re.compile(
    r"(?P<name>.*?)\s*(?:\[(?P<square>[^]\[]*)\]|\((?P<round>[^)(]*)\)"
    r"|(?:[_,/]\s*|\s+in\s+)(?P<behind>[A-Za-zµμ]+))\s*"
)
_IN_CELL = re.compile(r"(?P<number>[+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*(?P<unit>[A-Za-zµμ]+)")


@dataclass(frozen=True)
class Heading:
    """A column's name without its unit, and the unit where the heading names one.

    >>> Heading.of("power.draw [W]"), Heading.of("runtime_ms").scale
    (Heading(name='power.draw', unit='W', scale=1.0, quantity='w'), 0.001)
    """

    name: str
    unit: str = ""
    """As the heading writes it; empty where it names none."""
    scale: float = 1.0
    """Size of the unit in SI."""
    quantity: str = ""
    """`s`, `w`, `a`, `v` or `j`, the unit in SI; empty where no unit is named."""

    @staticmethod
    def of(column: str) -> Heading:
        """Return what a column's heading says."""
        bare = measured_in(column) if len(column.strip()) > 1 else None
        if bare is not None:  # `ms`, `mW`: a unit and nothing else
            return Heading("", column.strip(), *bare)
        found = _UNIT.fullmatch(column.strip())
        unit = found and (found["square"] or found["round"] or found["behind"])
        size = measured_in(unit) if unit else None
        if found is None or not unit or size is None:
            return Heading(column.strip())
        return Heading(found["name"].strip(), unit.strip(), *size)


def split_quantity(text: str) -> tuple[str, str]:
    """Return a cell's number and the unit written behind it, each as text.

    >>> split_quantity("25.37 W"), split_quantity("12")
    (('25.37', 'W'), ('12', ''))
    """
    found = _IN_CELL.fullmatch(text.strip())
    if found is None or measured_in(found["unit"]) is None:
        return text.strip(), ""
    return found["number"], found["unit"]
