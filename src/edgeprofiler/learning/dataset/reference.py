"""Training tables in the layout that other people already have, in its units, repaired.

`training_data/MODEL/{convolutional,pooling,dense}.csv` hold power in microwatts above idle and
runtime in milliseconds. They have no column for groups, their padding is that before plus after,
and published pooling windows may be the whole input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeprofiler.core.choices import DEFAULT_PRECISION
from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Layer, Network, Shape, make_layer
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.core.values import (
    BOARD_POWER,
    LAYER_TIME,
    Measure,
    Row,
    Sheet,
    measure_in,
    missing_column,
    read_csv,
    with_names,
)
from edgeprofiler.learning.dataset.rows import layer_facts
from edgeprofiler.learning.dataset.table import Dataset
from edgeprofiler.prediction.features import LAUNCH_S

_MILLI, _MICRO = 1e-3, 1e-6
_NAMES = (
    "layer_name", "layer_type", "batch_size", "kernel_0", "kernel_1", "stride_0", "stride_1",
    "padding_0", "padding_1", "input_size", "output_size",
    *(f"{side}_size_{i}" for side in ("input", "output") for i in range(3)),
)  # fmt: skip
TABLES = ("convolutional", "pooling", "dense")
WINDOW_REPAIRED = "pool-window-repaired"
WINDOW_UNKNOWN = "pool-window-unknown"
GROUPS_ASSUMED = "groups-assumed"
GROUPS_UNKNOWN = "groups-unknown"
GROUPS_DEPTHWISE = "groups-inferred-depthwise"
POSITIONS_UNKNOWN = "positions-unknown"

DENSE_SHARE = 1.1
"""A layer that would have to run at more than this share of the peak cannot be dense,"""
DEPTHWISE_FACTOR = 2.5
"""and one that takes this many times what moving its data takes is not depthwise."""


@dataclass(frozen=True)
class Circumstances:
    """What the tables do not say of the measurements."""

    device: str
    runtime: str = "torch-tensorrt"
    precision: str = DEFAULT_PRECISION
    mode: str = ""
    source: str = ""
    board: Device | None = None
    """The board's datasheet, by which times rule out dense or depthwise convolutions."""


def is_training_folder(folder: Path) -> bool:
    """Say whether a folder holds training tables of one network."""
    return any((folder / f"{name}.csv").is_file() for name in TABLES)


def read_training_folder(
    folder: Path, facts: Circumstances, network: Network | None = None
) -> Dataset:
    """Return the rows of one network's training tables.

    Args:
        folder: `training_data/MODEL`; its name, whole, is the network's.
        facts: what the tables do not say.
        network: the engine's layers, where they are at hand: groups, MACs and windows come from
            there.

    Raises:
        InvalidInput: a table is empty, a column is missing or a value is no number; file, row
            and column are named.
    """
    parts = []
    known = {layer.name: layer for layer in network.layers} if network is not None else {}
    for kind in TABLES:
        path = folder / f"{kind}.csv"
        if path.is_file():
            parts.append(read_training_table(path, kind, folder.name, facts, known))
    if not parts:
        raise InvalidInput(folder, "has none of convolutional.csv, pooling.csv, dense.csv")
    return Dataset.concatenate(parts)


def read_training_table(
    path: Path,
    kind: str | None,
    network: str,
    facts: Circumstances,
    known: Mapping[str, Layer] | None = None,
) -> Dataset:
    """Return the rows of one table; a column `layer_type` says the kind where `kind` is `None`."""
    sheet = with_names(read_csv(path), _NAMES)
    measured = Measures.of(sheet)
    rows = [
        _row(
            row, measured, kind or row["layer_type"].default("").text(), network, facts, known or {}
        )
        for row in sheet.rows
    ]
    if not rows:
        raise InvalidInput(path, "has a header but no rows")
    return Dataset.of([{**row, "layer": index} for index, row in enumerate(rows)])


@dataclass(frozen=True)
class Measures:
    """The columns of time and power, in the layout's own units where their headings name none."""

    runtime: Measure
    power: Measure

    @staticmethod
    def of(sheet: Sheet) -> Measures:
        """Return the columns of a table; raise `InvalidInput` where one is missing."""
        runtime = measure_in(sheet, "runtime", LAYER_TIME, _MILLI)
        power = measure_in(sheet, "power_above_idle", BOARD_POWER, _MICRO) or measure_in(
            sheet, "power", BOARD_POWER, _MICRO
        )
        if runtime is None:
            raise missing_column(sheet, "runtime", LAYER_TIME)
        if power is None:
            raise missing_column(sheet, "power", BOARD_POWER)
        return Measures(runtime, power)


def _measured(measure: Measure, row: Row) -> float:
    value = measure.of(row)
    if math.isnan(value):
        raise row[measure.column].fail("is empty")
    return value


def _row(
    row: Row,
    measured: Measures,
    kind: str,
    network: str,
    facts: Circumstances,
    known: Mapping[str, Layer],
) -> dict[str, Any]:
    name = row["layer_name"].default("").text()
    power_w, runtime_s = _measured(measured.power, row), _measured(measured.runtime, row)
    marks: list[str] = []
    layer = known.get(name)
    if layer is None or layer.kind not in TABLES:
        maker = {"convolutional": _convolution, "pooling": _pooling, "dense": _dense}.get(kind)
        if maker is None:
            raise row["layer_type"].fail(f"is {kind!r}, none of {', '.join(TABLES)}")
        layer = in_type(maker(row, name, runtime_s, marks, facts.board), facts.precision)
    return {
        **layer_facts(layer),
        "network": network,
        **attributes(facts, "device runtime mode precision"),
        "batch": _size(row, "batch_size", 1),
        "runtime_s": runtime_s,
        "power_above_idle_w": power_w,
        "known_by": "network",
        "source": facts.source or network,
        "marks": ";".join(marks),
    }


