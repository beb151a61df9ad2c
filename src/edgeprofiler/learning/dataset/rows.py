"""Between profiles, layers and rows of a data set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from edgeprofiler.core.errors import InsufficientData, InvalidInput
from edgeprofiler.core.network import Columns, Kind, Layer, Shape
from edgeprofiler.core.profile import Profile
from edgeprofiler.learning.dataset.table import Dataset

NO_POWER = "power-not-above-idle"
FEW_SAMPLES = "few-samples"


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
        facts = layer_facts(layer)
        rows.append({**facts, **row, "marks": ";".join(marks)})
    if not rows:
        raise InsufficientData(f"{where}: no layer has a measured runtime")
    return Dataset.of(rows)


def layer_facts(layer: Layer) -> dict[str, Any]:
    """Return what a row says of the layer itself."""
    unknown = math.nan
    return {
        "name": layer.name,
        "kind": layer.kind,
        "op": layer.op,
        "dtype": layer.dtype,
        "input_dtypes": ";".join(layer.input_dtypes),
        "output_dtypes": ";".join(layer.output_dtypes),
        "input_shapes": ";".join(shape_text(s) for s in layer.input_shapes),
        "output_shapes": ";".join(shape_text(s) for s in layer.output_shapes),
        "kernel": shape_text(layer.kernel),
        "stride": shape_text(layer.stride),
        "padding_before": shape_text(layer.padding_before),
        "padding_after": shape_text(layer.padding_after),
        "dilation": shape_text(layer.dilation),
        "groups": layer.groups,
        "fused_ops": ";".join(layer.fused_ops),
        "macs": unknown if layer.macs is None else layer.macs,
        "flops": unknown if layer.flops is None else layer.flops,
        "weight_bytes": unknown if layer.weight_bytes is None else layer.weight_bytes,
        "bytes_moved": unknown if layer.bytes_moved is None else layer.bytes_moved,
    }


def layers_of(data: Dataset) -> list[Layer]:
    """Return the layer of each row.

    Raises:
        InvalidInput: a shape cannot be read; row and column are named.
    """
    columns = {name: values.tolist() for name, values in data.columns.items()}
    found = []
    for row in range(len(data)):
        value = {name: values[row] for name, values in columns.items()}

        def shapes(name: str, value: dict[str, Any] = value, row: int = row) -> tuple[Shape, ...]:
            parts = value[name].split(";") if value[name] else []
            return tuple(parse_shape(part, row, name) for part in parts)

        def shape(name: str, value: dict[str, Any] = value, row: int = row) -> Shape:
            return parse_shape(value[name], row, name)

        found.append(
            Layer(
                name=value["name"],
                kind=cast("Kind", value["kind"]),
                op=value["op"],
                input_shapes=shapes("input_shapes"),
                output_shapes=shapes("output_shapes"),
                dtype=value["dtype"],
                input_dtypes=_split(value["input_dtypes"]),
                output_dtypes=_split(value["output_dtypes"]),
                kernel=shape("kernel"),
                stride=shape("stride"),
                padding_before=shape("padding_before"),
                padding_after=shape("padding_after"),
                dilation=shape("dilation"),
                groups=value["groups"],
                macs=_count(value["macs"]),
                flops=_count(value["flops"]),
                weight_bytes=_count(value["weight_bytes"]),
                bytes_moved=_count(value["bytes_moved"]),
                fused_ops=_split(value["fused_ops"]),
            )
        )
    return found


def columns_of(data: Dataset) -> Columns:
    """Return the layers of all rows as the arrays that predictors compute with."""
    return Columns.of(layers_of(data))


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as text: `1x64x56x56`."""
    return "x".join(str(size) for size in shape)


def parse_shape(text: str, row: int, column: str) -> Shape:
    """Return the shape that a text says."""
    try:
        shape = tuple(int(part) for part in text.split("x")) if text else ()
    except ValueError:
        shape = (-1,)
    if any(not 0 <= size <= 2**31 for size in shape) or len(shape) > 16:
        raise InvalidInput(
            "data set", f"row {row + 1}, column {column!r}: {text[:40]!r} is no shape", "as 1x64x56"
        )
    return shape


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(";")) if text else ()


def _count(value: float) -> int | None:
    return int(value) if math.isfinite(value) else None


def _at(values: np.ndarray[Any, Any] | None, index: int) -> float:
    return math.nan if values is None else float(values[index])
