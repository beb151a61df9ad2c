"""Rows of a sweep as columns: labels by their place in a list of values, numbers as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import BoolArray, IntArray

Numbers = Mapping[str, npt.NDArray[Any]]
"""Columns of numbers by name, of one length."""


@dataclass(frozen=True, eq=False)
class Label:
    """A column that has few values: what is the same in many rows is kept once."""

    values: tuple[Any, ...]
    codes: IntArray
    """Place in `values`, one a row."""

    @classmethod
    def same(cls, value: Any, length: int) -> Label:
        """Return a column that has one value."""
        return cls((value,), np.zeros(length, dtype=np.int64))

    @classmethod
    def joined(cls, labels: Sequence[Label]) -> Label:
        """Return columns one after another; equal values become one."""
        places: dict[Any, int] = {}
        codes = [
            np.array([places.setdefault(v, len(places)) for v in label.values], np.int64)[
                label.codes
            ]
            for label in labels
        ]
        return cls(tuple(places), np.concatenate(codes))

    def take(self, index: BoolArray | IntArray) -> Label:
        """Return some of the rows, and of the values those that they have."""
        codes = self.codes[index]
        used = np.unique(codes)
        places = np.zeros(len(self.values), dtype=np.int64)
        places[used] = np.arange(len(used))
        return Label(tuple(self.values[i] for i in used.tolist()), places[codes])

    def tolist(self) -> tuple[Any, ...]:
        """Return the value of each row."""
        return tuple(self.values[code] for code in self.codes.tolist())


@dataclass(frozen=True, eq=False)
class SweepRows:
    """Some rows of a sweep; `index` among the numbers is a row's place in the whole sweep."""

    labels: Mapping[str, Label]
    numbers: Numbers

    def __len__(self) -> int:
        return len(self.numbers["index"])

    def take(self, index: BoolArray | IntArray) -> SweepRows:
        """Return the rows that `index` selects."""
        return SweepRows(
            {name: label.take(index) for name, label in self.labels.items()},
            {name: values[index] for name, values in self.numbers.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence[SweepRows]) -> SweepRows:
        """Return rows one after another; at least one part."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            {name: Label.joined([p.labels[name] for p in parts]) for name in parts[0].labels},
            {
                name: np.concatenate([part.numbers[name] for part in parts])
                for name in parts[0].numbers
            },
        )

    def texts(self, name: str) -> npt.NDArray[np.str_]:
        """Return a label as an array of texts."""
        label = self.labels[name]
        return np.array(label.values, dtype=np.str_)[label.codes]


QUANTITIES: Mapping[str, Callable[[SweepRows], npt.NDArray[Any]]] = {
    "fps": lambda rows: rows.numbers["images_hz"],
    "latency_ms": lambda rows: rows.numbers["end_to_end_s"] * 1e3,
    "energy_mj": lambda rows: rows.numbers["energy_j"] * 1e3,
    "energy_per_image_mj": lambda rows: rows.numbers["energy_per_image_j"] * 1e3,
    "power_w": lambda rows: rows.numbers.get("power_at_rate_w", rows.numbers["power_w"]),
    "memory_mib": lambda rows: rows.numbers["memory_bytes"] / 2**20,
    "batch": lambda rows: rows.numbers["batch"],
    "precision": lambda rows: rows.texts("precision"),
    "device": lambda rows: rows.texts("device"),
}
"""What a condition can name, in the units that people write; power is that at the rate, where
there is one."""
