"""What stands in a table, and how it is worded: values in SI in, words for a person out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgeprofiler.core.quantity import Difference, Estimate, Quantity
from edgeprofiler.core.text import visible
from edgeprofiler.core.units import between, in_unit, plain, scale_of, signed

Tone = Literal["", "strong", "good", "doubt", "bad", "quiet"]
"""How a text is meant; each printer has its own way of showing it, if any."""

Kind = Literal[
    "text", "name", "shape", "count", "amount", "number", "estimate", "quantity", "signed",
    "interval",
]  # fmt: skip
"""What the values of a column are, and how they are worded:

- `text`: ours, folded where there is no room;
- `name`: a stranger's, shortened where there is no room, code in Markdown;
- `shape`: whole numbers between crosses;
- `count`: a whole number;
- `number`: a number in the unit that stands in the heading;
- `estimate`: the same of an estimate, with its ends in files;
- `amount`: a number with a prefix and the unit in the cell;
- `quantity`: a `Quantity` or `Difference`, each with a unit of its own;
- `signed`: the estimate of a difference, with its sign, in the unit of the heading;
- `interval`: the ends of an estimate whose value stands in another column.
"""


@dataclass(frozen=True)
class Words:
    """A text in a cell or a note that is more than its letters."""

    text: str
    tone: Tone = ""
    whole: str = ""
    """What the text is short for."""


def shape_words(shape: tuple[int, ...]) -> str:
    """Return the numbers of a shape between crosses; a scalar has none.

    >>> shape_words((1, 3, 224, 224))
    '1x3x224x224'
    """
    return "x".join(map(str, shape)) or "scalar"


Content = str | int | float | tuple[int, ...] | Words | Estimate | Quantity | Difference | None
"""What a cell is made of; `None` and NaN are unknown."""


@dataclass(frozen=True)
class Shown:
    """A cell as a person reads it."""

    text: str
    key: str = ""
    """What a column sorts by, where that is not the text."""
    tone: Tone = ""
    whole: str = ""
    """What the text is short for."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, and the one place that says how its values are worded.

    >>> Column("energy", "mJ", "number").cell(0.0372).text
    '37.2'
    >>> Column("energy", "mJ", "number").heading, Column("energy", "mJ", "number").names
    ('energy, mJ', ('energy_j',))
    """

    label: str
    unit: str = ""
    """What numbers are shown in; values are always SI."""
    kind: Kind = "text"
    digits: int = 3
    file_name: str = ""
    """Name in files, where it is not made of label and unit."""
    rank: int = 0
    """What a narrow terminal leaves out first: the highest; never 0."""

    @property
    def heading(self) -> str:
        """What stands above the column."""
        fixed = self.unit and self.kind != "amount"
        return f"{self.label}, {self.unit}" if fixed else self.label

    @property
    def numeric(self) -> bool:
        """Whether it is aligned to the right and sorts by number."""
        return self.kind not in ("text", "name", "shape")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what this column holds in a file; none for an interval, which others hold."""
        if self.kind == "interval":
            return ()
        _, ending = scale_of(self.unit)
        words = [*self.label.lower().replace("-", " ").split(), ending]
        name = self.file_name or "_".join(word for word in words if word)
        if self.kind not in ("estimate", "quantity", "signed"):
            return (name,)
        ends = (name, f"{name}_low", f"{name}_high")
        return (*ends, f"{name}_unit") if self.kind == "quantity" else ends

    def cell(self, value: Content) -> Shown:
        """Return a value as a person reads it in this column."""
        if isinstance(value, Words):
            return Shown(visible(value.text), "", value.tone, visible(value.whole))
        if isinstance(value, str):
            return Shown(visible(value))
        if isinstance(value, tuple):
            return Shown(shape_words(value), str(math.prod(value)))
        if value is None:
            return Shown("-" if self.numeric else "")
        if isinstance(value, int) and self.kind in ("text", "name", "count"):
            return Shown(f"{value:,}", str(value))
        return self._number(value)

    def _number(self, value: float | Estimate | Quantity | Difference) -> Shown:
        if isinstance(value, Quantity | Difference):
            found, words, interval = value.estimate, value.words, value.interval
        else:
            found = value if isinstance(value, Estimate) else Estimate(float(value))
            words = self._text(found.value)
            interval = between(found.low, found.high, self._text)
        if self.kind == "interval":
            return Shown(
                interval or "-", _key(found.high if math.isfinite(found.high) else found.low)
            )
        return Shown(words, _key(found.value))

    def _text(self, value: float) -> str:
        if self.kind == "amount":
            return in_unit(value, self.unit, self.digits)
        factor, _ = scale_of(self.unit)
        if self.kind == "signed":
            return signed(value / factor, lambda number: plain(number, self.digits))
        return plain(value / factor, self.digits)

    def raw(self, value: Content) -> tuple[object, ...]:
        """Return what a file holds of a value under `names`: numbers in SI."""
        count = len(self.names)
        if not count:
            return ()
        if isinstance(value, Words):
            value = value.whole or value.text
        if isinstance(value, tuple):
            value = shape_words(value)
        unit = ""
        if isinstance(value, Quantity | Difference):
            _, unit = scale_of(value.unit)
            value = value.estimate
        if isinstance(value, Estimate):
            numbers = (value.value, value.low, value.high, unit)
            return numbers[:count]
        return (value, *[None] * (count - 1))


def _key(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