def _size(row: Row, column: str, default: int | None = None, least: int = 0) -> int:
    return row[column].default(default).whole(least)


def _triple(row: Row, column: str) -> tuple[int, ...]:
    return tuple(_size(row, f"{column}_{i}") for i in range(3))


def in_type(layer: Layer, precision: str) -> Layer:
    """Return a layer of 16-bit floats as it is in another type."""
    factor = dtype_bytes(precision) / dtype_bytes(layer.dtype)
    return replace(
        layer,
        dtype=precision,
        weight_bytes=None if layer.weight_bytes is None else round(layer.weight_bytes * factor),
        bytes_moved=None if layer.bytes_moved is None else round(layer.bytes_moved * factor),
    )


def _convolution(
    row: Row, name: str, runtime_s: float, marks: list[str], board: Device | None
) -> Layer:
    batch = _size(row, "batch_size", 1)
    source, result = _triple(row, "input_size"), _triple(row, "output_size")
    kernel = (_size(row, "kernel_0"), _size(row, "kernel_1"))
    padding = tuple(_size(row, f"padding_{i}", 0) for i in range(2))
    shape = (batch, *source), (batch, *result), kernel
    groups = 1
    if kernel != (1, 1) and source[0] == result[0] and source[0] > 4:
        # Depthwise and dense convolutions that keep their channels look the same here.
        found = _groups(shape, runtime_s, board)
        marks.append({None: GROUPS_UNKNOWN, 1: GROUPS_ASSUMED}.get(found, GROUPS_DEPTHWISE))
        unknown, groups = found is None, found or 1
    else:
        unknown = False
        marks.append(GROUPS_ASSUMED)
    weights = math.prod((source[0], result[0], *kernel)) // groups + result[0]
    layer = make_layer(
        name=name,
        kind="convolutional",
        op="convolution",
        input_shapes=[(batch, *source)],
        output_shapes=[(batch, *result)],
        dtype="fp16",
        kernel=kernel,
        stride=(_size(row, "stride_0", least=1), _size(row, "stride_1", least=1)),
        padding_before=tuple(p // 2 for p in padding),
        padding_after=tuple(p - p // 2 for p in padding),
        groups=groups,
        weight_elements=None if unknown else weights,
    )
    return replace(layer, macs=None, flops=None, weight_bytes=None) if unknown else layer


def _groups(
    shape: tuple[Shape, Shape, tuple[int, int]], runtime_s: float, board: Device | None
) -> int | None:
    """Return 1, the number of channels, or `None` where the time allows both."""
    source, result, kernel = shape
    if board is None:
        return None
    channels, outputs = source[1], math.prod(result)
    flops = 2.0 * outputs * channels * math.prod(kernel)
    if flops / runtime_s > DENSE_SHARE * board.peak_flops("fp16"):
        return channels
    moved = 2.0 * (math.prod(source) + outputs)
    least_s = LAUNCH_S + moved / board.bandwidth_bytes_per_s
    return 1 if runtime_s > DEPTHWISE_FACTOR * least_s else None


def _pooling(
    row: Row, name: str, _runtime_s: float, marks: list[str], _board: Device | None
) -> Layer:
    batch = _size(row, "batch_size", 1)
    source, result = _triple(row, "input_size"), _triple(row, "output_size")
    kernel = (_size(row, "kernel_0"), _size(row, "kernel_1"))
    stride = (_size(row, "stride_0", 1, 1), _size(row, "stride_1", 1, 1))
    whole = source[1:]
    padding = (0, 0)
    if kernel == whole and result[1:] != (1, 1):
        kernel, padding, mark = _window(whole, result[1:], stride)
        marks.append(mark)
    op = "global_pool" if result[1:] == (1, 1) and kernel == whole else "max_pool"
    return make_layer(
        name=name,
        kind="pooling",
        op=op,
        input_shapes=[(batch, *source)],
        output_shapes=[(batch, *result)],
        dtype="fp16",
        kernel=kernel,
        stride=stride,
        padding_before=padding,
        padding_after=padding,
    )


def _window(
    size: tuple[int, ...], result: tuple[int, ...], stride: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], str]:
    """Return the usual window that turns `size` into `result` at `stride`, with its padding.

    Of windows 2 and 3, unpadded or padded by one, the first that gives the output's size is
    taken, in the order in which networks use them at that stride.
    """
    usual = ((2, 0), (3, 1), (3, 0)) if stride[0] > 1 else ((3, 1), (2, 0))
    for ceiling in (False, True):
        for window, padding in usual:
            made = tuple(
                -(-(s + 2 * padding - window) // t) + 1
                if ceiling
                else (s + 2 * padding - window) // t + 1
                for s, t in zip(size, stride, strict=True)
            )
            if made == tuple(result):
                return (window, window), (padding, padding), WINDOW_REPAIRED
    return (stride[0], stride[1]), (0, 0), WINDOW_UNKNOWN


def _dense(
    row: Row, name: str, _runtime_s: float, marks: list[str], _board: Device | None
) -> Layer:
    """A product known only by the number of its inputs and outputs.

    Most rows are 1x1 convolutions over unknown positions, so that their MACs are not known
    unless the engine's description lies beside.
    """
    batch = _size(row, "batch_size", 1)
    source, result = _size(row, "input_size"), _size(row, "output_size")
    layer = make_layer(
        name=name,
        kind="dense",
        op="gemm",
        input_shapes=[(batch, source)],
        output_shapes=[(batch, result)],
        dtype="fp16",
        weight_elements=None,
    )
    marks.append(POSITIONS_UNKNOWN)
    return layer
