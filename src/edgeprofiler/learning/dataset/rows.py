"""Between profiles, layers and rows of a data set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InsufficientData, InvalidInput
from edgeprofiler.core.network import Columns, Layer, Shape
from edgeprofiler.core.profile import Profile
from edgeprofiler.learning.dataset.table import BY_NAME, Dataset

NO_POWER = "power-not-above-idle"


def rows_of(profile: Profile, source: str = "") -> Dataset:
    """Return the rows of a measured profile: every layer that took time.

    A layer whose power does not rise above idle keeps its runtime; its power is left unknown and
    the row is marked `power-not-above-idle`.

    Raises:
        InvalidInput: the profile is a prediction; nothing may be learnt from those.
        InsufficientData: no layer has a runtime.
    """
    where = source or profile.network.name
    if profile.origin.kind != "measured":
        raise InvalidInput(
            where, f"is predicted by {profile.origin.by}, not measured", "give measured profiles"
        )
    idle = profile.idle_power_w
    costs, network = profile.costs, profile.network
    rows = []
    for index, layer in enumerate(network.layers):
        runtime, power = float(costs.runtime_s[index]), float(costs.power_w[index])
        if not runtime > 0 or layer.op == "noop":
            continue
        marks = []
        above = power - idle
        if math.isfinite(power) and not above > 0:
            marks.append(NO_POWER)
            power = above = math.nan
        row: dict[str, Any] = {
            "network": network.name,
            "device": profile.device.name,
            "mode": profile.device.mode,
            "runtime": profile.device.runtime,
            "precision": network.precision,
            "batch": network.batch,
            "simulated": int(profile.simulated),
            "layer": index,
            "runtime_s": runtime,
            "power_w": power,
            "power_above_idle_w": above,
            "standard_error_w": _at(costs.standard_error_w, index),
            "samples": _at(costs.samples, index),
            "known_by": costs.known_by[index],
            "idle_power_w": idle,
            "fixed_s": profile.fixed.runtime_s,
            "fixed_power_w": profile.fixed.power_w,
            "host_gap_s": profile.host_gap.runtime_s,
            "host_gap_power_w": profile.host_gap.power_w,
            "network_layers": sum(1 for item in network.layers if item.op != "noop"),
            "source": source,
        }
        rows.append({**layer_facts(layer), **row, "marks": ";".join(marks)})
    if not rows:
        raise InsufficientData(f"{where}: no layer has a measured runtime")
    return Dataset.of(rows)


def layer_facts(layer: Layer) -> dict[str, Any]:
    """Return what a row says of the layer itself."""
    return {name: _cell(getattr(layer, name)) for name in _LAYER}


def layers_of(data: Dataset) -> list[Layer]:
    """Return the layer of each row.

    Raises:
        InvalidInput: a shape cannot be read; row and column are named.
    """
    columns = [data.columns[name].tolist() for name in _LAYER]
    return [
        Layer(
            **{
                name: _READ.get(name, _as_it_is)(cell, row, name)
                for name, cell in zip(_LAYER, cells, strict=True)
            }
        )
        for row, cells in enumerate(zip(*columns, strict=True))
    ]


def columns_of(data: Dataset) -> Columns:
    """Return the layers of all rows as the arrays that predictors compute with."""
    return Columns.of(layers_of(data))


def _cell(value: Any) -> Any:
    """Return a field of a layer as a row holds it: `1x64x56x56`, parts joined by `;`."""
    if value is None:
        return math.nan
    if isinstance(value, tuple):
        if value and isinstance(value[0], int):
            return "x".join(map(str, value))
        return ";".join(part if isinstance(part, str) else _cell(part) for part in value)
    return value


def _shape(text: str, row: int, column: str) -> Shape:
    try:
        shape = tuple(int(part) for part in text.split("x")) if text else ()
    except ValueError:
        shape = (-1,)
    if any(not 0 <= size <= limits.DIMENSION for size in shape) or len(shape) > limits.RANK:
        raise InvalidInput(
            "data set", f"row {row + 1}, column {column!r}: {text[:40]!r} is no shape", "as 1x64x56"
        )
    return shape


def _shapes(text: str, row: int, column: str) -> tuple[Shape, ...]:
    return tuple(_shape(part, row, column) for part in _split(text))


def _split(text: str, *_place: object) -> tuple[str, ...]:
    return tuple(text.split(";")) if text else ()


def _count(value: float, *_place: object) -> int | None:
    return int(value) if math.isfinite(value) else None


def _as_it_is(value: Any, *_place: object) -> Any:
    return value


_LAYER = tuple(name for name in BY_NAME if name in Layer.__dataclass_fields__)
"""Columns that a layer's own fields fill."""

_READ: Mapping[str, Callable[[Any, int, str], Any]] = {
    **dict.fromkeys(("input_shapes", "output_shapes"), _shapes),
    **dict.fromkeys(("kernel", "stride", "padding_before", "padding_after", "dilation"), _shape),
    **dict.fromkeys(("input_dtypes", "output_dtypes", "fused_ops"), _split),
    **dict.fromkeys(("macs", "flops", "weight_bytes", "bytes_moved"), _count),
}
"""How a field is read back from its cell."""


def _at(values: np.ndarray[Any, Any] | None, index: int) -> float:
    return math.nan if values is None else float(values[index])
