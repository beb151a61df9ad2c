"""Training tables in the layout that other people already have, in its units, repaired.

`training_data/MODEL/{convolutional,pooling,dense}.csv` hold power in microwatts above idle and
runtime in milliseconds. They have no column for groups, their padding is that before plus after,
and published pooling windows may be the whole input.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeprofiler.core import files
from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Layer, Network, Shape, make_layer
from edgeprofiler.core.units import seconds_from_ms, watts_from_microwatts
from edgeprofiler.learning.dataset.rows import layer_facts
from edgeprofiler.learning.dataset.table import Dataset
from edgeprofiler.prediction.features import LAUNCH_S

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
class Facts:
    """What the tables do not say of the measurements."""

    device: str
    runtime: str = "torch-tensorrt"
    source: str = ""
    board: Device | None = None
    """The board's datasheet, by which times rule out dense or depthwise convolutions."""


def is_training_folder(folder: Path) -> bool:
    """Say whether a folder holds training tables of one network."""
    return any((folder / f"{name}.csv").is_file() for name in TABLES)


def read_training_folder(folder: Path, facts: Facts, network: Network | None = None) -> Dataset:
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
    facts: Facts,
    known: Mapping[str, Layer] | None = None,
) -> Dataset:
    """Return the rows of one table; a column `layer_type` says the kind where `kind` is `None`."""
    reader = csv.DictReader(io.StringIO(files.read_text(path)))
    names = tuple(reader.fieldnames or ())
    rows = []
    for number, raw in enumerate(reader, start=1):
        row = _Row(raw, names, path, number)
        rows.append(_row(row, kind or row.text("layer_type"), network, facts, known or {}))
    if not rows:
        raise InvalidInput(path, "has a header but no rows" if names else "is empty")
    return Dataset.of([{**row, "layer": index} for index, row in enumerate(rows)])


class _Row:
    def __init__(
        self, raw: Mapping[str, Any], names: tuple[str, ...], path: Path, number: int
    ) -> None:
        self._raw, self._names, self._path, self._number = raw, names, path, number

    def fail(self, column: str, problem: str, remedy: str = "") -> InvalidInput:
        return InvalidInput(self._path, f"row {self._number}, column {column!r}: {problem}", remedy)

    def text(self, column: str) -> str:
        value = self._raw.get(column)
        return value if isinstance(value, str) else ""

    def number(self, column: str, *also: str, above: float = -math.inf) -> float:
        name = next((n for n in (column, *also) if n in self._names), None)
        if name is None:
            raise InvalidInput(self._path, f"has no column {column!r}", f"it has {self._names}")
        try:
            value = float(self.text(name))
        except ValueError:
            raise self.fail(name, f"{self.text(name)[:40]!r} is no number") from None
        if not math.isfinite(value):
            raise self.fail(name, f"{value} is not finite")
        if value <= above:
            raise self.fail(name, f"{value:g} is not above {above:g}", "correct or remove the row")
        return value

    def size(self, column: str, default: int | None = None) -> int:
        if default is not None and not self.text(column):
            return default
        value = self.number(column, above=-1)
        if not value.is_integer():
            raise self.fail(column, f"{value:g} is no integer")
        return int(value)

    def triple(self, column: str) -> tuple[int, ...]:
        return tuple(self.size(f"{column}_{i}") for i in range(3))


def _row(
    row: _Row, kind: str, network: str, facts: Facts, known: Mapping[str, Layer]
) -> dict[str, Any]:
    name = row.text("layer_name")
    power_uw = row.number("power", "power_above_idle_uw", above=0)
    runtime_ms = row.number("runtime", "runtime_ms", above=0)
    power_w, runtime_s = watts_from_microwatts(power_uw), seconds_from_ms(runtime_ms)
    if power_w < 1e-3:
        raise row.fail("power", f"{power_uw:g} is too little for microwatts", "is it in watts?")
    if runtime_s > 10:
        raise row.fail("runtime", f"{runtime_ms:g} is too much for milliseconds")
    marks: list[str] = []
    layer = known.get(name)
    if layer is None or layer.kind not in TABLES:
        maker = {"convolutional": _convolution, "pooling": _pooling, "dense": _dense}.get(kind)
        if maker is None:
            raise row.fail("layer_type", f"{kind!r} is none of {', '.join(TABLES)}")
        layer = maker(row, name, marks, facts.board)
    return {
        **layer_facts(layer),
        "network": network,
        "device": facts.device,
        "runtime": facts.runtime,
        "precision": "fp16",
        "batch": row.size("batch_size", 1),
        "runtime_s": runtime_s,
        "power_above_idle_w": power_w,
        "known_by": "network",
        "source": facts.source or network,
        "marks": ";".join(marks),
    }


def _convolution(row: _Row, name: str, marks: list[str], board: Device | None) -> Layer:
    batch = row.size("batch_size", 1)
    source, result = row.triple("input_size"), row.triple("output_size")
    kernel = (row.size("kernel_0"), row.size("kernel_1"))
    padding = tuple(row.size(f"padding_{i}", 0) for i in range(2))
    shape = (batch, *source), (batch, *result), kernel
    groups = 1
    if kernel != (1, 1) and source[0] == result[0] and source[0] > 4:
        # Depthwise and dense convolutions that keep their channels look the same here.
        found = _groups(shape, seconds_from_ms(row.number("runtime", "runtime_ms")), board)
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
        stride=(row.size("stride_0"), row.size("stride_1")),
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


def _pooling(row: _Row, name: str, marks: list[str], board: Device | None) -> Layer:  # noqa: ARG001
    batch = row.size("batch_size", 1)
    source, result = row.triple("input_size"), row.triple("output_size")
    kernel = (row.size("kernel_0"), row.size("kernel_1"))
    stride = (row.size("stride_0", 1), row.size("stride_1", 1))
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


def _dense(row: _Row, name: str, marks: list[str], board: Device | None) -> Layer:  # noqa: ARG001
    """A product known only by the number of its inputs and outputs.

    Most rows are 1x1 convolutions over unknown positions, so that their MACs are not known
    unless the engine's description lies beside.
    """
    batch = row.size("batch_size", 1)
    source, result = row.size("input_size"), row.size("output_size")
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
