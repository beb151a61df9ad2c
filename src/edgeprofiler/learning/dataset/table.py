"""Measured layers as a table: one row a layer, its columns described in one place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgeprofiler.core import limits
from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import BoolArray, FloatArray, IntArray

SCHEMA = "edgeprofiler.dataset/1"
Type = Literal["text", "number", "integer"]
TextArray = npt.NDArray[np.str_]


_SECONDS, _WATTS = limits.LAYER_SECONDS, limits.BOARD_WATTS


@dataclass(frozen=True)
class Fact:
    """A column of a data set, a fact of each layer: its type, meaning, and what may stand in it."""

    name: str
    type: Type
    meaning: str
    key: bool = False
    """Whether the row makes no sense without it."""
    unknown: bool = True
    """Whether NaN may stand in a number: it is not known."""
    minimum: float = -np.inf
    above: float = -np.inf
    """Values must lie above this; `minimum` may be reached."""
    maximum: float = np.inf


COLUMNS: tuple[Fact, ...] = (
    Fact("network", "text", "name of the network; its rows are left out together", key=True),
    Fact("device", "text", "board that was measured", key=True),
    Fact("mode", "text", "its power mode"),
    Fact("runtime", "text", "host runtime that called the network"),
    Fact("precision", "text", "what the network was built for"),
    Fact("batch", "integer", "images at once", minimum=1),
    Fact("simulated", "integer", "1 where a simulation was measured", minimum=0, maximum=1),
    Fact("layer", "integer", "place of the layer in its network", minimum=0),
    Fact("name", "text", "name of the layer"),
    Fact("kind", "text", "convolutional, pooling, dense or other", key=True),
    Fact("op", "text", "operation", key=True),
    Fact("dtype", "text", "data type that it computes in"),
    Fact("input_dtypes", "text", "data types of the inputs, joined by ;"),
    Fact("output_dtypes", "text", "data types of the outputs, joined by ;"),
    Fact("input_shapes", "text", "shapes of all inputs: 1x64x56x56;1x64x56x56", key=True),
    Fact("output_shapes", "text", "shapes of all outputs", key=True),
    Fact("kernel", "text", "window: 3x3"),
    Fact("stride", "text", "stride: 2x2"),
    Fact("padding_before", "text", "padding at the low end of each dimension"),
    Fact("padding_after", "text", "padding at the high end of each dimension"),
    Fact("dilation", "text", "dilation of each dimension"),
    Fact("groups", "integer", "groups of a convolution", minimum=1),
    Fact("fused_ops", "text", "operations inside its kernel, joined by ;"),
    Fact("macs", "number", "multiply-accumulates", minimum=0),
    Fact("flops", "number", "floating-point operations", minimum=0),
    Fact("weight_bytes", "number", "bytes of weights", minimum=0),
    Fact("bytes_moved", "number", "bytes of inputs, outputs and weights", minimum=0),
    Fact("runtime_s", "number", "GPU time of the layer", key=True, unknown=False, above=0,
           maximum=_SECONDS),
    Fact("power_w", "number", "board power while it runs, idle included", above=0, maximum=_WATTS),
    Fact("power_above_idle_w", "number", "the same less idle power", above=0, maximum=_WATTS),
    Fact("standard_error_w", "number", "standard error of the power", minimum=0),
    Fact("samples", "number", "distinct sensor conversions that overlap the layer", minimum=0),
    Fact("known_by", "text", "how its power was known: samples, alike, single, network"),
    Fact("idle_power_w", "number", "idle power of the board", minimum=0, maximum=_WATTS),
    Fact("fixed_s", "number", "time of an inference in no layer", minimum=0),
    Fact("fixed_power_w", "number", "board power then", minimum=0),
    Fact("host_gap_s", "number", "wall time between two inferences", minimum=0),
    Fact("host_gap_power_w", "number", "board power then", minimum=0),
    Fact("network_layers", "integer", "layers of the network, measured or not", minimum=0),
    Fact("source", "text", "file or folder that the row came from"),
    Fact("marks", "text", "what to know of this row, joined by ;"),
)  # fmt: skip
"""All columns, in order. Units are in the names, SI."""

BY_NAME: Mapping[str, Fact] = {column.name: column for column in COLUMNS}
_EXACT = 2**53
"""Largest integer that a number of 64 bits holds exactly."""
_DEFAULTS: Mapping[Type, Any] = {"text": "", "number": np.nan, "integer": 0}
_INTEGER_DEFAULTS = {"batch": 1, "groups": 1}
_TYPES: Mapping[Type, Any] = {"text": np.str_, "number": np.float64, "integer": np.int64}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Layers that were measured. Each column is a read-only array of one length."""

    columns: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["network"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        return len(self) == len(other) and self.sha256 == other.sha256

    __hash__ = None  # type: ignore[assignment]

    def text(self, name: str) -> TextArray:
        """Return a column of texts."""
        return self.columns[name]

    def number(self, name: str) -> FloatArray:
        """Return a column of numbers, NaN where unknown."""
        return self.columns[name]

    def integer(self, name: str) -> IntArray:
        """Return a column of integers."""
        return self.columns[name]

    def marked(self, mark: str) -> BoolArray:
        """Return which rows carry a mark."""
        return np.array([mark in text.split(";") for text in self.text("marks").tolist()], np.bool_)

    @property
    def sessions(self) -> TextArray:
        """A word for each row, the same for layers of one network from one source."""
        return np.char.add(np.char.add(self.text("network"), "\n"), self.text("source"))

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks, sorted."""
        return tuple(np.unique(self.text("network")).tolist())

    def take(self, rows: IntArray | BoolArray) -> Dataset:
        """Return some of the rows."""
        return Dataset({name: read_only(values[rows]) for name, values in self.columns.items()})

    def with_columns(self, **changes: npt.NDArray[Any]) -> Dataset:
        """Return the same rows with other values in some columns."""
        return Dataset({**self.columns, **{n: read_only(v) for n, v in changes.items()}})

    def sorted(self) -> Dataset:
        """Return the rows in an order that does not depend on how they were listed."""
        if len(self) < 2:
            return self
        keys = [self.columns[column.name] for column in reversed(COLUMNS)]
        order = np.lexsort((*keys, self.integer("layer"), self.text("network")))
        return self.take(order)

    @property
    def sha256(self) -> str:
        """Fingerprint of the rows in canonical order."""
        ordered, digest = self.sorted(), hashlib.sha256(SCHEMA.encode())
        for column in COLUMNS:
            values = ordered.columns[column.name]
            if column.type == "text":
                digest.update("\0".join(values.tolist()).encode())
            else:
                digest.update(values.astype("<f8").tobytes())
        return digest.hexdigest()

    @staticmethod
    def of(rows: Sequence[Mapping[str, Any]]) -> Dataset:
        """Return a data set of rows; what a row does not say is unknown."""
        columns: dict[str, npt.NDArray[Any]] = {}
        for column in COLUMNS:
            default = _INTEGER_DEFAULTS.get(column.name, _DEFAULTS[column.type])
            values = [row.get(column.name, default) for row in rows]
            columns[column.name] = read_only(values, _TYPES[column.type])
        return Dataset(columns)

    @staticmethod
    def concatenate(parts: Sequence[Dataset]) -> Dataset:
        """Return the rows of several data sets."""
        if not parts:
            return Dataset.of(())
        return Dataset(
            {c.name: read_only(np.concatenate([p.columns[c.name] for p in parts])) for c in COLUMNS}
        )


def from_columns(columns: Mapping[str, Sequence[Any]], source: object) -> Dataset:
    """Return a data set of columns from a file, checked.

    Raises:
        InvalidInput: a column is missing or of the wrong type, or a value cannot be; the row
            (counted from 1) and the column are named.
    """
    for column in COLUMNS:
        if column.key and column.name not in columns:
            base = column.name.rsplit("_", 1)[0]
            near = [n for n in columns if n.rsplit("_", 1)[0] == base and n not in BY_NAME]
            remedy = f"found {near[0]!r}: give it as {column.name!r}, SI" if near else "add it"
            raise InvalidInput(source, f"has no column {column.name!r}", remedy)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInput(source, "has columns of different lengths", str(lengths))
    for name in columns:
        twin = next((c.name for c in COLUMNS if _other_unit(name, c.name)), None)
        if twin is not None:
            raise InvalidInput(
                source,
                f"has a column {name!r} beside {twin!r}: two units for one quantity",
                "keep the column in SI",
            )
    rows = next(iter(lengths.values()), 0)
    _check_texts(columns, rows, source)
    found = {c.name: _converted(columns, c, rows, source) for c in COLUMNS}
    return Dataset(found)


def _check_texts(columns: Mapping[str, Sequence[Any]], rows: int, source: object) -> None:
    """Refuse texts that would not fit: an array of texts gives each the room of the longest."""
    room = 0
    for column in COLUMNS:
        if column.type == "text" and column.name in columns:
            longest = max((len(t) for t in columns[column.name] if isinstance(t, str)), default=0)
            room += rows * longest * np.dtype("U1").itemsize
            if room > limits.DATASET_TEXT_BYTES:
                raise InvalidInput(
                    source,
                    f"column {column.name!r} holds a text of {longest} characters in {rows} rows, "
                    "more than fits",
                    "shorten it, or split the data set",
                )


def _other_unit(name: str, known: str) -> bool:
    base, _, unit = name.rpartition("_")
    known_base, _, known_unit = known.rpartition("_")
    return (
        name not in BY_NAME
        and base == known_base
        and (known_unit, unit)
        in {("s", "ms"), ("s", "us"), ("w", "mw"), ("w", "uw"), ("w", "kw"), ("s", "ns")}
    )


def _converted(
    columns: Mapping[str, Sequence[Any]], column: Fact, rows: int, source: object
) -> npt.NDArray[Any]:
    default = _INTEGER_DEFAULTS.get(column.name, _DEFAULTS[column.type])
    if column.name not in columns:
        return read_only(np.full(rows, default, dtype=_TYPES[column.type]))
    values = []
    for row, raw in enumerate(columns[column.name], start=1):
        missing = raw is None or (raw == "" and column.type != "text")
        try:
            value = default if missing else _cast(raw, column)
        except (TypeError, ValueError, OverflowError):
            raise InvalidInput(
                source,
                f"row {row}, column {column.name!r}: {str(raw)[:40]!r} is no {column.type}",
            ) from None
        if missing and column.key:
            raise InvalidInput(source, f"row {row}, column {column.name!r}: is empty")
        values.append(value)
    return read_only(values, _TYPES[column.type])


def _cast(raw: Any, column: Fact) -> Any:
    if column.type == "text":
        if not isinstance(raw, str):
            raise TypeError(column.name)
        return raw.replace("\0", " ")
    if isinstance(raw, str) and "_" in raw:  # 1_9 is a number to Python alone
        raise ValueError(column.name)
    number = float(raw)
    if column.type == "number":
        return number
    if not number.is_integer() or abs(number) > _EXACT:
        raise ValueError(column.name)
    return int(number)
